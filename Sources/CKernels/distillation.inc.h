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

double bk_softmax_cross_entropy(const float *logits, size_t target, float *gradient, size_t count,
                                float factor) {
    vf one = splat(1), top = splat(-INFINITY);
    for (size_t i = 0; i < count; i += LANES) top = vmax(top, scaled_part(logits + i, count - i, one));
    float highest = max_lanes(top);
    vf base = splat(highest);
    double sum = 0;
    for (size_t start = 0; start < count; start += DOUBLE_EVERY * LANES) {
        size_t end = count - start < DOUBLE_EVERY * LANES ? count : start + DOUBLE_EVERY * LANES;
        vf part = splat(0);
        for (size_t i = start; i < end; i += LANES)
            part += vexp(scaled_part(logits + i, count - i, one) - base);
        sum += sum_lanes(part);
    }
    if (gradient) {
        vf weight = splat((float)(factor / sum));
        for (size_t i = 0; i < count; i += LANES) {
            vf g = vexp(scaled_part(logits + i, count - i, one) - base) * weight;
            if (count - i >= LANES) store(gradient + i, load(gradient + i) + g);
            else store_part(gradient + i, load_part(gradient + i, count - i) + g, count - i);
        }
        gradient[target] -= factor;
    }
    return log(sum) - ((double)logits[target] - (double)highest);
}

/// out[rows, padded(rows)] = x xᵀ.
INLINE void relation(const float *x, size_t stride, size_t rows, size_t columns, float *transposed,
                     float *out) {
    size_t width = padded(rows);
    float one = 1;
    transpose(x, stride, rows, columns, transposed, width);
    product(rows, width, 0,
            (tile_job){.a = x, .lda = stride, .b = transposed, .ldb = width, .c = out, .ldc = width,
                       .depth = columns, .scales = &one});
}

double bk_relation_divergence(const float *student, size_t student_stride, size_t student_size,
                              const float *teacher, size_t teacher_stride, size_t teacher_size,
                              size_t length, float student_scale, float teacher_scale, float factor,
                              float *d_student, float *scratch) {
    size_t width = padded(length), student_width = padded(student_size);
    float *transposed = scratch;
    float *own = transposed + padded(student_size > teacher_size ? student_size : teacher_size) * width;
    float *other = own + length * width;
    float *gradient = other + length * width;
    float *rows = gradient + length * width;
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
    pack(student, student_stride, length, student_size, rows);
    product(length, student_size, 0,
            (tile_job){.a = gradient, .lda = width, .b = rows, .ldb = student_width, .c = d_student,
                       .ldc = student_stride, .depth = length, .scales = &student_scale,
                       .accumulate = 1});
    return total;
}
#undef DOUBLE_EVERY
