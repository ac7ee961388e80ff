// Attention of a single query, as the last layer of a classifier has it: the vectors run along the
// head's width, since there are no other queries to fill them.

/// products[length] = rows [length, head_size] times one vector; written up to the next multiple of 16.
INLINE void row_products(const float *rows, size_t stride, size_t length, size_t head_size,
                         const float *vector, float *products) {
    for (size_t start = 0; start < length; start += LANES) {
        vf sums[LANES];
#pragma unroll
        for (size_t i = 0; i < LANES; i++) {
            const float *row = rows + (start + i < length ? start + i : length - 1) * stride;
            vf sum = splat(0);
            size_t c = 0;
            for (; c + LANES <= head_size; c += LANES) sum += load(row + c) * load(vector + c);
            if (c < head_size)
                sum += load_part(row + c, head_size - c) * load_part(vector + c, head_size - c);
            sums[i] = sum;
        }
        transpose16(sums);
#pragma unroll
        for (size_t width = LANES / 2; width > 0; width /= 2)
#pragma unroll
            for (size_t i = 0; i < width; i++) sums[i] += sums[i + width];
        store(products + start, sums[0]);
    }
}

/// out[head_size] = scale * the sum of rows by their weights.
INLINE void weighted_row(const float *weights, const float *rows, size_t stride, size_t length,
                         size_t head_size, float scale, float *out) {
    for (size_t c = 0; c < head_size; c += LANES) {
        size_t n = head_size - c < LANES ? head_size - c : LANES;
        vf sums[4] = {splat(0), splat(0), splat(0), splat(0)};
        size_t j = 0;
        for (; j + 4 <= length; j += 4)
#pragma unroll
            for (size_t i = 0; i < 4; i++)
                sums[i] += splat(weights[j + i]) * load_part(rows + (j + i) * stride + c, n);
        for (; j < length; j++) sums[0] += splat(weights[j]) * load_part(rows + j * stride + c, n);
        store_part(out + c, ((sums[0] + sums[1]) + (sums[2] + sums[3])) * splat(scale), n);
    }
}

/// target[rows] = weight of the row times scale times one vector.
INLINE void outer_rows(const float *weights, float scale, const float *vector, size_t head_size,
                       size_t length, float *target, size_t stride) {
    for (size_t j = 0; j < length; j++)
        for (size_t c = 0; c < head_size; c += LANES) {
            size_t n = head_size - c < LANES ? head_size - c : LANES;
            store_part(target + j * stride + c,
                       splat(weights[j] * scale) * load_part(vector + c, n), n);
        }
}

/// Which of 16 keys from `j` on exist and, with a mask, are kept.
INLINE vi kept_keys(const mask_window *mask, uint64_t element, size_t j, size_t length) {
    uint32_t bits = length - j < LANES ? (1u << (length - j)) - 1 : 0xFFFFu;
    if (mask) {
        size_t at = (size_t)(element + j - mask->first);
        uint32_t drawn;
        memcpy(&drawn, (const char *)mask->bits + at / 8, sizeof drawn);
        bits &= drawn >> at % 8;
    }
    const vu lanes = (vu)1u << (vu){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return ((vu)bits & lanes) != (vu)0u;
}

/// One head: scores [padded length] become probabilities, 0 where dropped and not yet divided by 1 - p.
/// Gives log-sum-exp.
INLINE float softmax_row(float *scores, size_t length, float scale, const mask_window *mask,
                         uint64_t element) {
    // Beyond the sequence the last score is repeated, which changes no maximum.
    vf highest = load(scores), vs = splat(scale), total = splat(0);
    for (size_t j = LANES; j < length; j += LANES) highest = vmax(highest, load(scores + j));
    vf base = splat(max_lanes(highest) * scale);
    for (size_t j = 0; j < length; j += LANES) {
        vf e = vexp_negative(load(scores + j) * vs - base);
        total += choose(kept_keys(NULL, 0, j, length), e, splat(0));
        store(scores + j, choose(kept_keys(mask, element, j, length), e, splat(0)));
    }
    vf sum = splat(sum_lanes(total));
    for (size_t j = 0; j < length; j += LANES) store(scores + j, load(scores + j) / sum);
    return (base + vlog(sum))[0];
}

/// One head on the way back, in place. In: scores and the gradient of the dropped probabilities. Out: the
/// probabilities as `softmax_row` gives them, and the gradient of the scores.
INLINE void softmax_backward_row(float *weights, float *gradient, size_t length, float scale,
                                 float log_sum, const mask_window *mask, uint64_t element) {
    vf vs = splat(scale), base = splat(log_sum), inner = splat(0);
    vf keep = splat(mask ? dropout_keep(mask->dropout) : 1.0f);
    for (size_t j = 0; j < length; j += LANES) {
        vi kept = kept_keys(mask, element, j, length);
        vf e = vexp_negative(load(weights + j) * vs - base);
        vf d = choose(kept, load(gradient + j) * keep, splat(0));
        inner += e * d;
        store(weights + j, choose(kept, e, -e));
        store(gradient + j, d);
    }
    vf total = splat(sum_lanes(inner));
    for (size_t j = 0; j < length; j += LANES) {
        vf e = load(weights + j);
        store(gradient + j, vabs(e) * (load(gradient + j) - total));
        store(weights + j, vmax(splat(0), e));
    }
}

INLINE void attend_one(const float *q, const float *k, const float *v, size_t stride, float *out,
                       size_t length, size_t head_size, float scale, float *log_sum, float *scores,
                       const mask_window *mask, uint64_t element, float *weights) {
    row_products(k, stride, length, head_size, q, weights);
    if (scores)
        for (size_t j = 0; j < length; j++) scores[j] = weights[j] * scale;
    float sum = softmax_row(weights, length, scale, mask, element);
    if (log_sum) *log_sum = sum;
    float keep = mask ? dropout_keep(mask->dropout) : 1.0f;
    weighted_row(weights, v, stride, length, head_size, keep, out);
}

INLINE void attend_one_backward(const float *q, const float *k, const float *v, size_t stride,
                                const float *d_out, size_t length, size_t head_size, float scale,
                                float log_sum, const float *d_scores, const mask_window *mask,
                                uint64_t element, float *d_q, float *d_k, float *d_v,
                                float *weights, float *gradient) {
    row_products(k, stride, length, head_size, q, weights);
    row_products(v, stride, length, head_size, d_out, gradient);
    softmax_backward_row(weights, gradient, length, scale, log_sum, mask, element);
    if (d_scores)
        for (size_t j = 0; j < length; j++) gradient[j] += d_scores[j];
    float keep = mask ? dropout_keep(mask->dropout) : 1.0f;
    weighted_row(gradient, k, stride, length, head_size, scale, d_q);
    outer_rows(gradient, scale, q, head_size, length, d_k, stride);
    outer_rows(weights, keep, d_out, head_size, length, d_v, stride);
}
