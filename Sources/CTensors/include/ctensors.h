#pragma once
#include <stddef.h>
#include <stdint.h>

/// What narrowing to a shorter float type cost.
typedef struct {
    /// Finite values that became infinite.
    size_t overflows;
    /// Values other than 0 that became subnormal or 0.
    size_t underflows;
} ct_narrowing;

/// What the values of a stretch of floats have in common.
typedef struct {
    size_t nan_count;
    size_t infinity_count;
    float minimum;
    float maximum;
} ct_summary;

void ct_f16_to_f32(const uint16_t *source, float *target, size_t count);
void ct_bf16_to_f32(const uint16_t *source, float *target, size_t count);
void ct_f64_to_f32(const double *source, float *target, size_t count);
/// Round to nearest, ties to even; NaN stays NaN.
ct_narrowing ct_f32_to_f16(const float *source, uint16_t *target, size_t count);
ct_narrowing ct_f32_to_bf16(const float *source, uint16_t *target, size_t count);

/// Reverses the bytes of each element, in place.
void ct_swap16(uint16_t *values, size_t count);
void ct_swap32(uint32_t *values, size_t count);
void ct_swap64(uint64_t *values, size_t count);

/// `[rows, columns]` to `[columns, rows]`. The target may have more space between its rows than
/// `rows`: `target_stride` elements.
void ct_transpose16(const uint16_t *source, uint16_t *target, size_t rows, size_t columns,
                    size_t target_stride);
void ct_transpose32(const uint32_t *source, uint32_t *target, size_t rows, size_t columns,
                    size_t target_stride);
void ct_transpose64(const uint64_t *source, uint64_t *target, size_t rows, size_t columns,
                    size_t target_stride);

/// Non-finite values are counted and left out of minimum and maximum, which are +∞ and −∞ when
/// nothing is left.
ct_summary ct_summarize(const float *values, size_t count);

/// A 64-bit digest that continues from `state` (0 to begin). Stretches may be cut at multiples of
/// `CT_DIGEST_BLOCK` bytes without changing the result. It guards against accidents, not against
/// forgers.
uint64_t ct_digest(uint64_t state, const void *bytes, size_t count);
#define CT_DIGEST_BLOCK 65536
