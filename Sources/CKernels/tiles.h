#pragma once
// Small matrix products, C = diag(s) A B or C += diag(s) A B, for attention: a tile of C stays in
// registers while A is read element by element and B vector by vector.
#include "vector.h"

/// One product. B [depth, columns] and C [rows, columns] are row-major; A is row-major, [rows, depth], or
/// stored the other way round, [depth, rows].
typedef struct {
    const float *a;
    size_t lda;
    const float *b;
    size_t ldb;
    float *c;
    size_t ldc;
    size_t depth;
    /// Factors of the rows, `scale_step` apart: 0 means one factor for all.
    const float *scales;
    size_t scale_step;
    int accumulate;
    /// Set by `product`: lanes of a tile's last vector.
    size_t last;
} tile_job;

// Rows and vectors of the largest tile: accumulators, a row of B and an element of A fit in registers.
#if defined(TILE_ROWS)
#elif defined(__aarch64__)
#define TILE_ROWS 6
#define TILE_VECTORS 1
#else
#define TILE_ROWS 2
#define TILE_VECTORS 1
#endif

// Where part of a vector can be read as fast as a whole one, rows of B may end at their last column;
// elsewhere they are read up to the next multiple of 16.
#if MASKED_MEMORY == 512
#define READS_PAST_COLUMNS 0
INLINE vf load_last(const float *p, size_t n) { return load_part(p, n); }
#else
#define READS_PAST_COLUMNS 1
INLINE vf load_last(const float *p, size_t n) { return load(p); }
#endif

INLINE void tile(const int rows, const int vectors, const int a_transposed, const tile_job *job,
                 size_t row, size_t column) {
    const float *a = job->a + (a_transposed ? row : row * job->lda), *b = job->b + column;
    size_t lda = job->lda, ldb = job->ldb, depth = job->depth;
    vf sums[TILE_ROWS][TILE_VECTORS];
#pragma unroll
    for (int r = 0; r < rows; r++)
#pragma unroll
        for (int n = 0; n < vectors; n++) sums[r][n] = splat(0);
    for (size_t k = 0; k < depth; k++) {
        vf right[TILE_VECTORS];
#pragma unroll
        for (int n = 0; n < vectors; n++)
            right[n] = n == vectors - 1 ? load_last(b + n * LANES, job->last) : load(b + n * LANES);
        b += ldb;
#pragma unroll
        for (int r = 0; r < rows; r++) {
            vf left = splat(a_transposed ? a[r] : a[(size_t)r * lda]);
#pragma unroll
            for (int n = 0; n < vectors; n++) sums[r][n] += left * right[n];
        }
        a += a_transposed ? lda : 1;
    }
    float *c = job->c + row * job->ldc + column;
#pragma unroll
    for (int r = 0; r < rows; r++) {
        vf scale = splat(job->scales[(row + r) * job->scale_step]);
#pragma unroll
        for (int n = 0; n < vectors; n++) {
            float *target = c + r * job->ldc + n * LANES;
            size_t lanes = n == vectors - 1 ? job->last : LANES;
            vf result = sums[r][n] * scale;
            if (job->accumulate) result += load_part(target, lanes);
            store_part(target, result, lanes);
        }
    }
}

#define TILE_OF(ROWS, VECTORS, TRANSPOSED)                                                      \
    static __attribute__((noinline)) void tile_##ROWS##_##VECTORS##_##TRANSPOSED(               \
        const tile_job *job, size_t row, size_t column) {                                       \
        tile(ROWS, VECTORS, TRANSPOSED, job, row, column);                                      \
    }
#define TILES_OF_2(V, T) TILE_OF(1, V, T) TILE_OF(2, V, T)
#define NAMES_OF_2(V, T) tile_1_##V##_##T, tile_2_##V##_##T
#if TILE_ROWS == 2
#define TILES_OF(V, T) TILES_OF_2(V, T)
#define NAMES_OF(V, T) NAMES_OF_2(V, T)
#else
#define TILES_OF_6(V, T) \
    TILES_OF_2(V, T) TILE_OF(3, V, T) TILE_OF(4, V, T) TILE_OF(5, V, T) TILE_OF(6, V, T)
#define NAMES_OF_6(V, T) \
    NAMES_OF_2(V, T), tile_3_##V##_##T, tile_4_##V##_##T, tile_5_##V##_##T, tile_6_##V##_##T
#if TILE_ROWS == 6
#define TILES_OF(V, T) TILES_OF_6(V, T)
#define NAMES_OF(V, T) NAMES_OF_6(V, T)
#else
#define TILES_OF(V, T) TILES_OF_6(V, T) TILE_OF(7, V, T) TILE_OF(8, V, T)
#define NAMES_OF(V, T) NAMES_OF_6(V, T), tile_7_##V##_##T, tile_8_##V##_##T
#endif
#endif

typedef void (*tile_function)(const tile_job *, size_t row, size_t column);
TILES_OF(1, 0)
TILES_OF(1, 1)
#if TILE_VECTORS == 2
TILES_OF(2, 0)
TILES_OF(2, 1)
static const tile_function tile_functions[2][2][TILE_ROWS] = {
    {{NAMES_OF(1, 0)}, {NAMES_OF(2, 0)}}, {{NAMES_OF(1, 1)}, {NAMES_OF(2, 1)}}};
#else
static const tile_function tile_functions[2][1][TILE_ROWS] = {{{NAMES_OF(1, 0)}}, {{NAMES_OF(1, 1)}}};
#endif

/// Carries out a product.
INLINE void product(size_t rows, size_t columns, int a_transposed, tile_job job) {
    // Tiles as equal in height as can be: a low one does not fill the pipeline.
    size_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    for (size_t column = 0; column < columns; column += TILE_VECTORS * LANES) {
        size_t width = columns - column;
        if (width > TILE_VECTORS * LANES) width = TILE_VECTORS * LANES;
        size_t vectors = (width + LANES - 1) / LANES;
        job.last = width - (vectors - 1) * LANES;
        const tile_function *functions = tile_functions[a_transposed][vectors - 1];
        size_t row = 0;
        for (size_t n = tiles; n > 0; n--) {
            size_t height = (rows - row + n - 1) / n;
            functions[height - 1](&job, row, column);
            row += height;
        }
    }
}
