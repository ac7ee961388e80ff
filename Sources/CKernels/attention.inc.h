static inline size_t padded(size_t n) { return (n + LANES - 1) / LANES * LANES; }

/// C[M, N] = A[M, K] B[K, N], N a multiple of 16, rows of B and C at strides ldb and ldc.
/// A is read element by element: A[i][k] = a[i * a_row + k * a_column].
INLINE void small_product(size_t M, size_t N, size_t K, const float *a, size_t a_row,
                          size_t a_column, const float *b, size_t ldb, float *c, size_t ldc) {
    for (size_t j = 0; j < N;) {
        size_t width = N - j >= 4 * LANES ? 4 : N - j >= 2 * LANES ? 2 : 1;
        size_t i = 0;
#define BLOCK(ROWS, VECTORS)                                                               \
    {                                                                                      \
        vf acc[ROWS][VECTORS];                                                             \
        for (int r = 0; r < ROWS; r++)                                                     \
            for (int n = 0; n < VECTORS; n++) acc[r][n] = splat(0);                        \
        for (size_t k = 0; k < K; k++) {                                                   \
            vf right[VECTORS];                                                             \
            for (int n = 0; n < VECTORS; n++) right[n] = load(b + k * ldb + j + n * LANES); \
            for (int r = 0; r < ROWS; r++) {                                               \
                vf left = splat(a[(i + r) * a_row + k * a_column]);                        \
                for (int n = 0; n < VECTORS; n++) acc[r][n] += left * right[n];            \
            }                                                                              \
        }                                                                                  \
        for (int r = 0; r < ROWS; r++)                                                     \
            for (int n = 0; n < VECTORS; n++)                                              \
                store(c + (i + r) * ldc + j + n * LANES, acc[r][n]);                       \
    }
#define COLUMNS(VECTORS)                             \
    {                                                \
        for (; i + 4 <= M; i += 4) BLOCK(4, VECTORS) \
        for (; i < M; i++) BLOCK(1, VECTORS)         \
    }
        if (width == 4) COLUMNS(4)
        else if (width == 2) COLUMNS(2)
        else COLUMNS(1)
        j += width * LANES;
    }
#undef BLOCK
#undef COLUMNS
}

/// target[rows, padded(columns)] = source, zero-filled on the right.
INLINE void pack(const float *source, size_t stride, size_t rows, size_t columns, float *target) {
    size_t width = padded(columns);
    for (size_t r = 0; r < rows; r++) {
        memcpy(target + r * width, source + r * stride, columns * sizeof(float));
        for (size_t c = columns; c < width; c++) target[r * width + c] = 0;
    }
}

/// target[columns, padded(rows)] = source transposed, zero-filled on the right.
INLINE void pack_transposed(const float *source, size_t stride, size_t rows, size_t columns,
                            float *target) {
    size_t width = padded(rows);
    for (size_t c = 0; c < columns; c++) {
        for (size_t r = 0; r < rows; r++) target[c * width + r] = source[r * stride + c];
        for (size_t r = rows; r < width; r++) target[c * width + r] = 0;
    }
}

// Query rows are taken in blocks, so that scratch grows with the length and not with its square;
// bk_attention_scratch in dispatch.c knows this height.
#define QUERY_BLOCK 64

void bk_attention_forward(const float *q, size_t q_stride, const float *k, const float *v,
                          size_t stride, float *out, size_t out_stride, size_t queries,
                          size_t length, size_t head_size, float scale, float *log_sum,
                          float *scores, uint64_t first_element, bk_dropout dropout,
                          float *scratch) {
    size_t lp = padded(length), dp = padded(head_size);
    float *k_columns = scratch;
    float *v_rows = k_columns + head_size * lp;
    float *weights = v_rows + length * dp;
    float *context = weights + QUERY_BLOCK * lp;
    pack_transposed(k, stride, length, head_size, k_columns);
    pack(v, stride, length, head_size, v_rows);
    for (size_t start = 0; start < queries; start += QUERY_BLOCK) {
        size_t rows = queries - start < QUERY_BLOCK ? queries - start : QUERY_BLOCK;
        small_product(rows, lp, head_size, q + start * q_stride, q_stride, 1, k_columns, lp, weights,
                      lp);
        for (size_t r = 0; r < rows; r++) {
            float *row = weights + r * lp;
            // Beyond the sequence: a score no softmax sees.
            for (size_t j = length; j < lp; j++) row[j] = -INFINITY;
            vf highest = splat(-INFINITY), vs = splat(scale);
            for (size_t j = 0; j < lp; j += LANES) {
                vf s = load(row + j) * vs;
                store(row + j, s);
                highest = vmax(highest, s);
            }
            if (scores) memcpy(scores + (start + r) * length, row, length * sizeof(float));
            float top = max_lanes(highest);
            vf vtop = splat(top), total = splat(0);
            for (size_t j = 0; j < lp; j += LANES) {
                vf e = vexp(load(row + j) - vtop);
                store(row + j, e);
                total += e;
            }
            float sum = sum_lanes(total);
            if (log_sum) log_sum[start + r] = top + logf(sum);
            vf inverse = splat(1.0f / sum);
            for (size_t j = 0; j < lp; j += LANES) store(row + j, load(row + j) * inverse);
            bk_dropout_apply(row, length, first_element + (start + r) * length, dropout);
        }
        small_product(rows, dp, length, weights, lp, 1, v_rows, dp, context, dp);
        for (size_t r = 0; r < rows; r++)
            memcpy(out + (start + r) * out_stride, context + r * dp, head_size * sizeof(float));
    }
}

