#pragma once
#include <stddef.h>

// Single-threaded matrix products through oneDNN, for callers that own their threads.
//
// Without oneDNN (see Package.swift) bk_onednn_available() is 0 and nothing else may be called.

int bk_onednn_available(void);
/// "2.6.3", or "" without oneDNN.
const char *bk_onednn_version(void);
/// Must run once on every thread that multiplies: oneDNN would otherwise start threads of its own.
void bk_onednn_enter_thread(void);

/// C[m, n] = A[m, k] B[k, n] (+ bias[n]) (then GELU), or C += A B.
typedef struct {
    int m, n, k;
    /// Distance in elements between neighbours along each axis of A and B; C is row-major.
    int a_row, a_column, b_row, b_column, c_row;
    int has_bias;
    /// 0 nothing, 1 GELU with erf, 2 GELU with tanh, 3 ReLU.
    int activation;
    int accumulate;
} bk_product;

/// A weight matrix in oneDNN's own layout.
typedef struct bk_packed bk_packed;
bk_packed *bk_packed_create(bk_product shape, const float *b);
void bk_packed_destroy(bk_packed *packed);
size_t bk_packed_byte_count(const bk_packed *packed);

/// Multiplies; `packed` takes the place of `b` when not NULL. Returns 0, or oneDNN's status.
int bk_product_run(const bk_product *product, const float *a, const float *b,
                   const bk_packed *packed, const float *bias, float *c);
