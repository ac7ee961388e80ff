#include "gates.h"
#include "random.h"

// A unary map: whole vectors, then the rest through a padded vector.
#define MAP1(NAME, EXPRESSION)                                                  \
    void NAME(const float *in, float *out, size_t count) {            \
        size_t i = 0;                                                           \
        for (; i + LANES <= count; i += LANES) {                                \
            vf x = load(in + i);                                                \
            store(out + i, EXPRESSION);                                         \
        }                                                                       \
        if (i < count) {                                                        \
            vf x = load_part(in + i, count - i);                                \
            store_part(out + i, EXPRESSION, count - i);                         \
        }                                                                       \
    }
#define MAP2(NAME, EXPRESSION)                                                           \
    void NAME(const float *in, const float *d_out, float *d_in, size_t count) { \
        size_t i = 0;                                                                    \
        for (; i + LANES <= count; i += LANES) {                                         \
            vf x = load(in + i), d = load(d_out + i);                                    \
            store(d_in + i, EXPRESSION);                                                 \
        }                                                                                \
        if (i < count) {                                                                 \
            vf x = load_part(in + i, count - i), d = load_part(d_out + i, count - i);    \
            store_part(d_in + i, EXPRESSION, count - i);                                 \
        }                                                                                \
    }

INLINE vf gelu_slope(vf x) {
    normal n = vnormal(x);
    return n.cumulative + x * n.density;
}

INLINE vf gelu_tanh_slope(vf x) {
    vf gate = tanh_gate(x);
    vf d_u2 = splat(1.5957691f) * (splat(1.0f) + splat(0.134145f) * x * x);
    return gate + x * gate * (splat(1.0f) - gate) * d_u2;
}

MAP1(bk_gelu_forward, (x * vnormal(x).cumulative))
MAP2(bk_gelu_backward, (d * gelu_slope(x)))
MAP1(bk_gelu_tanh_forward, (x * tanh_gate(x)))
MAP2(bk_gelu_tanh_backward, (d * gelu_tanh_slope(x)))
// As a comparison and not a maximum, so that NaN stays NaN.
MAP1(bk_relu_forward, (choose(x <= splat(0), splat(0), x)))
MAP2(bk_relu_backward, (choose(x > splat(0), d, splat(0))))

void bk_add_bias(float *rows, const float *bias, size_t row_count, size_t columns) {
    for (size_t r = 0; r < row_count; r++) {
        float *row = rows + r * columns;
        for (size_t c = 0; c < columns; c++) row[c] += bias[c];
    }
}

void bk_add_column_sums(const float *rows, size_t stride, float *sums, size_t row_count,
                                  size_t columns) {
    size_t c = 0;
    for (; c + LANES <= columns; c += LANES) {
        vf total = load(sums + c);
        for (size_t r = 0; r < row_count; r++) total += load(rows + r * stride + c);
        store(sums + c, total);
    }
    for (; c < columns; c++)
        for (size_t r = 0; r < row_count; r++) sums[c] += rows[r * stride + c];
}

void bk_add(float *a, const float *b, size_t count) {
    for (size_t i = 0; i < count; i++) a[i] += b[i];
}

void bk_scale(float *a, float factor, size_t count) {
    for (size_t i = 0; i < count; i++) a[i] *= factor;
}

typedef double vd __attribute__((vector_size(128)));

double bk_sum_of_squares(const float *a, size_t count) {
    vd total = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        vd x = __builtin_convertvector(load(a + i), vd);
        total += x * x;
    }
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += total[lane];
    for (; i < count; i++) sum += (double)a[i] * a[i];
    return sum;
}

int bk_all_finite(const float *a, size_t count) {
    const uint32_t *bits = (const uint32_t *)a;
    uint32_t bad = 0;
    for (size_t i = 0; i < count; i++) bad |= (bits[i] & 0x7F800000u) == 0x7F800000u;
    return !bad;
}

void bk_dropout_apply(float *values, size_t count, uint64_t first_element, bk_dropout d) {
    if (d.probability <= 0) return;
    size_t i = 0;
    while (i < count) {
        uint64_t element = first_element + i;
        size_t skip = (size_t)(element % 4), left = count - i;
        vf factors[DRAW_VECTORS];
        keep_factors(element - skip, d, factors);
        if (skip == 0 && left >= DRAW) {
            for (int n = 0; n < DRAW_VECTORS; n++)
                store(values + i + n * LANES, load(values + i + n * LANES) * factors[n]);
            i += DRAW;
        } else {
            float some[DRAW];
            memcpy(some, factors, sizeof some);
            size_t n = DRAW - skip < left ? DRAW - skip : left;
            for (size_t j = 0; j < n; j++) values[i + j] *= some[skip + j];
            i += n;
        }
    }
}

void bk_embedding_sum(const int32_t *ids, const int32_t *positions, const int32_t *types,
                                const float *word, const float *position, const float *type,
                                float *out, size_t row_count, size_t columns) {
    for (size_t r = 0; r < row_count; r++) {
        const float *w = word + (size_t)ids[r] * columns;
        const float *p = position + (size_t)positions[r] * columns;
        const float *t = type + (size_t)types[r] * columns;
        float *o = out + r * columns;
        for (size_t c = 0; c < columns; c++) o[c] = w[c] + p[c] + t[c];
    }
}
