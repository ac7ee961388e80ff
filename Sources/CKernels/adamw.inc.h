INLINE void adamw_vector(vf *w, vf *m, vf *v, vf g, bk_adamw k) {
    g = g * splat(k.gradient_scale);
    *m = splat(k.beta1) * *m + splat(k.rest1) * g;
    *v = splat(k.beta2) * *v + splat(k.rest2) * g * g;
    vf denominator = vsqrt(*v) * splat(k.second_correction) + splat(k.epsilon);
    *w = *w - splat(k.decay) * *w - splat(k.step_size) * *m / denominator;
}

void bk_adamw_step(float *weight, float *first, float *second, const float *gradient,
                             size_t count, bk_adamw k) {
    for (size_t i = 0; i < count; i += LANES) {
        size_t n = count - i < LANES ? count - i : LANES;
        if (n == LANES) {
            vf w = load(weight + i), m = load(first + i), v = load(second + i);
            adamw_vector(&w, &m, &v, load(gradient + i), k);
            store(weight + i, w);
            store(first + i, m);
            store(second + i, v);
        } else {
            vf w = load_part(weight + i, n), m = load_part(first + i, n);
            vf v = load_part(second + i, n);
            adamw_vector(&w, &m, &v, load_part(gradient + i, n), k);
            store_part(weight + i, w, n);
            store_part(first + i, m, n);
            store_part(second + i, v, n);
        }
    }
}

void bk_adamw_idle_steps(float *weight, float *first, float *second, size_t count,
                                   const bk_adamw *steps, size_t step_count) {
    for (size_t i = 0; i < count; i += LANES) {
        size_t n = count - i < LANES ? count - i : LANES;
        vf w = load_part(weight + i, n), m = load_part(first + i, n), v = load_part(second + i, n);
        for (size_t s = 0; s < step_count; s++) adamw_vector(&w, &m, &v, splat(0), steps[s]);
        store_part(weight + i, w, n);
        store_part(first + i, m, n);
        store_part(second + i, v, n);
    }
}
