// The kernels for x86-64-v4 (AVX-512).
#if defined(__x86_64__)
#define VERSION _avx512
#define MASKED_MEMORY 512
#define TILE_ROWS 8
#define TILE_VECTORS 2
#define PHILOX_CHAINS 2
#include "versions.h"
#include "kernels.h"
#include <math.h>
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"))), apply_to = function)
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
