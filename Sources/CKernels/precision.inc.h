#include "gates.h"

typedef uint16_t vh __attribute__((vector_size(32)));
typedef uint8_t vb __attribute__((vector_size(16)));
typedef uint16_t vh_unaligned __attribute__((vector_size(32), aligned(2)));
typedef uint8_t vb_unaligned __attribute__((vector_size(16), aligned(1)));
typedef int32_t vi_unaligned __attribute__((vector_size(64), aligned(4)));

/// bfloat16 of each lane, rounded to nearest, ties to even; NaN stays NaN.
INLINE vh to_bfloat16(vf v) {
    vu bits = (vu)v;
    vu rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
    vu quiet = bits >> 16 | 0x40;
    vu number = (vu)(v == v);
    return __builtin_convertvector((number & rounded) | (~number & quiet), vh);
}

void bk_to_bfloat16(const float *in, size_t stride, size_t rows, size_t columns, uint16_t *out) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = in + r * stride;
        uint16_t *target = out + r * columns;
        size_t c = 0;
        for (; c + LANES <= columns; c += LANES)
            *(vh_unaligned *)(target + c) = to_bfloat16(load(row + c));
        if (c < columns) {
            vh last = to_bfloat16(load_part(row + c, columns - c));
            memcpy(target + c, &last, (columns - c) * sizeof(uint16_t));
        }
    }
}

void bk_gelu_quick(const float *in, size_t rows, size_t columns, float *out, size_t stride) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = in + r * columns;
        float *target = out + r * stride;
        size_t c = 0;
        for (; c + LANES <= columns; c += LANES) {
            vf x = load(row + c);
            store(target + c, x * quick_normal(x));
        }
        if (c < columns) {
            vf x = load_part(row + c, columns - c);
            store_part(target + c, x * quick_normal(x), columns - c);
        }
    }
}

void bk_quantize_rows(const float *in, size_t stride, size_t rows, size_t columns, uint8_t *out,
                      size_t out_stride, float *scales, float *lows) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = in + r * stride;
        uint8_t *target = out + r * out_stride;
        vf low = splat(row[0]), high = low;
        size_t c = 0;
        for (; c + LANES <= columns; c += LANES) {
            vf v = load(row + c);
            low = vmin(low, v);
            high = vmax(high, v);
        }
        float top = max_lanes(high), bottom = -max_lanes(-low);
        for (size_t i = c; i < columns; i++) {
            top = row[i] > top ? row[i] : top;
            bottom = row[i] < bottom ? row[i] : bottom;
        }
        float scale = (top - bottom) / 255.0f;
        scales[r] = scale;
        lows[r] = bottom;
        // A row of one value is its lowest; one that overflows stays infinite through its scale.
        vf inverse = splat(scale > 0 && scale < 3.4e38f ? 1.0f / scale : 0.0f), base = splat(bottom);
        for (c = 0; c < columns; c += LANES) {
            size_t n = columns - c < LANES ? columns - c : LANES;
            vf v = n == LANES ? load(row + c) : load_part(row + c, n);
            vf scaled = vmin(vmax((v - base) * inverse, splat(0)), splat(255.0f));
            vb bytes = __builtin_convertvector(
                __builtin_convertvector(__builtin_elementwise_roundeven(scaled), vi), vb);
            if (n == LANES) *(vb_unaligned *)(target + c) = bytes;
            else memcpy(target + c, &bytes, n);
        }
    }
}

float bk_round_to_bytes(const float *in, int8_t *out, size_t count, int32_t *sum) {
    float highest = 0;
    for (size_t i = 0; i < count; i++) {
        float size = in[i] < 0 ? -in[i] : in[i];
        highest = size > highest ? size : highest;
    }
    float scale = highest / 127.0f, inverse = highest > 0 ? 127.0f / highest : 0.0f;
    int32_t total = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t byte = (int32_t)__builtin_roundevenf(in[i] * inverse);
        out[i] = (int8_t)byte;
        total += byte;
    }
    *sum = total;
    return scale;
}

#define DEQUANTIZE(ACTIVATION)                                                              \
    for (size_t r = 0; r < rows; r++) {                                                     \
        vf scale = splat(scales[r]), low = splat(lows[r]);                                  \
        for (size_t c = 0; c < columns; c += LANES) {                                       \
            size_t n = columns - c < LANES ? columns - c : LANES;                           \
            vf x;                                                                           \
            if (n == LANES) {                                                               \
                vi sums = *(const vi_unaligned *)(in + r * columns + c);                    \
                x = __builtin_convertvector(sums, vf) * (scale * load(weight_scales + c)) + \
                    (low * load(weight_sums + c) + load(bias + c));                         \
            } else {                                                                        \
                vi sums = {0};                                                              \
                memcpy(&sums, in + r * columns + c, n * sizeof(int32_t));                   \
                x = __builtin_convertvector(sums, vf) *                                     \
                        (scale * load_part(weight_scales + c, n)) +                         \
                    (low * load_part(weight_sums + c, n) + load_part(bias + c, n));         \
            }                                                                               \
            x = ACTIVATION;                                                                 \
            if (n == LANES) store(out + r * stride + c, x);                                 \
            else store_part(out + r * stride + c, x, n);                                    \
        }                                                                                   \
    }

void bk_dequantize_rows(const int32_t *in, size_t rows, size_t columns, const float *scales,
                        const float *lows, const float *weight_scales, const float *weight_sums,
                        const float *bias, int activation, float *out, size_t stride) {
    switch (activation) {
    case 0: DEQUANTIZE(x); break;
    case 1: DEQUANTIZE(x * quick_normal(x)); break;
    case 2: DEQUANTIZE(x * tanh_gate(x)); break;
    default: DEQUANTIZE(choose(x <= splat(0), splat(0), x)); break;
    }
}

/// The portable product, for processors that oneDNN has no byte product for: exact, as theirs is.
void bk_byte_product(const uint8_t *a, const int8_t *b, int32_t *c, size_t m, size_t n, size_t k) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            int32_t sum = 0;
            for (size_t l = 0; l < k; l++) sum += (int16_t)a[i * k + l] * (int16_t)b[j * k + l];
            c[i * n + j] = sum;
        }
    }
}
