#pragma once
// Sixteen-lane vectors and the functions that every kernel shares. The compiler maps a vector to
// whatever registers the version's instruction set has.
#include <stdint.h>
#include <string.h>

#pragma clang diagnostic ignored "-Wpsabi"

#define LANES 16
typedef float vf __attribute__((vector_size(64)));
typedef int32_t vi __attribute__((vector_size(64)));
typedef uint32_t vu __attribute__((vector_size(64)));
typedef float vf_unaligned __attribute__((vector_size(64), aligned(4)));

#define INLINE static inline __attribute__((always_inline))

INLINE vf load(const float *p) { return *(const vf_unaligned *)p; }
INLINE void store(float *p, vf v) { *(vf_unaligned *)p = v; }
INLINE vf splat(float x) { return (vf){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }

/// The first n lanes from memory, the others zero.
INLINE vf load_part(const float *p, size_t n) {
    vf v = splat(0);
    memcpy(&v, p, n * sizeof(float));
    return v;
}
INLINE void store_part(float *p, vf v, size_t n) { memcpy(p, &v, n * sizeof(float)); }

INLINE vf vmax(vf a, vf b) { return __builtin_elementwise_max(a, b); }
INLINE vf vmin(vf a, vf b) { return __builtin_elementwise_min(a, b); }
INLINE vf vabs(vf a) { return __builtin_elementwise_abs(a); }
INLINE vf vsqrt(vf a) { return __builtin_elementwise_sqrt(a); }
INLINE vf choose(vi mask, vf a, vf b) {
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}

/// The lanes' sum, always in the same order.
INLINE float sum_lanes(vf v) {
    float s[LANES];
    memcpy(s, &v, sizeof s);
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++) s[i] += s[i + width];
    return s[0];
}
INLINE float max_lanes(vf v) {
    float s[LANES];
    memcpy(s, &v, sizeof s);
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++) s[i] = s[i] > s[i + width] ? s[i] : s[i + width];
    return s[0];
}

/// e^x to about 2 ulp: 2^n times a polynomial on [-ln2/2, ln2/2]; 0 below -87.3, NaN for NaN (which
/// the clamp alone would turn into a number).
INLINE vf vexp(vf x) {
    vf clamped = vmin(vmax(x, splat(-87.3f)), splat(88.3f));
    vf n = __builtin_elementwise_roundeven(clamped * splat(1.44269504f));
    vf r = clamped - n * splat(0.693359375f);
    r = r + n * splat(2.12194440e-4f);
    vf p = splat(1.0f / 5040);
    p = p * r + splat(1.0f / 720);
    p = p * r + splat(1.0f / 120);
    p = p * r + splat(1.0f / 24);
    p = p * r + splat(1.0f / 6);
    p = p * r + splat(0.5f);
    p = p * r + splat(1.0f);
    p = p * r + splat(1.0f);
    vi power = (__builtin_convertvector(n, vi) + 127) << 23;
    vf result = p * (vf)power;
    result = choose(x < splat(-87.3f), splat(0), result);
    return choose(x == x, result, x);
}

/// The normal distribution function and its density at x.
///
/// erfc(a) = exp(-a^2) t Q(t), t = 1 / (1 + 0.45 a): Q is a weighted least-squares fit of degree 9
/// (relative error 3e-8 before rounding), so that the negative tail keeps its relative precision.
typedef struct { vf cumulative, density; } normal;
INLINE normal vnormal(vf x) {
    vf a = vabs(x) * splat(0.70710678f);
    vf t = splat(1.0f) / (splat(1.0f) + splat(0.45f) * a);
    vf q = splat(-0.041666921f);
    q = q * t + splat(0.19161633f);
    q = q * t + splat(-0.30161914f);
    q = q * t + splat(0.14254123f);
    q = q * t + splat(-0.021700591f);
    q = q * t + splat(0.11932756f);
    q = q * t + splat(0.17551115f);
    q = q * t + splat(0.22821639f);
    q = q * t + splat(0.25388888f);
    q = q * t + splat(0.25388509f);
    vf e = vexp(splat(-0.5f) * x * x);
    vf tail = splat(0.5f) * e * q * t;
    normal result;
    result.cumulative = choose(x < splat(0), tail, splat(1.0f) - tail);
    result.density = e * splat(0.39894228f);
    return result;
}

/// Philox4x32-10 for sixteen consecutive blocks: 64 words, `words[w]` holding word w of each block.
INLINE void philox(uint64_t first_block, uint32_t c2, uint32_t c3, uint64_t key, vu words[4]) {
    uint32_t x0[LANES], x1[LANES], x2[LANES], x3[LANES];
    for (int i = 0; i < LANES; i++) {
        uint64_t block = first_block + (uint64_t)i;
        x0[i] = (uint32_t)block;
        x1[i] = (uint32_t)(block >> 32);
        x2[i] = c2;
        x3[i] = c3;
    }
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < LANES; i++) {
            uint64_t p0 = (uint64_t)x0[i] * 0xD2511F53u;
            uint64_t p1 = (uint64_t)x2[i] * 0xCD9E8D57u;
            x0[i] = (uint32_t)(p1 >> 32) ^ x1[i] ^ k0;
            x2[i] = (uint32_t)(p0 >> 32) ^ x3[i] ^ k1;
            x1[i] = (uint32_t)p1;
            x3[i] = (uint32_t)p0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    memcpy(&words[0], x0, sizeof x0);
    memcpy(&words[1], x1, sizeof x1);
    memcpy(&words[2], x2, sizeof x2);
    memcpy(&words[3], x3, sizeof x3);
}
