// Attention in bfloat16, as `bk_attention_forward` has it: scores are kept transposed, [key, query], with 32
// queries in the lanes of two vectors. Both products take neighbours in depth as pairs: scores = K Q',
// context' = V' P'.
#include "bf16.h"
#include <string.h>

static size_t multiple(size_t n, size_t of) { return (n + of - 1) / of * of; }
enum { QUERIES = 32 };

/// One call's memory; keys and the head's width count as products run through them.
typedef struct {
    size_t keys, depth, width;
    uint16_t *k;  // [keys, depth]
    uint16_t *v;  // [width, keys]: transposed
    float *q;  // pairs of depth, two halves of [depth / 2, 16]
    float *scores;  // [keys, 32]
    float *weights;  // pairs of keys, two halves of [keys / 2, 16]
    float *context;  // [width, 32]
    size_t floats;
} attention_memory;
static attention_memory divide(size_t length, size_t head_size, float *base) {
    attention_memory m = {.keys = multiple(length, 32), .depth = multiple(head_size, 32),
                          .width = multiple(head_size, 16)};
    float *start = base ? (float *)(((uintptr_t)base + 63) / 64 * 64) : (float *)0, *at = start;
    m.k = (uint16_t *)at, at += m.keys * m.depth / 2;
    m.v = (uint16_t *)at, at += m.width * m.keys / 2;
    m.q = at, at += m.depth / 2 * QUERIES;
    m.scores = at, at += m.keys * QUERIES;
    m.weights = at, at += m.keys / 2 * QUERIES;
    m.context = at, at += m.width * QUERIES;
    m.floats = (size_t)(at - start) + 16;
    return m;
}
size_t bk_attention_bf16_scratch(size_t length, size_t head_size) {
    return divide(length, head_size, (float *)0).floats;
}

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#define MASKED_MEMORY 512

int bk_attention_bf16_available(void) {
    return __builtin_cpu_supports("x86-64-v4") && __builtin_cpu_supports("avx512bf16");
}

#pragma clang attribute push(                                                              \
    __attribute__((target("arch=x86-64-v4,avx512bf16,amx-tile,amx-bf16"))), apply_to = function)
#include "amx_tiles.h"
#include "bf16_pairs.h"

/// c[rows, 32] = a[rows, depth] times two halves of pairs, [depth / 2, 16] each; with one half the other
/// 16 columns are left alone. With tiles, rows up to the next multiple of 16 are read and written.
typedef struct {
    const uint16_t *a;
    const float *b;
    float *c;
    size_t rows, depth, halves;
} pair_product;

INLINE void multiply_tiles(pair_product p) {
    const float *second = p.b + p.depth / 2 * LANES;
    for (size_t row = 0; row < p.rows; row += 16) {
        const uint16_t *a = p.a + row * p.depth;
        tile_zero(0), tile_zero(1);
        for (size_t l = 0; l < p.depth; l += 32) {
            tile_load(2, a + l, 2 * p.depth);
            tile_load(3, p.b + l / 2 * LANES, 64);
            tile_dot_bf16(0, 2, 3);
            if (p.halves == 1) continue;
            tile_load(4, second + l / 2 * LANES, 64);
            tile_dot_bf16(1, 2, 4);
        }
        tile_store(0, p.c + row * QUERIES, 4 * QUERIES);
        if (p.halves == 2) tile_store(1, p.c + row * QUERIES + LANES, 4 * QUERIES);
    }
}

INLINE void dot_rows(const int rows, const int halves, const pair_product *p, size_t row) {
    const uint16_t *a = p->a + row * p->depth;
    const float *second = p->b + p->depth / 2 * LANES;
    __m512 sums[8][2];
#pragma unroll
    for (int r = 0; r < rows; r++) sums[r][0] = sums[r][1] = _mm512_setzero_ps();
    for (size_t l = 0; l < p->depth / 2; l++) {
        __m512bh right[2];
        right[0] = (__m512bh)load(p->b + l * LANES);
        if (halves == 2) right[1] = (__m512bh)load(second + l * LANES);
#pragma unroll
        for (int r = 0; r < rows; r++) {
            int32_t two;
            memcpy(&two, a + (size_t)r * p->depth + 2 * l, sizeof two);
            __m512bh left = (__m512bh)_mm512_set1_epi32(two);
#pragma unroll
            for (int h = 0; h < halves; h++) sums[r][h] = _mm512_dpbf16_ps(sums[r][h], left, right[h]);
        }
    }
#pragma unroll
    for (int r = 0; r < rows; r++)
#pragma unroll
        for (int h = 0; h < halves; h++)
            store(p->c + (row + (size_t)r) * QUERIES + h * LANES, (vf)sums[r][h]);
}
static __attribute__((noinline)) void dot_rows_8(const pair_product *p, size_t row) {
    if (p->halves == 2) dot_rows(8, 2, p, row);
    else dot_rows(8, 1, p, row);
}
static __attribute__((noinline)) void dot_rows_1(const pair_product *p, size_t row) {
    if (p->halves == 2) dot_rows(1, 2, p, row);
    else dot_rows(1, 1, p, row);
}
INLINE void multiply_dots(pair_product p) {
    size_t row = 0;
    for (; row + 8 <= p.rows; row += 8) dot_rows_8(&p, row);
    for (; row < p.rows; row++) dot_rows_1(&p, row);
}