void bk_attention_backward(const float *q, size_t q_stride, const float *k, const float *v,
                           size_t stride, const float *d_out, size_t out_stride, size_t queries,
                           size_t length, size_t head_size, float scale, const float *log_sum,
                           const float *d_scores, uint64_t first_element, bk_dropout dropout,
                           float *d_q, float *d_k, float *d_v, float *scratch) {
    size_t lp = padded(length), dp = padded(head_size);
    float *k_columns = scratch;
    float *v_columns = k_columns + head_size * lp;
    float *k_rows = v_columns + head_size * lp;
    float *q_rows = k_rows + length * dp;
    float *d_rows = q_rows + length * dp;
    float *weights = d_rows + length * dp;     // [block, length]: probabilities, then dropped ones
    float *gradient = weights + QUERY_BLOCK * lp;
    float *sum_k = gradient + QUERY_BLOCK * lp;
    float *sum_v = sum_k + lp * dp;
    float *part = sum_v + lp * dp;
    pack_transposed(k, stride, length, head_size, k_columns);
    pack_transposed(v, stride, length, head_size, v_columns);
    pack(k, stride, length, head_size, k_rows);
    pack(q, q_stride, queries, head_size, q_rows);
    pack(d_out, out_stride, queries, head_size, d_rows);
    memset(sum_k, 0, length * dp * sizeof(float));
    memset(sum_v, 0, length * dp * sizeof(float));
    float keep = dropout.probability > 0 ? 1.0f : 0.0f;
    for (size_t start = 0; start < queries; start += QUERY_BLOCK) {
        size_t rows = queries - start < QUERY_BLOCK ? queries - start : QUERY_BLOCK;
        small_product(rows, lp, head_size, q + start * q_stride, q_stride, 1, k_columns, lp, weights,
                      lp);
        // Gradient of the dropped probabilities.
        small_product(rows, lp, head_size, d_out + start * out_stride, out_stride, 1, v_columns, lp,
                      gradient, lp);
        for (size_t r = 0; r < rows; r++) {
            float *p = weights + r * lp, *g = gradient + r * lp;
            uint64_t element = first_element + (start + r) * length;
            vf vs = splat(scale), base = splat(log_sum[start + r]), inner = splat(0);
            for (size_t j = length; j < lp; j++) p[j] = -INFINITY;
            for (size_t j = 0; j < lp; j += LANES) store(p + j, vexp(load(p + j) * vs - base));
            if (keep) bk_dropout_apply(g, length, element, dropout);
            for (size_t j = 0; j < lp; j += LANES) inner += load(p + j) * load(g + j);
            vf total = splat(sum_lanes(inner));
            for (size_t j = 0; j < lp; j += LANES)
                store(g + j, load(p + j) * (load(g + j) - total));
            if (d_scores)
                for (size_t j = 0; j < length; j++) g[j] += d_scores[(start + r) * length + j];
            if (keep) bk_dropout_apply(p, length, element, dropout);
        }
        small_product(rows, dp, length, gradient, lp, 1, k_rows, dp, part, dp);
        for (size_t r = 0; r < rows; r++) {
            float *target = d_q + (start + r) * q_stride;
            for (size_t c = 0; c < head_size; c++) target[c] = part[r * dp + c] * scale;
        }
        // The key and value sides gather over query blocks, in their order.
        for (size_t first = 0; first < length; first += QUERY_BLOCK) {
            size_t n = length - first < QUERY_BLOCK ? length - first : QUERY_BLOCK;
            small_product(n, dp, rows, gradient + first, 1, lp, q_rows + start * dp, dp, part, dp);
            for (size_t e = 0; e < n * dp; e++) sum_k[first * dp + e] += part[e];
            small_product(n, dp, rows, weights + first, 1, lp, d_rows + start * dp, dp, part, dp);
            for (size_t e = 0; e < n * dp; e++) sum_v[first * dp + e] += part[e];
        }
    }
    for (size_t r = 0; r < length; r++)
        for (size_t c = 0; c < head_size; c++) {
            d_k[r * stride + c] = sum_k[r * dp + c] * scale;
            d_v[r * stride + c] = sum_v[r * dp + c];
        }
}
