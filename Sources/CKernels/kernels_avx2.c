// The kernels for x86-64-v3 (AVX2 and FMA).
#if defined(__x86_64__)
#define VERSION _avx2
#define MASKED_MEMORY 256
#define TILE_ROWS 6
#define TILE_VECTORS 1
#include "versions.h"
#include "kernels.h"
#include <math.h>
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#include "vector.h"
#include "elementwise.inc.h"
#include "precision.inc.h"
#include "layernorm.inc.h"
#include "attention.inc.h"
#include "attention_backward.inc.h"
#include "adamw.inc.h"
#include "distillation.inc.h"
#include "lstm.inc.h"
#pragma clang attribute pop
#endif
