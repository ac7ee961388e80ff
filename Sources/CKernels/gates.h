#pragma once
// What activations multiply their argument by.
#include "vector.h"

// 0.5 (1 + tanh u) is the logistic function of 2u, u = sqrt(2/pi) (x + 0.044715 x^3).
INLINE vf tanh_gate(vf x) {
    vf u2 = splat(1.5957691f) * (x + splat(0.044715f) * x * x * x);
    return splat(1.0f) / (splat(1.0f) + vexp(-u2));
}

/// The normal distribution function to 6e-5 / max(1, |x|): for values that are rounded to eight bits
/// next. A weighted minimax fit of (cumulative - 0.5) / x in x^2 up to 4.5, held there beyond.
INLINE vf quick_normal(vf x) {
    vf a = vmin(vmax(x, splat(-4.5f)), splat(4.5f)), t = a * a;
    vf p = splat(3.036419379820465e-11f);
    p = p * t + splat(-3.3146609901280044e-09f);
    p = p * t + splat(1.5909972717054188e-07f);
    p = p * t + splat(-4.451730092114303e-06f);
    p = p * t + splat(8.142517617670819e-05f);
    p = p * t + splat(-0.0010375913698226213f);
    p = p * t + splat(0.009585202671587467f);
    p = p * t + splat(-0.06598465889692307f);
    p = p * t + splat(0.3987126052379608f);
    return a * p + splat(0.5f);
}
