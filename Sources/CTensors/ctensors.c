#include "ctensors.h"
#include <math.h>
#include <string.h>

// The loader picks the version for the processor; elsewhere there is one.
#if defined(__x86_64__)
#define VERSIONS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VERSIONS
#endif

static inline float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t to_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

// Subnormal halves are made from their integer, so that it does not matter whether the thread
// takes subnormal floats for zero.
VERSIONS void ct_f16_to_f32(const uint16_t *source, float *target, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t half = source[i], magnitude = half & 0x7FFFu;
        uint32_t subnormal = to_bits((float)(int32_t)magnitude * 0x1p-24f);
        uint32_t normal = (magnitude << 13) + (magnitude < 0x7C00u ? 0x38000000u : 0x70000000u);
        uint32_t bits = magnitude < 0x0400u ? subnormal : normal;
        target[i] = from_bits(bits | (half & 0x8000u) << 16);
    }
}

VERSIONS void ct_bf16_to_f32(const uint16_t *source, float *target, size_t count) {
    for (size_t i = 0; i < count; i++) target[i] = from_bits((uint32_t)source[i] << 16);
}

VERSIONS void ct_f64_to_f32(const double *source, float *target, size_t count) {
    for (size_t i = 0; i < count; i++) target[i] = (float)source[i];
}

// Below 2^-14 the half is subnormal: adding 1/2 lets the float adder do the rounding, because the
// distance between floats is 2^-24 there.
VERSIONS ct_narrowing ct_f32_to_f16(const float *source, uint16_t *target, size_t count) {
    size_t overflows = 0, underflows = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = to_bits(source[i]);
        uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
        uint32_t normal = (magnitude + 0xC8000FFFu + (magnitude >> 13 & 1)) >> 13;
        uint32_t subnormal = to_bits(from_bits(magnitude) + 0.5f) - 0x3F000000u;
        uint32_t half = magnitude < 0x38800000u ? subnormal : normal;
        // 65520 is the first value that rounds beyond the largest half.
        half = magnitude >= 0x477FF000u ? 0x7C00u : half;
        half = magnitude > 0x7F800000u ? 0x7E00u | (bits >> 13 & 0x3FFu) : half;
        target[i] = (uint16_t)(sign | half);
        overflows += magnitude >= 0x477FF000u && magnitude < 0x7F800000u;
        underflows += magnitude < 0x38800000u && magnitude != 0;
    }
    return (ct_narrowing){overflows, underflows};
}

VERSIONS ct_narrowing ct_f32_to_bf16(const float *source, uint16_t *target, size_t count) {
    size_t overflows = 0, underflows = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = to_bits(source[i]), magnitude = bits & 0x7FFFFFFFu;
        uint32_t rounded = (bits + 0x7FFFu + (bits >> 16 & 1)) >> 16;
        target[i] = (uint16_t)(magnitude > 0x7F800000u ? (bits >> 16 | 0x40u) : rounded);
        overflows += (rounded & 0x7FFFu) == 0x7F80u && magnitude < 0x7F800000u;
        underflows += magnitude < 0x00800000u && magnitude != 0;
    }
    return (ct_narrowing){overflows, underflows};
}

VERSIONS void ct_swap16(uint16_t *values, size_t count) {
    for (size_t i = 0; i < count; i++) values[i] = __builtin_bswap16(values[i]);
}

VERSIONS void ct_swap32(uint32_t *values, size_t count) {
    for (size_t i = 0; i < count; i++) values[i] = __builtin_bswap32(values[i]);
}

VERSIONS void ct_swap64(uint64_t *values, size_t count) {
    for (size_t i = 0; i < count; i++) values[i] = __builtin_bswap64(values[i]);
}

#define TILE 16

