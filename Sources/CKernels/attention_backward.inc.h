/// One vector of queries on the way back. In: scores and the gradient of the dropped probabilities,
/// [length], rows `width` apart. Out: the probabilities, 0 where dropped (and still to be divided by
/// 1 - p), and the gradient of the scores.
INLINE void softmax_backward_lanes(float *weights, float *gradient, size_t width, size_t length,
                                   float scale, vf log_sum, const mask_window *mask,
                                   uint64_t element, size_t queries) {
    vf vs = splat(scale), inner = splat(0);
    if (!mask) {
        for (size_t j = 0; j < length; j++) {
            float *p = weights + j * width;
            vf e = vexp_negative(load(p) * vs - log_sum);
            store(p, e);
            inner += e * load(gradient + j * width);
        }
        for (size_t j = 0; j < length; j++) {
            float *g = gradient + j * width;
            store(g, load(weights + j * width) * (load(g) - inner));
        }
        return;
    }
    vf keep = splat(dropout_keep(mask->dropout));
    for (size_t start = 0; start < length; start += 32) {
        vu words = mask_words(mask, element + start, length, queries);
        size_t end = length - start < 32 ? length : start + 32;
        for (size_t j = start; j < end; j++) {
            float *p = weights + j * width, *g = gradient + j * width;
            vi kept = (words & (vu)(1u << (j - start))) != (vu)0u;
            vf e = vexp_negative(load(p) * vs - log_sum), d = choose(kept, load(g) * keep, splat(0));
            inner += e * d;
            // The second pass tells what was dropped by the sign: no probability is negative.
            store(p, choose(kept, e, -e));
            store(g, d);
        }
    }
    for (size_t j = 0; j < length; j++) {
        float *p = weights + j * width, *g = gradient + j * width;
        vf e = load(p);
        store(g, vabs(e) * (load(g) - inner));
        store(p, vmax(splat(0), e));
    }
}

/// target [length, width] += source [queries, length] transposed, 16 queries.
INLINE void add_score_gradient(float *target, size_t width, size_t length, size_t queries,
                               const float *source) {
    for (size_t start = 0; start < length; start += LANES) {
        size_t n = length - start < LANES ? length - start : LANES;
        vf block[LANES];
        for (size_t i = 0; i < LANES; i++)
            block[i] = load_part(source + (i < queries ? i : 0) * length + start, n);
        transpose16(block);
        for (size_t i = 0; i < n; i++) {
            float *row = target + (start + i) * width;
            store(row, load(row) + block[i]);
        }
    }
}

void bk_attention_backward(const float *q, size_t q_stride, const float *k, const float *v,
                           size_t stride, const float *d_out, size_t out_stride, size_t heads,
                           size_t queries, size_t length, size_t head_size, float scale,
                           const float *log_sum, const float *d_scores, uint64_t first_element,
                           bk_dropout dropout, float *d_q, float *d_k, float *d_v,
                           float *scratch) {
    size_t dp = padded(head_size);
    float *q_columns = scratch;
    float *d_columns = q_columns + dp * QUERY_BLOCK;
    float *weights = d_columns + dp * QUERY_BLOCK;
    float *gradient = weights + length * QUERY_BLOCK;
    float *packed_k = gradient + length * QUERY_BLOCK;
    float *packed_v = packed_k + length * dp;
    float *packed_q = packed_v + length * dp;
    float *packed_d = packed_q + QUERY_BLOCK * dp;
    mask_window window = {dropout, 0, 0, first_element + heads * queries * length,
                          (uint32_t *)(packed_d + QUERY_BLOCK * dp)};
    mask_window *mask = dropout.probability > 0 ? &window : NULL;
    const float one = 1, keep = mask ? dropout_keep(dropout) : 1;
    for (size_t head = 0; head < heads; head++) {
        size_t at = head * head_size;
        if (queries == 1) {
            uint64_t element = first_element + head * length;
            if (mask) mask_reserve(mask, element, length);
            attend_one_backward(q + at, k + at, v + at, stride, d_out + at, length, head_size, scale,
                                log_sum[head], d_scores ? d_scores + head * length : NULL, mask,
                                element, d_q + at, d_k + at, d_v + at, weights, gradient);
            continue;
        }
        head_rows k_rows = rows_of_head(k + at, stride, length, head_size, packed_k);
        head_rows v_rows = rows_of_head(v + at, stride, length, head_size, packed_v);
        for (size_t start = 0; start < queries; start += QUERY_BLOCK) {
            size_t rows = queries - start < QUERY_BLOCK ? queries - start : QUERY_BLOCK;
            size_t width = padded(rows);
            const float *q_block = q + at + start * q_stride;
            const float *d_block = d_out + at + start * out_stride;
            transpose(q_block, q_stride, rows, head_size, q_columns, width);
            transpose(d_block, out_stride, rows, head_size, d_columns, width);
            product(length, width, 0,
                    (tile_job){.a = k_rows.base, .lda = k_rows.stride, .b = q_columns, .ldb = width,
                               .c = weights, .ldc = width, .depth = head_size, .scales = &one});
            product(length, width, 0,
                    (tile_job){.a = v_rows.base, .lda = v_rows.stride, .b = d_columns, .ldb = width,
                               .c = gradient, .ldc = width, .depth = head_size, .scales = &one});
            uint64_t element = first_element + (head * queries + start) * length;
            if (mask) mask_reserve(mask, element, rows * length);
            for (size_t lane = 0; lane < width; lane += LANES) {
                size_t n = rows - lane < LANES ? rows - lane : LANES;
                size_t row = head * queries + start + lane;
                softmax_backward_lanes(weights + lane, gradient + lane, width, length, scale,
                                       load_part(log_sum + row, n), mask, element + lane * length,
                                       n);
                if (d_scores)
                    add_score_gradient(gradient + lane, width, length, n, d_scores + row * length);
            }
            product(rows, head_size, 1,
                    (tile_job){.a = gradient, .lda = width, .b = k_rows.base, .ldb = k_rows.stride,
                               .c = d_q + at + start * q_stride, .ldc = q_stride, .depth = length,
                               .scales = &scale});
            // The key and value sides gather over query blocks, in their order.
            head_rows q_rows = rows_of_head(q_block, q_stride, rows, head_size, packed_q);
            head_rows d_rows = rows_of_head(d_block, out_stride, rows, head_size, packed_d);
            product(length, head_size, 0,
                    (tile_job){.a = gradient, .lda = width, .b = q_rows.base, .ldb = q_rows.stride,
                               .c = d_k + at, .ldc = stride, .depth = rows, .scales = &scale,
                               .accumulate = start > 0});
            product(length, head_size, 0,
                    (tile_job){.a = weights, .lda = width, .b = d_rows.base, .ldb = d_rows.stride,
                               .c = d_v + at, .ldc = stride, .depth = rows, .scales = &keep,
                               .accumulate = start > 0});
        }
    }
}
