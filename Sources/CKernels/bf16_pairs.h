#pragma once
// Single precision rounded to bfloat16 in pairs, as the processors' dot products take them. Needs
// AVX-512 BF16.
#include "transpose.h"

/// Each lane: low below, high above, both rounded to nearest, ties to even.
INLINE vf pair(vf low, vf high) {
    __m512i below = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)low));
    __m512i above = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)high));
    return (vf)_mm512_or_si512(below, _mm512_slli_epi32(above, 16));
}

/// 32 neighbours, of which the first `count` exist, as 16 pairs.
INLINE vf neighbours(const float *in, size_t count) {
    size_t low = count < LANES ? count : LANES;
    vf first = load_part(in, low);
    vf second = count > LANES ? load_part(in + LANES, count - LANES) : splat(0);
    return (vf)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
}

/// Sixteen pairs of rows from `row`, `count` columns wide; what lies beyond `rows` is zero.
INLINE void row_pairs(const float *in, size_t stride, size_t row, size_t rows, size_t count, vf out[16]) {
    for (size_t i = 0; i < LANES; i++) {
        size_t r = row + 2 * i;
        vf low = r < rows ? load_part(in + r * stride, count) : splat(0);
        vf high = r + 1 < rows ? load_part(in + (r + 1) * stride, count) : splat(0);
        out[i] = pair(low, high);
    }
}

/// Sixteen rows from `row`, 32 columns from `column`, as pairs of neighbours, transposed: lanes are rows.
INLINE void transposed_neighbours(const float *in, size_t stride, size_t row, size_t rows,
                                  size_t column, size_t columns, vf out[16]) {
    size_t count = columns - column < 32 ? columns - column : 32;
    for (size_t i = 0; i < LANES; i++)
        out[i] = row + i < rows ? neighbours(in + (row + i) * stride + column, count) : splat(0);
    transpose16(out);
}
