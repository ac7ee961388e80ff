/// Adds 16 lanes of each of up to this many vectors in floats before they go to a double.
#define DOUBLE_EVERY 64

double bk_squared_difference(const float *a, const float *b, float *gradient, size_t count,
                             float factor, int accumulate) {
    double total = 0;
    vf vfactor = splat(factor);
    for (size_t start = 0; start < count; start += DOUBLE_EVERY * LANES) {
        size_t end = count - start < DOUBLE_EVERY * LANES ? count : start + DOUBLE_EVERY * LANES;
        vf sum = splat(0);
        size_t i = start;
        for (; i + LANES <= end; i += LANES) {
            vf d = load(a + i) - load(b + i);
            sum += d * d;
            vf g = d * vfactor;
            store(gradient + i, accumulate ? load(gradient + i) + g : g);
        }
        if (i < end) {
            size_t n = end - i;
            vf d = load_part(a + i, n) - load_part(b + i, n);
            sum += d * d;
            vf g = d * vfactor;
            store_part(gradient + i, accumulate ? load_part(gradient + i, n) + g : g, n);
        }
        total += sum_lanes(sum);
    }
    return total;
}

/// n elements from i, times a scale; lanes beyond them hold a number whose exponential is 0.
INLINE vf scaled_part(const float *p, size_t n, vf scale) {
    if (n >= LANES) return load(p) * scale;
    float part[LANES];
    for (size_t j = 0; j < LANES; j++) part[j] = j < n ? p[j] : 0;
    vf v = load(part) * scale;
    memcpy(part, &v, sizeof part);
    for (size_t j = n; j < LANES; j++) part[j] = -1e30f;
    return load(part);
}

double bk_softmax_divergence(const float *student, const float *teacher, float *gradient,
                             size_t count, float student_scale, float teacher_scale, float factor,
                             double *entropy) {
    vf ss = splat(student_scale), ts = splat(teacher_scale);
    vf top_s = splat(-INFINITY), top_t = splat(-INFINITY);
    for (size_t i = 0; i < count; i += LANES) {
        top_s = vmax(top_s, scaled_part(student + i, count - i, ss));
        top_t = vmax(top_t, scaled_part(teacher + i, count - i, ts));
    }
    float highest_s = max_lanes(top_s), highest_t = max_lanes(top_t);
    vf base_s = splat(highest_s), base_t = splat(highest_t);
    double sum_s = 0, sum_t = 0, crossed = 0, own = 0;
    for (size_t start = 0; start < count; start += DOUBLE_EVERY * LANES) {
        size_t end = count - start < DOUBLE_EVERY * LANES ? count : start + DOUBLE_EVERY * LANES;
        vf part_s = splat(0), part_t = splat(0), part_crossed = splat(0), part_own = splat(0);
        for (size_t i = start; i < end; i += LANES) {
            vf s = scaled_part(student + i, count - i, ss) - base_s;
            vf t = scaled_part(teacher + i, count - i, ts) - base_t;
            vf e = vexp(t);
            part_s += vexp(s);
            part_t += e;
            // A lane that is no element has the same value twice, and weighs nothing.
            part_crossed += e * s;
            part_own += e * t;
        }
        sum_s += sum_lanes(part_s);
        sum_t += sum_lanes(part_t);
        crossed += sum_lanes(part_crossed);
        own += sum_lanes(part_own);
    }
    double log_t = log(sum_t);
    double negative_entropy = own / sum_t - log_t;
    if (entropy) *entropy = -negative_entropy;
    double divergence = negative_entropy - (crossed / sum_t - log(sum_s));
    if (gradient) {
        vf weight_s = splat((float)(factor / sum_s)), weight_t = splat((float)(factor / sum_t));
        for (size_t i = 0; i < count; i += LANES) {
            vf s = scaled_part(student + i, count - i, ss) - base_s;
            vf t = scaled_part(teacher + i, count - i, ts) - base_t;
            vf g = vexp(s) * weight_s - vexp(t) * weight_t;
            if (count - i >= LANES) store(gradient + i, load(gradient + i) + g);
            else store_part(gradient + i, load_part(gradient + i, count - i) + g, count - i);
        }
    }
    return divergence;
}