/// Scores of 16 queries become pairs of exp(scale (s - highest)), rounded, zero beyond the keys; gives 1 over
/// the sums of what was not rounded.
INLINE vf softmax_pairs(const float *scores, size_t keys, size_t padded_keys, float scale, float *weights) {
    vf top = load(scores), total = splat(0), vs = splat(scale);
    for (size_t j = 1; j < keys; j++) top = vmax(top, load(scores + j * QUERIES));
    vf base = top * vs;
    for (size_t j = 0; j < padded_keys; j += 2) {
        vf low = splat(0), high = splat(0);
        if (j < keys) low = vexp_negative(load(scores + j * QUERIES) * vs - base);
        if (j + 1 < keys) high = vexp_negative(load(scores + (j + 1) * QUERIES) * vs - base);
        total += low + high;
        store(weights + j / 2 * LANES, pair(low, high));
    }
    return splat(1) / total;
}

/// 16 columns of context', times a factor each, as rows of out.
INLINE void put_context(const float *context, size_t head_size, vf factor, size_t queries, float *out,
                        size_t stride) {
    for (size_t c = 0; c < head_size; c += LANES) {
        size_t n = head_size - c < LANES ? head_size - c : LANES;
        vf block[LANES];
#pragma unroll
        for (size_t i = 0; i < LANES; i++) block[i] = load(context + (c + i) * QUERIES) * factor;
        transpose16(block);
        for (size_t i = 0; i < queries; i++) store_part(out + i * stride + c, block[i], n);
    }
}

/// One head's keys as rows and values as columns, rounded.
INLINE void round_head(const float *k, const float *v, size_t stride, size_t length, size_t head_size,
                       const attention_memory *m) {
    for (size_t j = 0; j < m->keys; j++)
        for (size_t c = 0; c < m->depth; c += 32) {
            size_t n = c < head_size ? head_size - c : 0;
            store((float *)(m->k + j * m->depth + c),
                  j < length ? neighbours(k + j * stride + c, n < 32 ? n : 32) : splat(0));
        }
    for (size_t j = 0; j < m->keys; j += 32)
        for (size_t c = 0; c < m->width; c += LANES) {
            vf block[LANES];
            row_pairs(v + c, stride, j, length, head_size - c < LANES ? head_size - c : LANES, block);
            transpose16(block);
            for (size_t i = 0; i < LANES; i++) store((float *)(m->v + (c + i) * m->keys + j), block[i]);
        }
}

INLINE void attend(const int tiles, const float *q, size_t q_stride, const float *k, const float *v,
                   size_t stride, float *out, size_t out_stride, size_t heads, size_t queries,
                   size_t length, size_t head_size, float scale, float *scratch) {
    attention_memory m = divide(length, head_size, scratch);
    for (size_t head = 0; head < heads; head++, q += head_size, k += head_size, v += head_size, out += head_size) {
        round_head(k, v, stride, length, head_size, &m);
        for (size_t start = 0; start < queries; start += QUERIES) {
            size_t rows = queries - start < QUERIES ? queries - start : QUERIES;
            size_t halves = rows > LANES ? 2 : 1;
            for (size_t h = 0; h < halves; h++)
                for (size_t c = 0; c < m.depth; c += 32) {
                    vf block[LANES];
                    transposed_neighbours(q, q_stride, start + h * LANES, start + rows, c, head_size, block);
                    for (size_t i = 0; i < LANES; i++)
                        store(m.q + h * m.depth / 2 * LANES + (c / 2 + i) * LANES, block[i]);
                }
            pair_product scores = {m.k, m.q, m.scores, length, m.depth, halves};
            if (tiles) multiply_tiles(scores);
            else multiply_dots(scores);
            vf factors[2];
            for (size_t h = 0; h < halves; h++)
                factors[h] = softmax_pairs(m.scores + h * LANES, length, m.keys, scale,
                                           m.weights + h * m.keys / 2 * LANES);
            pair_product context = {m.v, m.weights, m.context, m.width, m.keys, halves};
            if (tiles) multiply_tiles(context);
            else multiply_dots(context);
            for (size_t h = 0; h < halves; h++) {
                size_t n = rows - h * LANES < LANES ? rows - h * LANES : LANES;
                put_context(m.context + h * LANES, head_size, factors[h], n,
                            out + (start + h * LANES) * out_stride, out_stride);
            }
        }
    }
}

void bk_attention_forward_bf16(const float *q, size_t q_stride, const float *k, const float *v,
                               size_t stride, float *out, size_t out_stride, size_t heads,
                               size_t queries, size_t length, size_t head_size, float scale,
                               int tiles, float *scratch) {
    if (!tiles) {
        attend(0, q, q_stride, k, v, stride, out, out_stride, heads, queries, length, head_size, scale,
               scratch);
        return;
    }
    tiles_begin();
    attend(1, q, q_stride, k, v, stride, out, out_stride, heads, queries, length, head_size, scale, scratch);
    tiles_end();
}
#pragma clang attribute pop

#else
#include <stdlib.h>
int bk_attention_bf16_available(void) { return 0; }
void bk_attention_forward_bf16(const float *q, size_t q_stride, const float *k, const float *v,
                               size_t stride, float *out, size_t out_stride, size_t heads,
                               size_t queries, size_t length, size_t head_size, float scale,
                               int tiles, float *scratch) {
    (void)q, (void)q_stride, (void)k, (void)v, (void)stride, (void)out, (void)out_stride, (void)heads;
    (void)queries, (void)length, (void)head_size, (void)scale, (void)tiles, (void)scratch, abort();
}
#endif
