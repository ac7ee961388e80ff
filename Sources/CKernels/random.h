#pragma once
// Dropout's random numbers, 32 at a time.
#include "vector.h"

typedef uint64_t vq __attribute__((ext_vector_type(8)));

/// Philox4x32-10 of eight consecutive blocks: their 32 words in order.
///
/// A word is the low half of a lane; what a product leaves in the high half is cut off where it
/// matters, at the next product.
/// Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011).
INLINE void philox(uint64_t first_block, uint32_t c2, uint32_t c3, uint64_t key, vu words[2]) {
    const uint64_t low = 0xFFFFFFFFu;
    vq block = first_block + (vq){0, 1, 2, 3, 4, 5, 6, 7};
    vq x0 = block, x1 = block >> 32, x2 = (vq)(uint64_t)c2, x3 = (vq)(uint64_t)c3;
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
#pragma unroll
    for (int round = 0; round < 10; round++) {
        vq p0 = (x0 & low) * (uint64_t)0xD2511F53u;
        vq p1 = (x2 & low) * (uint64_t)0xCD9E8D57u;
        x0 = (p1 >> 32) ^ x1 ^ (uint64_t)k0;
        x2 = (p0 >> 32) ^ x3 ^ (uint64_t)k1;
        x1 = p1;
        x3 = p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    vq first = (x0 & low) | (x1 << 32), second = (x2 & low) | (x3 << 32);
    words[0] = __builtin_bit_cast(
        vu, __builtin_shufflevector(first, second, 0, 8, 1, 9, 2, 10, 3, 11));
    words[1] = __builtin_bit_cast(
        vu, __builtin_shufflevector(first, second, 4, 12, 5, 13, 6, 14, 7, 15));
}

/// What a random word must reach for its element to be kept.
INLINE uint32_t dropout_threshold(bk_dropout d) {
    return (uint32_t)(d.probability * 4294967296.0);
}
INLINE float dropout_keep(bk_dropout d) { return 1.0f / (1.0f - d.probability); }

/// Keep factors (0 or 1 / (1 - p)) of the 32 mask elements from `first`, a multiple of 4.
INLINE void keep_factors(uint64_t first, bk_dropout d, vf factors[2]) {
    vu words[2];
    philox(first / 4, d.step, d.site, d.seed, words);
    vf keep = splat(dropout_keep(d));
    for (int i = 0; i < 2; i++)
        factors[i] = choose(words[i] >= (vu)dropout_threshold(d), keep, splat(0));
}

INLINE uint32_t lane_bits(vi mask) {
    typedef _Bool lanes __attribute__((ext_vector_type(16)));
    return __builtin_bit_cast(uint16_t, __builtin_convertvector(mask, lanes));
}

/// One bit per mask element from `first`, a multiple of 4: 1 where the element is kept.
INLINE void keep_bits(uint64_t first, size_t count, bk_dropout d, uint32_t *bits) {
    vu threshold = (vu)dropout_threshold(d);
    for (size_t i = 0; i < count; i += 32) {
        vu words[2];
        philox((first + i) / 4, d.step, d.site, d.seed, words);
        bits[i / 32] = lane_bits(words[0] >= threshold) | lane_bits(words[1] >= threshold) << 16;
    }
}