/// C[M, N] = A[M, K] B[K, N], N a multiple of 16.
INLINE void narrow_product(size_t M, size_t N, size_t K, const float *a, size_t a_row,
                           const float *b, size_t ldb, float *c, size_t ldc) {
    for (size_t j = 0; j < N; j += LANES) {
        size_t i = 0;
        for (; i + 4 <= M; i += 4) {
            vf c0 = splat(0), c1 = splat(0), c2 = splat(0), c3 = splat(0);
            for (size_t k = 0; k < K; k++) {
                vf right = load(b + k * ldb + j);
                c0 += splat(a[i * a_row + k]) * right;
                c1 += splat(a[(i + 1) * a_row + k]) * right;
                c2 += splat(a[(i + 2) * a_row + k]) * right;
                c3 += splat(a[(i + 3) * a_row + k]) * right;
            }
            store(c + i * ldc + j, c0);
            store(c + (i + 1) * ldc + j, c1);
            store(c + (i + 2) * ldc + j, c2);
            store(c + (i + 3) * ldc + j, c3);
        }
        for (; i < M; i++) {
            vf sum = splat(0);
            for (size_t k = 0; k < K; k++)
                sum += splat(a[i * a_row + k]) * load(b + k * ldb + j);
            store(c + i * ldc + j, sum);
        }
    }
}

/// out[rows, rows rounded up to 16] = x xᵀ.
INLINE void relation(const float *x, size_t stride, size_t rows, size_t columns, float *transposed,
                     float *out) {
    size_t width = (rows + LANES - 1) / LANES * LANES;
    for (size_t c = 0; c < columns; c++) {
        for (size_t r = 0; r < rows; r++) transposed[c * width + r] = x[r * stride + c];
        for (size_t r = rows; r < width; r++) transposed[c * width + r] = 0;
    }
    narrow_product(rows, width, columns, x, stride, transposed, width, out, width);
}

double bk_relation_divergence(const float *student, size_t student_stride, size_t student_size,
                              const float *teacher, size_t teacher_stride, size_t teacher_size,
                              size_t length, float student_scale, float teacher_scale, float factor,
                              float *d_student, float *scratch) {
    size_t width = (length + LANES - 1) / LANES * LANES;
    size_t student_width = (student_size + LANES - 1) / LANES * LANES;
    size_t widest = student_size > teacher_size ? student_size : teacher_size;
    float *transposed = scratch;
    float *own = transposed + widest * width;
    float *other = own + length * width;
    float *gradient = other + length * width;
    float *rows = gradient + length * width;
    float *part = rows + length * student_width;
    relation(student, student_stride, length, student_size, transposed, own);
    relation(teacher, teacher_stride, length, teacher_size, transposed, other);
    memset(gradient, 0, length * width * sizeof(float));
    double total = 0;
    for (size_t r = 0; r < length; r++)
        total += bk_softmax_divergence(own + r * width, other + r * width, gradient + r * width,
                                       length, student_scale, teacher_scale, factor, NULL);
    // Both factors of a relation are the same rows: its gradient goes to either.
    for (size_t r = 0; r < length; r++)
        for (size_t c = 0; c <= r; c++) {
            float both = gradient[r * width + c] + gradient[c * width + r];
            gradient[r * width + c] = gradient[c * width + r] = both;
        }
    for (size_t r = 0; r < length; r++) {
        memcpy(rows + r * student_width, student + r * student_stride, student_size * sizeof(float));
        for (size_t c = student_size; c < student_width; c++) rows[r * student_width + c] = 0;
    }
    narrow_product(length, student_width, length, gradient, width, rows, student_width, part,
                   student_width);
    for (size_t r = 0; r < length; r++)
        for (size_t c = 0; c < student_size; c++)
            d_student[r * student_stride + c] += student_scale * part[r * student_width + c];
    return total;
}
#undef DOUBLE_EVERY
