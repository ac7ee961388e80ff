void bk_layer_norm_forward(float *dense, const float *residual, const float *weight,
                                     const float *bias, float epsilon, float *sum, float *mean,
                                     float *rstd, float *out, size_t row_count, size_t columns,
                                     size_t first_row, bk_dropout dropout, int dropout_after) {
    size_t whole = columns / LANES * LANES, rest = columns - whole;
    float inverse = 1.0f / (float)columns;
    for (size_t r = 0; r < row_count; r++) {
        float *x = dense + r * columns;
        uint64_t first_element = (uint64_t)(first_row + r) * columns;
        if (!dropout_after) bk_dropout_apply(x, columns, first_element, dropout);
        float *s = sum ? sum + r * columns : x;
        vf total = splat(0);
        if (residual) {
            const float *base = residual + r * columns;
            for (size_t c = 0; c < whole; c += LANES) {
                vf v = load(x + c) + load(base + c);
                store(s + c, v);
                total += v;
            }
            if (rest) {
                vf v = load_part(x + whole, rest) + load_part(base + whole, rest);
                store_part(s + whole, v, rest);
                total += v;
            }
        } else {
            for (size_t c = 0; c < whole; c += LANES) {
                vf v = load(x + c);
                store(s + c, v);
                total += v;
            }
            if (rest) {
                vf v = load_part(x + whole, rest);
                store_part(s + whole, v, rest);
                total += v;
            }
        }
        float m = sum_lanes(total) * inverse;
        vf vm = splat(m), squares = splat(0);
        for (size_t c = 0; c < whole; c += LANES) {
            vf d = load(s + c) - vm;
            squares += d * d;
        }
        float variance = sum_lanes(squares);
        for (size_t c = whole; c < columns; c++) variance += (s[c] - m) * (s[c] - m);
        float scale = 1.0f / __builtin_sqrtf(variance * inverse + epsilon);
        if (sum) {
            mean[r] = m;
            rstd[r] = scale;
        }
        float *o = out + r * columns;
        vf vs = splat(scale);
        for (size_t c = 0; c < whole; c += LANES)
            store(o + c, (load(s + c) - vm) * vs * load(weight + c) + load(bias + c));
        for (size_t c = whole; c < columns; c++)
            o[c] = (s[c] - m) * scale * weight[c] + bias[c];
        if (dropout_after) bk_dropout_apply(o, columns, first_element, dropout);
    }
}

void bk_layer_norm_backward(const float *d_out, const float *sum, const float *mean,
                                      const float *rstd, const float *weight, float *d_sum,
                                      float *d_weight, float *d_bias, size_t row_count,
                                      size_t columns) {
    size_t whole = columns / LANES * LANES;
    float inverse = 1.0f / (float)columns;
    for (size_t r = 0; r < row_count; r++) {
        const float *g = d_out + r * columns, *s = sum + r * columns;
        float *o = d_sum + r * columns;
        vf m = splat(mean[r]), scale = splat(rstd[r]);
        vf total = splat(0), projected = splat(0);
        for (size_t c = 0; c < whole; c += LANES) {
            vf normalized = (load(s + c) - m) * scale, d = load(g + c);
            store(d_weight + c, load(d_weight + c) + d * normalized);
            store(d_bias + c, load(d_bias + c) + d);
            vf dn = d * load(weight + c);
            total += dn;
            projected += dn * normalized;
        }
        float t = sum_lanes(total), p = sum_lanes(projected);
        for (size_t c = whole; c < columns; c++) {
            float normalized = (s[c] - mean[r]) * rstd[r], dn = g[c] * weight[c];
            d_weight[c] += g[c] * normalized;
            d_bias[c] += g[c];
            t += dn;
            p += dn * normalized;
        }
        t *= inverse;
        p *= inverse;
        vf vt = splat(t), vp = splat(p);
        for (size_t c = 0; c < whole; c += LANES) {
            vf normalized = (load(s + c) - m) * scale;
            vf dn = load(g + c) * load(weight + c);
            store(o + c, scale * (dn - vt - normalized * vp));
        }
        for (size_t c = whole; c < columns; c++) {
            float normalized = (s[c] - mean[r]) * rstd[r];
            o[c] = rstd[r] * (g[c] * weight[c] - t - normalized * p);
        }
    }
}
