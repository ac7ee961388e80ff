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

/// Element types of operands.
enum { BK_FLOAT32, BK_BFLOAT16, BK_INT32, BK_INT8, BK_UINT8 };
/// Whether the processor multiplies this type of A fast and without saturating on the way.
int bk_onednn_multiplies(int element);

/// C[m, n] = A[m, k] B[k, n] (+ bias[n]) (then GELU), or C += A B.
typedef struct {
    int m, n, k;
    /// Distance in elements between neighbours along each axis of A and B; C is row-major.
    int a_row, a_column, b_row, b_column, c_row;
    int has_bias;
    /// 0 nothing, 1 GELU with erf, 2 GELU with tanh, 3 ReLU.
    int activation;
    int accumulate;
    /// A and B: float32 both, bfloat16 both, or uint8 and int8; C: float32, or int32 of bytes.
    int a_type, b_type, c_type;
} bk_product;

/// A weight matrix in oneDNN's own layout.
typedef struct bk_packed bk_packed;
/// `b_type`: of `b` as it is given; it is stored as the product's `b_type`.
bk_packed *bk_packed_create(bk_product shape, const void *b, int b_type);
/// Columns of B from `first` on as a matrix of their own, in the same memory, which must outlive it.
/// NULL where the layout does not allow it.
bk_packed *bk_packed_columns(const bk_packed *whole, bk_product shape, int first);
void bk_packed_destroy(bk_packed *packed);
size_t bk_packed_byte_count(const bk_packed *packed);

/// Multiplies; `packed` takes the place of `b` when not NULL. Returns 0, or oneDNN's status.
int bk_product_run(const bk_product *product, const void *a, const void *b,
                   const bk_packed *packed, const float *bias, void *c);
