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

// Non-finite values of a stretch are rare: they are counted only where there are any.
static ct_summary summarize_with_care(const float *values, size_t count) {
    ct_summary summary = {0, 0, INFINITY, -INFINITY};
    for (size_t i = 0; i < count; i++) {
        uint32_t magnitude = to_bits(values[i]) & 0x7FFFFFFFu;
        if (magnitude > 0x7F800000u) {
            summary.nan_count++;
        } else if (magnitude == 0x7F800000u) {
            summary.infinity_count++;
        } else {
            summary.minimum = values[i] < summary.minimum ? values[i] : summary.minimum;
            summary.maximum = values[i] > summary.maximum ? values[i] : summary.maximum;
        }
    }
    return summary;
}

// Bits with the magnitude of negative floats reversed are in the order of the floats.
static inline int32_t ordered(uint32_t bits) {
    return (int32_t)(bits ^ (uint32_t)((int32_t)bits >> 31) >> 1);
}

VERSIONS ct_summary ct_summarize(const float *values, size_t count) {
    ct_summary summary = {0, 0, INFINITY, -INFINITY};
    for (size_t start = 0; start < count; start += 4096) {
        size_t size = count - start < 4096 ? count - start : 4096;
        const float *block = values + start;
        int32_t low = INT32_MAX, high = INT32_MIN;
        uint32_t largest = 0;
        for (size_t i = 0; i < size; i++) {
            uint32_t bits = to_bits(block[i]), magnitude = bits & 0x7FFFFFFFu;
            int32_t place = ordered(bits);
            low = place < low ? place : low;
            high = place > high ? place : high;
            largest = magnitude > largest ? magnitude : largest;
        }
        ct_summary part = {0, 0, from_bits((uint32_t)ordered((uint32_t)low)),
                           from_bits((uint32_t)ordered((uint32_t)high))};
        if (largest >= 0x7F800000u) part = summarize_with_care(block, size);
        summary.nan_count += part.nan_count;
        summary.infinity_count += part.infinity_count;
        summary.minimum = part.minimum < summary.minimum ? part.minimum : summary.minimum;
        summary.maximum = part.maximum > summary.maximum ? part.maximum : summary.maximum;
    }
    return summary;
}

// Thirty-two lanes over 64-bit words: each turns what it has and adds the word and a product of its
// halves (as XXH3 does), so that neither a lane's words nor the lanes may be exchanged unnoticed.
// After each block the lanes are folded into one word. The last words are filled up with zeros, and
// the length counts.
#define LANES 32
#define BLOCK ((size_t)CT_DIGEST_BLOCK)

static inline uint64_t mix(uint64_t value) {
    value ^= value >> 32;
    value *= 0xD6E8FEB86659FD93u;
    value ^= value >> 29;
    value *= 0xCF1BBCDCBFA56301u;
    return value ^ value >> 32;
}

static inline __attribute__((always_inline)) void absorb(uint64_t lanes[LANES],
                                                         const uint64_t words[LANES]) {
    for (size_t lane = 0; lane < LANES; lane++) {
        uint64_t word = words[lane], keyed = word ^ 0x9E3779B97F4A7C15u * (2 * lane + 1);
        uint64_t product = (keyed & 0xFFFFFFFFu) * (keyed >> 32);
        lanes[lane] = (lanes[lane] << 23 | lanes[lane] >> 41) + product + word;
    }
}

VERSIONS uint64_t ct_digest(uint64_t state, const void *bytes, size_t count) {
    const uint8_t *place = bytes;
    while (count > 0) {
        size_t size = count < BLOCK ? count : BLOCK;
        uint64_t lanes[LANES], words[LANES];
        for (size_t lane = 0; lane < LANES; lane++) lanes[lane] = lane;
        size_t done = 0;
        for (; size - done >= sizeof words; done += sizeof words) {
            memcpy(words, place + done, sizeof words);
            absorb(lanes, words);
        }
        if (done < size) {
            memset(words, 0, sizeof words);
            memcpy(words, place + done, size - done);
            absorb(lanes, words);
        }
        for (size_t lane = 0; lane < LANES; lane++) state = mix(state ^ lanes[lane]);
        state += size;
        place += size;
        count -= size;
    }
    return state;
}
