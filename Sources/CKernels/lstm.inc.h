
// tanh: a polynomial about zero, which keeps the relative precision there, else 1 - 2 / (e^2|x| + 1).
//
// Source of the polynomial: Cephes, tanhf.
INLINE vf vtanh(vf x) {
    vf a = vabs(x), z = x * x;
    vf p = splat(-5.70498872745e-3f);
    p = p * z + splat(2.06390887954e-2f);
    p = p * z + splat(-5.37397155531e-2f);
    p = p * z + splat(1.33314422036e-1f);
    p = p * z + splat(-3.33332819422e-1f);
    vf far = splat(1.0f) - splat(2.0f) / (vexp(a + a) + splat(1.0f));
    return choose(a < splat(0.625f), p * z * x + x, choose(x < splat(0), -far, far));
}
INLINE vf vlogistic(vf x) { return splat(1.0f) / (splat(1.0f) + vexp(-x)); }

void bk_lstm_forward(float *gates, const float *c_before, float *c, float *h, size_t rows,
                     size_t units) {
    for (size_t r = 0; r < rows; r++) {
        float *input = gates + r * 4 * units, *forget = input + units;
        float *candidate = forget + units, *output = candidate + units;
        for (size_t u = 0; u < units; u += LANES) {
            size_t n = units - u < LANES ? units - u : LANES;
            vf i = vlogistic(load_part(input + u, n));
            vf f = vlogistic(load_part(forget + u, n));
            vf g = vtanh(load_part(candidate + u, n));
            vf o = vlogistic(load_part(output + u, n));
            vf cell = i * g;
            if (c_before) cell = cell + f * load_part(c_before + r * units + u, n);
            store_part(input + u, i, n);
            store_part(forget + u, f, n);
            store_part(candidate + u, g, n);
            store_part(output + u, o, n);
            store_part(c + r * units + u, cell, n);
            store_part(h + r * units + u, o * vtanh(cell), n);
        }
    }
}

void bk_lstm_backward(float *gates, const float *c_before, const float *c, const float *d_h,
                      float *d_c, size_t rows, size_t units) {
    vf one = splat(1.0f);
    for (size_t r = 0; r < rows; r++) {
        float *input = gates + r * 4 * units, *forget = input + units;
        float *candidate = forget + units, *output = candidate + units;
        for (size_t u = 0; u < units; u += LANES) {
            size_t n = units - u < LANES ? units - u : LANES;
            vf i = load_part(input + u, n), f = load_part(forget + u, n);
            vf g = load_part(candidate + u, n), o = load_part(output + u, n);
            vf before = c_before ? load_part(c_before + r * units + u, n) : splat(0);
            vf squashed = vtanh(load_part(c + r * units + u, n));
            vf d_hidden = load_part(d_h + r * units + u, n);
            vf d_cell = load_part(d_c + r * units + u, n)
                + d_hidden * o * (one - squashed * squashed);
            store_part(d_c + r * units + u, d_cell * f, n);
            store_part(input + u, d_cell * g * i * (one - i), n);
            store_part(forget + u, d_cell * before * f * (one - f), n);
            store_part(candidate + u, d_cell * i * (one - g * g), n);
            store_part(output + u, d_hidden * squashed * o * (one - o), n);
        }
    }
}
