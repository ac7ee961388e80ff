#pragma once
// Dropout's random numbers, many at a time.
#include "vector.h"

typedef uint64_t vq __attribute__((ext_vector_type(8)));

// Draws carried out side by side: one chain of ten rounds waits for every product.
#ifndef PHILOX_CHAINS
#define PHILOX_CHAINS 1
#endif
#define DRAW_VECTORS (2 * PHILOX_CHAINS)
#define DRAW (DRAW_VECTORS * LANES)

/// The low half of each lane of a with that of b behind it.
#define LOW_HALVES 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
INLINE vq low_halves(vq a, vq b) {
    vu x = __builtin_bit_cast(vu, a), y = __builtin_bit_cast(vu, b);
    return __builtin_bit_cast(vq, __builtin_shufflevector(x, y, LOW_HALVES));
}

/// Philox4x32-10 of consecutive blocks, eight a chain: their DRAW words in order.
///
/// A word is the low half of a lane; what a product leaves in the high half is cut off where it
/// matters, at the next product.
/// Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011).
INLINE void philox(uint64_t first_block, uint32_t c2, uint32_t c3, uint64_t key,
                   vu words[DRAW_VECTORS]) {
    const uint64_t low = 0xFFFFFFFFu;
    vq x0[PHILOX_CHAINS], x1[PHILOX_CHAINS], x2[PHILOX_CHAINS], x3[PHILOX_CHAINS];
#pragma unroll
    for (int i = 0; i < PHILOX_CHAINS; i++) {
        x0[i] = first_block + (uint64_t)(8 * i) + (vq){0, 1, 2, 3, 4, 5, 6, 7};
        x1[i] = x0[i] >> 32;
        x2[i] = (vq)(uint64_t)c2;
        x3[i] = (vq)(uint64_t)c3;
    }
    // The keys too have high halves that nobody reads; were they known to be zero, the compiler would
    // find the masks below superfluous and take a slower product of 64 bits.
    uint64_t k0 = key, k1 = key >> 32 | key << 32;
#pragma unroll
    for (int round = 0; round < 10; round++) {
#pragma unroll
        for (int i = 0; i < PHILOX_CHAINS; i++) {
            vq p0 = (x0[i] & low) * (uint64_t)0xD2511F53u;
            vq p1 = (x2[i] & low) * (uint64_t)0xCD9E8D57u;
            x0[i] = (p1 >> 32) ^ x1[i] ^ k0;
            x2[i] = (p0 >> 32) ^ x3[i] ^ k1;
            x1[i] = p1;
            x3[i] = p0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
#pragma unroll
    for (int i = 0; i < PHILOX_CHAINS; i++) {
        vq first = low_halves(x0[i], x1[i]), second = low_halves(x2[i], x3[i]);
        words[2 * i] = __builtin_bit_cast(
            vu, __builtin_shufflevector(first, second, 0, 8, 1, 9, 2, 10, 3, 11));
        words[2 * i + 1] = __builtin_bit_cast(
            vu, __builtin_shufflevector(first, second, 4, 12, 5, 13, 6, 14, 7, 15));
    }
}

/// What a random word must reach for its element to be kept.
INLINE uint32_t dropout_threshold(bk_dropout d) {
    return (uint32_t)(d.probability * 4294967296.0);
}
INLINE float dropout_keep(bk_dropout d) { return 1.0f / (1.0f - d.probability); }

/// Keep factors (0 or 1 / (1 - p)) of the DRAW mask elements from `first`, a multiple of 4.
INLINE void keep_factors(uint64_t first, bk_dropout d, vf factors[DRAW_VECTORS]) {
    vu words[DRAW_VECTORS];
    philox(first / 4, d.step, d.site, d.seed, words);
    vf keep = splat(dropout_keep(d));
    for (int i = 0; i < DRAW_VECTORS; i++)
        factors[i] = choose(words[i] >= (vu)dropout_threshold(d), keep, splat(0));
}

INLINE uint32_t lane_bits(vi mask) {
    typedef _Bool lanes __attribute__((ext_vector_type(16)));
    return __builtin_bit_cast(uint16_t, __builtin_convertvector(mask, lanes));
}

/// One bit per mask element from `first`, a multiple of 4: 1 where the element is kept. Writes whole
/// draws.
INLINE void keep_bits(uint64_t first, size_t count, bk_dropout d, uint32_t *bits) {
    vu threshold = (vu)dropout_threshold(d);
    for (size_t i = 0; i < count; i += DRAW) {
        vu words[DRAW_VECTORS];
        philox((first + i) / 4, d.step, d.site, d.seed, words);
        for (int n = 0; n < DRAW_VECTORS; n += 2)
            *bits++ = lane_bits(words[n] >= threshold) | lane_bits(words[n + 1] >= threshold) << 16;
    }
}
