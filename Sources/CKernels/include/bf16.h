#pragma once
#include <stddef.h>
#include <stdint.h>

// Products of bfloat16 and of bytes in the processor's own matrix instructions (Intel AMX), and attention
// in bfloat16 (AMX or AVX-512 BF16). Every function runs on the calling thread and allocates nothing. None
// but the `available` ones may be called where those give 0.
//
// The right-hand side of a product is kept in panels of 32 columns, `bk_amx_depth` deep: for each 32 (bytes:
// 64) of the depth two blocks of 16 columns, each of 16 rows of 64 bytes, of which a row holds 2 (bytes: 4)
// neighbours in depth for each column.

/// Whether this process may use AMX for bfloat16 and bytes.
int bk_amx_available(void);
/// Whether `bk_attention_forward_bf16` can run.
int bk_attention_bf16_available(void);

enum { BK_AMX_COLUMNS = 32 };
/// The depth as products run through it: a multiple of 64 bytes.
size_t bk_amx_depth(size_t depth, size_t element_bytes);

/// The left-hand side: out[rows, bk_amx_depth(columns, 2)] = in, rounded, zero on the right.
void bk_amx_round_rows(const float *in, size_t stride, size_t rows, size_t columns, uint16_t *out);
/// The same of the transpose: out[columns, bk_amx_depth(rows, 2)].
void bk_amx_round_columns(const float *in, size_t stride, size_t rows, size_t columns, uint16_t *out);
/// Panels of in', for in [columns, depth]: how a layer's weights lie.
void bk_amx_pack_transposed(const float *in, size_t stride, size_t columns, size_t depth, uint16_t *out);
/// Panels of in [depth, columns].
void bk_amx_pack(const float *in, size_t stride, size_t depth, size_t columns, uint16_t *out);
/// Panels of in', for bytes in [columns, depth].
void bk_amx_pack_bytes(const int8_t *in, size_t columns, size_t depth, int8_t *out);

/// out[rows, columns] = activation(A B + bias), or out += A B.
typedef struct {
    size_t rows, columns;
    /// As `bk_amx_depth` gives it.
    size_t depth;
    /// [rows, depth] of bfloat16 or bytes; memory for a multiple of 16 rows can be read.
    const void *a;
    /// The first of the panels.
    const void *b;
    /// [columns]; NULL for none.
    const float *bias;
    /// As in `bk_product`; both forms of GELU to 6e-5.
    int activation;
    int accumulate;
    float *out;
    size_t stride;
    /// For bytes, else NULL: what `bk_dequantize_rows` scales their sums with.
    const float *scales, *lows, *weight_scales, *weight_sums;
} bk_amx_product;
void bk_amx_multiply(const bk_amx_product *product);

/// Floats of scratch that `bk_attention_forward_bf16` needs.
size_t bk_attention_bf16_scratch(size_t length, size_t head_size);
/// `bk_attention_forward` without dropout, of operands rounded to bfloat16 with sums in single precision;
/// the softmax is single precision throughout. `tiles`: by AMX, which has to be available, or by AVX-512.
void bk_attention_forward_bf16(const float *q, size_t q_stride, const float *k, const float *v,
                               size_t stride, float *out, size_t out_stride, size_t heads,
                               size_t queries, size_t length, size_t head_size, float scale,
                               int tiles, float *scratch);
