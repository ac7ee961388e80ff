#pragma once
// Transposition in registers.
#include "vector.h"

#define PAIRS_LOW 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define PAIRS_HIGH 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define FOURS_LOW 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define FOURS_HIGH 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define QUARTERS_EVEN 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27
#define QUARTERS_ODD 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31
#define SHUFFLE(A, B, PATTERN) __builtin_shufflevector(A, B, PATTERN)

/// Sixteen rows become sixteen columns: first within quarters of four lanes, then the quarters.
INLINE void transpose16(vf r[16]) {
    vf t[16];
#pragma unroll
    for (int i = 0; i < 16; i += 4) {
        vf a = SHUFFLE(r[i], r[i + 1], PAIRS_LOW), b = SHUFFLE(r[i], r[i + 1], PAIRS_HIGH);
        vf c = SHUFFLE(r[i + 2], r[i + 3], PAIRS_LOW), d = SHUFFLE(r[i + 2], r[i + 3], PAIRS_HIGH);
        t[i] = SHUFFLE(a, c, FOURS_LOW);
        t[i + 1] = SHUFFLE(a, c, FOURS_HIGH);
        t[i + 2] = SHUFFLE(b, d, FOURS_LOW);
        t[i + 3] = SHUFFLE(b, d, FOURS_HIGH);
    }
    // t[4 g + c] holds columns c, c + 4, c + 8, c + 12 of rows 4 g to 4 g + 3.
#pragma unroll
    for (int c = 0; c < 4; c++) {
        vf even0 = SHUFFLE(t[c], t[4 + c], QUARTERS_EVEN);
        vf odd0 = SHUFFLE(t[c], t[4 + c], QUARTERS_ODD);
        vf even1 = SHUFFLE(t[8 + c], t[12 + c], QUARTERS_EVEN);
        vf odd1 = SHUFFLE(t[8 + c], t[12 + c], QUARTERS_ODD);
        r[c] = SHUFFLE(even0, even1, QUARTERS_EVEN);
        r[8 + c] = SHUFFLE(even0, even1, QUARTERS_ODD);
        r[4 + c] = SHUFFLE(odd0, odd1, QUARTERS_EVEN);
        r[12 + c] = SHUFFLE(odd0, odd1, QUARTERS_ODD);
    }
}

/// target[columns, width] = source[rows, columns] transposed, for at most `width` rows, a multiple of 16;
/// columns beyond the rows repeat the last one. Writes whole groups of 16 target rows.
INLINE void transpose(const float *source, size_t stride, size_t rows, size_t columns,
                      float *target, size_t width) {
    for (size_t row = 0; row < width; row += LANES)
        for (size_t column = 0; column < columns; column += LANES) {
            size_t n = columns - column < LANES ? columns - column : LANES;
            vf block[LANES];
#pragma unroll
            for (size_t i = 0; i < LANES; i++) {
                size_t r = row + i < rows ? row + i : rows - 1;
                block[i] = load_part(source + r * stride + column, n);
            }
            transpose16(block);
#pragma unroll
            for (size_t i = 0; i < LANES; i++) store(target + (column + i) * width + row, block[i]);
        }
}

/// target[rows, padded(columns)] = source, zero-filled on the right.
INLINE void pack(const float *source, size_t stride, size_t rows, size_t columns, float *target) {
    size_t width = padded(columns);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < width; c += LANES)
            store(target + r * width + c,
                  load_part(source + r * stride + c, columns - c < LANES ? columns - c : LANES));
}
