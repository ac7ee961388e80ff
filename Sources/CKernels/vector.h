#pragma once
// Sixteen-lane vectors and the functions that every kernel shares. The compiler maps a vector to
// whatever registers the version's instruction set has: one of AVX-512, two of AVX2, four of SSE or
// NEON.
#include <stdint.h>
#include <string.h>

#pragma clang diagnostic ignored "-Wpsabi"

#define LANES 16
typedef float vf __attribute__((ext_vector_type(16)));
typedef int32_t vi __attribute__((ext_vector_type(16)));
typedef uint32_t vu __attribute__((ext_vector_type(16)));
typedef float vf_unaligned __attribute__((ext_vector_type(16), aligned(4)));

#define INLINE static inline __attribute__((always_inline))

INLINE vf load(const float *p) { return *(const vf_unaligned *)p; }
INLINE void store(float *p, vf v) { *(vf_unaligned *)p = v; }
INLINE vu as_words(vf x) { return __builtin_bit_cast(vu, x); }
INLINE vf as_floats(vu x) { return __builtin_bit_cast(vf, x); }
INLINE vf splat(float x) { return (vf)x; }

/// The first n lanes from memory, n at most 16, the others zero.
INLINE vf load_part(const float *p, size_t n) {
#if MASKED_MEMORY == 512
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif MASKED_MEMORY == 256
    static const int32_t ones[3 * LANES] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                            -1, -1, -1, -1, -1, -1, -1, -1};
    const int32_t *mask = ones + LANES - n;
    vf v;
    v.lo = _mm256_maskload_ps(p, _mm256_loadu_si256((const __m256i *)mask));
    v.hi = _mm256_maskload_ps(p + 8, _mm256_loadu_si256((const __m256i *)(mask + 8)));
    return v;
#else
    if (n == LANES) return load(p);
    vf v = splat(0);
    memcpy(&v, p, n * sizeof(float));
    return v;
#endif
}
INLINE void store_part(float *p, vf v, size_t n) {
#if MASKED_MEMORY == 512
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
    if (n == LANES) store(p, v);
    else memcpy(p, &v, n * sizeof(float));
#endif
}

/// Lane by lane mask ? a : b.
INLINE vf choose(vi mask, vf a, vf b) { return mask ? a : b; }
// Where either is no number the second is taken: one instruction on x86.
INLINE vf vmax(vf a, vf b) { return a > b ? a : b; }
INLINE vf vmin(vf a, vf b) { return a < b ? a : b; }
INLINE vf vabs(vf a) { return __builtin_elementwise_abs(a); }
INLINE vf vsqrt(vf a) { return __builtin_elementwise_sqrt(a); }

/// The lanes' sum, always in the same order.
INLINE float sum_lanes(vf v) {
    float __attribute__((ext_vector_type(8))) a = v.lo + v.hi;
    float __attribute__((ext_vector_type(4))) b = a.lo + a.hi;
    float __attribute__((ext_vector_type(2))) c = b.lo + b.hi;
    return c.x + c.y;
}
/// The largest lane; where one is no number, any.
INLINE float max_lanes(vf v) {
    float __attribute__((ext_vector_type(8))) a = v.lo > v.hi ? v.lo : v.hi;
    float __attribute__((ext_vector_type(4))) b = a.lo > a.hi ? a.lo : a.hi;
    float __attribute__((ext_vector_type(2))) c = b.lo > b.hi ? b.lo : b.hi;
    return c.x > c.y ? c.x : c.y;
}

/// 2^n times a polynomial on [-ln2/2, ln2/2]. Adding 1.5 * 2^23 rounds to the integer n and leaves it
/// in the low bits, from where it goes into the exponent.
INLINE vf vexp_between(vf x) {
    vf shifted = x * splat(1.44269504f) + splat(12582912.0f);
    vf n = shifted - splat(12582912.0f);
    vf r = x - n * splat(0.693359375f);
    r = r + n * splat(2.12194440e-4f);
    vf p = splat(1.0f / 5040);
    p = p * r + splat(1.0f / 720);
    p = p * r + splat(1.0f / 120);
    p = p * r + splat(1.0f / 24);
    p = p * r + splat(1.0f / 6);
    p = p * r + splat(0.5f);
    p = p * r + splat(1.0f);
    p = p * r + splat(1.0f);
    return as_floats(as_words(p) + (as_words(shifted) << 23));
}
/// e^x to about 2 ulp for x between -87.3 and 88.3, outside as at the nearer end (1e-38 and 2e38);
/// NaN for NaN.
INLINE vf vexp(vf x) { return vexp_between(vmin(splat(88.3f), vmax(splat(-87.3f), x))); }
/// The same for x that is hardly above zero.
INLINE vf vexp_negative(vf x) { return vexp_between(vmax(splat(-87.3f), x)); }

/// ln x to about 1 ulp for normal positive numbers; NaN for NaN.
///
/// Source of the polynomial: Cephes, logf.
INLINE vf vlog(vf x) {
    vu bits = as_words(x);
    // The mantissa in [sqrt(1/2), sqrt(2)).
    vu offset = bits - 0x3F3504F3u;
    vf e = __builtin_convertvector((vi)offset >> 23, vf);
    vf m = as_floats((offset & 0x007FFFFFu) + 0x3F3504F3u) - splat(1.0f);
    vf p = splat(7.0376836292e-2f);
    p = p * m + splat(-1.1514610310e-1f);
    p = p * m + splat(1.1676998740e-1f);
    p = p * m + splat(-1.2420140846e-1f);
    p = p * m + splat(1.4249322787e-1f);
    p = p * m + splat(-1.6668057665e-1f);
    p = p * m + splat(2.0000714765e-1f);
    p = p * m + splat(-2.4999993993e-1f);
    p = p * m + splat(3.3333331174e-1f);
    vf square = m * m;
    vf y = p * m * square + e * splat(-2.12194440e-4f);
    y = y - splat(0.5f) * square;
    vf result = m + y + e * splat(0.693359375f);
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

static inline size_t padded(size_t n) { return (n + LANES - 1) / LANES * LANES; }
