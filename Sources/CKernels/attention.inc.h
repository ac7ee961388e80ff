#include "random.h"
#include "tiles.h"
#include "transpose.h"

// Scores are kept transposed, [key, query], with up to 32 queries side by side in the vectors' lanes:
// maxima and sums over keys need no shuffling, keys are not padded, and of each sequence only queries
// (and their gradients) are transposed. Scratch grows with the length and not with its square;
// bk_attention_scratch in dispatch.c knows these sizes.
#define QUERY_BLOCK 32
#define MASK_BITS 8192
#ifndef UNPACKED_ROWS
#define UNPACKED_ROWS 64
#endif

/// Rows of a head as a product reads them: where they lie, or packed where their last vector would read
/// past the head, or where many rows fall on the same lines of the cache.
typedef struct { const float *base; size_t stride; } head_rows;
INLINE head_rows rows_of_head(const float *source, size_t stride, size_t rows, size_t head_size,
                              float *packed) {
    if ((head_size % LANES == 0 || !READS_PAST_COLUMNS) && rows <= UNPACKED_ROWS) return (head_rows){source, stride};
    pack(source, stride, rows, head_size, packed);
    return (head_rows){packed, padded(head_size)};
}

/// A stretch of a sequence's dropout mask, [heads, queries, length], as bits.
typedef struct {
    bk_dropout dropout;
    uint64_t first, end, end_of_sequence;
    uint32_t *bits;
} mask_window;

/// Draws further when the window does not hold `count` elements from `element`: at least these.
INLINE void mask_reserve(mask_window *w, uint64_t element, size_t count) {
    if (w->first <= element && element + count <= w->end) return;
    uint64_t left = w->end_of_sequence - element;
    if (count < MASK_BITS) count = MASK_BITS;
    if (count > left) count = (size_t)left;
    w->first = element & ~(uint64_t)3;
    w->end = element + count;
    keep_bits(w->first, (size_t)(w->end - w->first), w->dropout, w->bits);
}

/// The mask's bits of 32 keys from `element` for 16 queries, whose elements are `length` apart; queries
/// beyond `queries` repeat the last one.
INLINE vu mask_words(const mask_window *w, uint64_t element, size_t length, size_t queries) {
    uint32_t words[LANES];
    const char *bits = (const char *)w->bits;
    size_t at = (size_t)(element - w->first);
#pragma clang loop vectorize(disable) unroll_count(4)
    for (size_t i = 0; i < LANES; i++) {
        uint64_t two;
        memcpy(&two, bits + at / 8, sizeof two);
        words[i] = (uint32_t)(two >> at % 8);
        at += i + 1 < queries ? length : 0;
    }
    vu result;
    memcpy(&result, words, sizeof result);
    return result;
}

/// One vector of queries: scores [length] (rows `width` apart) become exp(scale (s - highest)), 0 where
/// dropped. Gives the factor that makes them dropped probabilities, and log-sum-exp.
typedef struct { vf factor, log_sum; } softmax_result;
INLINE softmax_result softmax_lanes(float *scores, size_t width, size_t length, float scale,
                                    const mask_window *mask, uint64_t element, size_t queries) {
    vf top = load(scores), total = splat(0), vs = splat(scale);
    for (size_t j = 1; j < length; j++) top = vmax(top, load(scores + j * width));
    vf base = top * vs;
    if (mask) {
        for (size_t start = 0; start < length; start += 32) {
            vu words = mask_words(mask, element + start, length, queries);
            size_t end = length - start < 32 ? length : start + 32;
            for (size_t j = start; j < end; j++) {
                float *s = scores + j * width;
                vf e = vexp_negative(load(s) * vs - base);
                total += e;
                store(s, choose((words & (vu)(1u << (j - start))) != (vu)0u, e, splat(0)));
            }
        }
    } else {
        for (size_t j = 0; j < length; j++) {
            float *s = scores + j * width;
            vf e = vexp_negative(load(s) * vs - base);
            total += e;
            store(s, e);
        }
    }
    float keep = mask ? dropout_keep(mask->dropout) : 1.0f;
    return (softmax_result){splat(keep) / total, base + vlog(total)};
}

/// target[queries, length] = scale * source [length, width], transposed; 16 queries.
INLINE void put_scores(const float *source, size_t width, size_t length, size_t queries, float scale,
                       float *target) {
    for (size_t start = 0; start < length; start += LANES) {
        size_t n = length - start < LANES ? length - start : LANES;
        vf block[LANES];
        for (size_t i = 0; i < LANES; i++)
            block[i] = load(source + (start + (i < n ? i : 0)) * width) * splat(scale);
        transpose16(block);
        for (size_t i = 0; i < queries; i++) store_part(target + i * length + start, block[i], n);
    }
}

#include "attention_single.inc.h"

void bk_attention_forward(const float *q, size_t q_stride, const float *k, const float *v,
                          size_t stride, float *out, size_t out_stride, size_t heads,
                          size_t queries, size_t length, size_t head_size, float scale,
                          float *log_sum, float *scores, uint64_t first_element,
                          bk_dropout dropout, float *scratch) {
    size_t dp = padded(head_size);
    float *q_columns = scratch;
    float *weights = q_columns + dp * QUERY_BLOCK;
    float *packed_k = weights + length * QUERY_BLOCK;
    float *packed_v = packed_k + length * dp;
    mask_window window = {dropout, 0, 0, first_element + heads * queries * length,
                          (uint32_t *)(packed_v + length * dp)};
    mask_window *mask = dropout.probability > 0 ? &window : NULL;
    const float one = 1;
    for (size_t head = 0; head < heads; head++) {
        size_t at = head * head_size;
        if (queries == 1) {
            uint64_t element = first_element + head * length;
            if (mask) mask_reserve(mask, element, length);
            attend_one(q + at, k + at, v + at, stride, out + at, length, head_size, scale,
                       log_sum ? log_sum + head : NULL, scores ? scores + head * length : NULL,
                       mask, element, weights);
            continue;
        }
        head_rows k_rows = rows_of_head(k + at, stride, length, head_size, packed_k);
        head_rows v_rows = rows_of_head(v + at, stride, length, head_size, packed_v);
        for (size_t start = 0; start < queries; start += QUERY_BLOCK) {
            size_t rows = queries - start < QUERY_BLOCK ? queries - start : QUERY_BLOCK;
            size_t width = padded(rows);
            transpose(q + at + start * q_stride, q_stride, rows, head_size, q_columns, width);
            product(length, width, 0,
                    (tile_job){.a = k_rows.base, .lda = k_rows.stride, .b = q_columns, .ldb = width,
                               .c = weights, .ldc = width, .depth = head_size, .scales = &one});
            uint64_t element = first_element + (head * queries + start) * length;
            if (mask) mask_reserve(mask, element, rows * length);
            float factors[QUERY_BLOCK];
            for (size_t lane = 0; lane < width; lane += LANES) {
                size_t n = rows - lane < LANES ? rows - lane : LANES;
                size_t row = head * queries + start + lane;
                if (scores)
                    put_scores(weights + lane, width, length, n, scale, scores + row * length);
                softmax_result s = softmax_lanes(weights + lane, width, length, scale, mask,
                                                 element + lane * length, n);
                store(factors + lane, s.factor);
                if (log_sum) store_part(log_sum + row, s.log_sum, n);
            }
            product(rows, head_size, 1,
                    (tile_job){.a = weights, .lda = width, .b = v_rows.base, .ldb = v_rows.stride,
                               .c = out + at + start * out_stride, .ldc = out_stride,
                               .depth = length, .scales = factors, .scale_step = 1});
        }
    }
}