// A tile of 16 by 16 goes through a small array, so that both the reads and the writes are of
// whole cache lines.
#define TRANSPOSE(NAME, TYPE)                                                                     \
    VERSIONS void NAME(const TYPE *source, TYPE *target, size_t rows, size_t columns,             \
                       size_t target_stride) {                                                    \
        TYPE tile[TILE][TILE];                                                                    \
        for (size_t row = 0; row < rows; row += TILE) {                                           \
            size_t height = rows - row < TILE ? rows - row : TILE;                                \
            for (size_t column = 0; column < columns; column += TILE) {                           \
                size_t width = columns - column < TILE ? columns - column : TILE;                 \
                if (height == TILE && width == TILE) {                                            \
                    for (size_t r = 0; r < TILE; r++) {                                           \
                        const TYPE *line = source + (row + r) * columns + column;                 \
                        for (size_t c = 0; c < TILE; c++) tile[c][r] = line[c];                   \
                    }                                                                             \
                    for (size_t c = 0; c < TILE; c++)                                             \
                        memcpy(target + (column + c) * target_stride + row, tile[c],              \
                               sizeof tile[c]);                                                   \
                } else {                                                                          \
                    for (size_t c = 0; c < width; c++)                                            \
                        for (size_t r = 0; r < height; r++)                                       \
                            target[(column + c) * target_stride + row + r] =                      \
                                source[(row + r) * columns + column + c];                         \
                }                                                                                 \
            }                                                                                     \
        }                                                                                         \
    }

TRANSPOSE(ct_transpose16, uint16_t)
TRANSPOSE(ct_transpose32, uint32_t)
TRANSPOSE(ct_transpose64, uint64_t)

VERSIONS ct_summary ct_summarize(const float *values, size_t count) {
    size_t nans = 0, infinities = 0;
    float minimum = INFINITY, maximum = -INFINITY;
    for (size_t start = 0; start < count; start += 4096) {
        size_t end = count - start < 4096 ? count : start + 4096;
        uint32_t nan = 0, infinity = 0;
        float low = INFINITY, high = -INFINITY;
        for (size_t i = start; i < end; i++) {
            uint32_t magnitude = to_bits(values[i]) & 0x7FFFFFFFu;
            nan += magnitude > 0x7F800000u;
            infinity += magnitude == 0x7F800000u;
            int is_finite = magnitude < 0x7F800000u;
            float down = is_finite ? values[i] : INFINITY, up = is_finite ? values[i] : -INFINITY;
            low = down < low ? down : low;
            high = up > high ? up : high;
        }
        nans += nan;
        infinities += infinity;
        minimum = low < minimum ? low : minimum;
        maximum = high > maximum ? high : maximum;
    }
    return (ct_summary){nans, infinities, minimum, maximum};
}

// Thirty-two lanes of multiply-and-shift over 64-bit words, one block of 256 bytes after another,
// then folded into one word. An incomplete block is filled with zeros and its length counted in.
#define LANES 32

static inline uint64_t mix(uint64_t value) {
    value ^= value >> 32;
    value *= 0xD6E8FEB86659FD93u;
    value ^= value >> 29;
    value *= 0xCF1BBCDCBFA56301u;
    return value ^ value >> 32;
}

VERSIONS uint64_t ct_digest(uint64_t state, const void *bytes, size_t count) {
    const uint8_t *place = bytes;
    while (count > 0) {
        uint64_t words[LANES] = {0};
        size_t size = count < sizeof words ? count : sizeof words;
        memcpy(words, place, size);
        uint64_t folded = 0;
        for (size_t lane = 0; lane < LANES; lane++) {
            // Each lane has its own constant, so that exchanged words are noticed.
            uint64_t word = words[lane] ^ (0x9E3779B97F4A7C15u * (2 * lane + 1));
            word ^= word >> 31;
            word = (word & 0xFFFFFFFFu) * 0x85EBCA77u + (word >> 32) * 0xC2B2AE3Du + (word >> 15);
            folded += word ^ word << 23;
        }
        state = mix(state ^ folded ^ (size << 56)) + size;
        place += size;
        count -= size;
    }
    return state;
}
