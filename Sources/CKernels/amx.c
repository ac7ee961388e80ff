// Products in Intel's AMX: tiles of 16 rows of 64 bytes.
#define _GNU_SOURCE
#include "bf16.h"
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

size_t bk_amx_depth(size_t depth, size_t element_bytes) {
    size_t step = 64 / element_bytes;
    return (depth + step - 1) / step * step;
}

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <immintrin.h>
#define MASKED_MEMORY 512
/// The second-level cache of processors with AMX.
#define NEAR_BYTES (2 << 20)
#pragma clang attribute push(                                                              \
    __attribute__((target("arch=x86-64-v4,avx512bf16,amx-tile,amx-bf16,amx-int8"))), apply_to = function)
#include "amx_tiles.h"
#include "bf16_pairs.h"
#include "gates.h"

static int available;
static void find(void) {
    unsigned a, b, c, d;
    if (!__builtin_cpu_supports("x86-64-v4") || !__builtin_cpu_supports("avx512bf16")) return;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;
    // Leaf 7: bit 22 AMX-BF16, 24 AMX-TILE, 25 AMX-INT8.
    const unsigned wanted = 1u << 22 | 1u << 24 | 1u << 25;
    if ((d & wanted) != wanted) return;
    // The kernel gives a process the tiles' state (component 18) when asked: ARCH_REQ_XCOMP_PERM.
    available = syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}
int bk_amx_available(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find);
    return available;
}

void bk_amx_round_rows(const float *in, size_t stride, size_t rows, size_t columns, uint16_t *out) {
    size_t depth = bk_amx_depth(columns, 2);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < depth; c += 32) {
            size_t count = columns - c < 32 ? columns - c : 32;
            store((float *)(out + r * depth + c), neighbours(in + r * stride + c, count));
        }
}

void bk_amx_round_columns(const float *in, size_t stride, size_t rows, size_t columns, uint16_t *out) {
    size_t depth = bk_amx_depth(rows, 2);
    for (size_t r = 0; r < rows; r += 32)
        for (size_t c = 0; c < columns; c += LANES) {
            size_t count = columns - c < LANES ? columns - c : LANES;
            vf block[LANES];
            row_pairs(in + c, stride, r, rows, count, block);
            transpose16(block);
            for (size_t i = 0; i < count; i++)
                store((float *)(out + (c + i) * depth + r), block[i]);
        }
}

/// A block of a panel: 16 rows of 16 lanes.
INLINE void put_block(const vf block[LANES], uint16_t *out) {
    for (size_t i = 0; i < LANES; i++) store((float *)(out + 32 * i), block[i]);
}

void bk_amx_pack_transposed(const float *in, size_t stride, size_t columns, size_t depth, uint16_t *out) {
    for (size_t c = 0; c < columns; c += BK_AMX_COLUMNS)
        for (size_t l = 0; l < depth; l += 32)
            for (size_t half = 0; half < BK_AMX_COLUMNS; half += LANES, out += 512) {
                vf block[LANES];
                transposed_neighbours(in, stride, c + half, columns, l, depth, block);
                put_block(block, out);
            }
}

void bk_amx_pack(const float *in, size_t stride, size_t depth, size_t columns, uint16_t *out) {
    for (size_t c = 0; c < columns; c += BK_AMX_COLUMNS)
        for (size_t l = 0; l < depth; l += 32)
            for (size_t half = 0; half < BK_AMX_COLUMNS; half += LANES, out += 512) {
                size_t start = c + half, left = columns > start ? columns - start : 0;
                vf block[LANES];
                row_pairs(in + start, stride, l, depth, left < LANES ? left : LANES, block);
                put_block(block, out);
            }
}

void bk_amx_pack_bytes(const int8_t *in, size_t columns, size_t depth, int8_t *out) {
    for (size_t c = 0; c < columns; c += BK_AMX_COLUMNS)
        for (size_t l = 0; l < depth; l += 64)
            for (size_t half = 0; half < BK_AMX_COLUMNS; half += LANES)
                for (size_t four = 0; four < 64; four += 4)
                    for (size_t i = 0; i < LANES; i++)
                        for (size_t j = 0; j < 4; j++) {
                            size_t column = c + half + i, at = l + four + j;
                            *out++ = column < columns && at < depth ? in[column * depth + at] : 0;
                        }
}

/// A tile of sums, [32, 32], behind each other in memory.
typedef struct { _Alignas(64) uint32_t values[32 * 32]; } sums;

/// Two blocks of rows by one panel: up to 32 by 32 sums. With each 64 bytes of depth, `lines` cache lines from
/// `next` are asked for.
INLINE void multiply_block(const int bytes, const char *a, size_t depth_bytes, const char *panel,
                           size_t rows, const char *next, size_t lines, sums *out) {
    const char *lower = a + 16 * depth_bytes;
    tile_zero(0), tile_zero(1), tile_zero(2), tile_zero(3);
#define STEP(DOT)                                                          \
    for (size_t l = 0; l < depth_bytes; l += 64, panel += 2048) {          \
        for (size_t i = 0; i < lines; i++, next += 64)                     \
            _mm_prefetch(next, _MM_HINT_T1);                               \
        tile_load(4, a + l, depth_bytes);                                  \
        tile_load(6, panel, 64);                                           \
        DOT(0, 4, 6);                                                      \
        tile_load(7, panel + 1024, 64);                                    \
        DOT(1, 4, 7);                                                      \
        if (rows > 16) {                                                   \
            tile_load(5, lower + l, depth_bytes);                          \
            DOT(2, 5, 6);                                                  \
            DOT(3, 5, 7);                                                  \
        }                                                                  \
    }
    if (bytes) {
        STEP(tile_dot_bytes)
    } else {
        STEP(tile_dot_bf16)
    }
#undef STEP
    tile_store(0, out->values, 128);
    tile_store(1, out->values + 16, 128);
    tile_store(2, out->values + 512, 128);
    tile_store(3, out->values + 528, 128);
}

/// Rows of 16 sums from `half`, finished and written.
INLINE void finish(const bk_amx_product *p, const int bytes, const int activation, size_t row,
                   size_t rows, size_t half, const uint32_t *source) {
    size_t n = p->columns - half < LANES ? p->columns - half : LANES;
    float *target = p->out + row * p->stride + half;
    vf bias = p->bias ? load_part(p->bias + half, n) : splat(0);
    vf scale = splat(0), sum = splat(0);
    if (bytes) {
        scale = load_part(p->weight_scales + half, n);
        sum = load_part(p->weight_sums + half, n);
    }
    for (size_t r = row; r < row + rows; r++, source += BK_AMX_COLUMNS, target += p->stride) {
        vf x;
        if (bytes) {
            x = __builtin_convertvector(*(const vi *)source, vf) * (splat(p->scales[r]) * scale) +
                (splat(p->lows[r]) * sum + bias);
        } else {
            x = *(const vf *)source + bias;
        }
        if (p->accumulate) x += load_part(target, n);
        switch (activation) {
        case 0: break;
        case 1: x *= quick_normal(x); break;
        case 2: x *= tanh_gate(x); break;
        default: x = choose(x <= splat(0), splat(0), x);
        }
        store_part(target, x, n);
    }
}

INLINE void multiply(const bk_amx_product *p, const int bytes, const int activation) {
    size_t depth_bytes = bytes ? p->depth : 2 * p->depth;
    sums block;
    tiles_begin();
    // Weights beyond the second-level cache: while one panel is multiplied the next is brought near, a part with each
    // block of rows. Asking costs time where they are near already.
    size_t blocks = (p->rows + 31) / 32;
    size_t lines = p->columns * depth_bytes > NEAR_BYTES ? (32 + blocks - 1) / blocks : 0;
    for (size_t column = 0; column < p->columns; column += BK_AMX_COLUMNS)
        for (size_t row = 0; row < p->rows; row += 32) {
            size_t rows = p->rows - row < 32 ? p->rows - row : 32;
            const char *panel = (const char *)p->b + column * depth_bytes;
            const char *next = panel + BK_AMX_COLUMNS * depth_bytes + row / 32 * lines * depth_bytes;
            multiply_block(bytes, (const char *)p->a + row * depth_bytes, depth_bytes, panel, rows, next,
                           lines, &block);
            for (size_t half = 0; half < BK_AMX_COLUMNS && column + half < p->columns; half += LANES)
                finish(p, bytes, activation, row, rows, column + half, block.values + half);
        }
    tiles_end();
}

void bk_amx_multiply(const bk_amx_product *p) {
#define WITH(ACTIVATION)                                                                 \
    if (p->scales) multiply(p, 1, ACTIVATION);                                           \
    else multiply(p, 0, ACTIVATION);                                                     \
    break;
    switch (p->activation) {
    case 0: WITH(0)
    case 1: WITH(1)
    case 2: WITH(2)
    default: WITH(3)
    }
}
#pragma clang attribute pop

#else
#include <stdlib.h>
int bk_amx_available(void) { return 0; }
void bk_amx_round_rows(const float *in, size_t stride, size_t rows, size_t columns, uint16_t *out) {
    (void)in, (void)stride, (void)rows, (void)columns, (void)out, abort();
}
void bk_amx_round_columns(const float *in, size_t stride, size_t rows, size_t columns, uint16_t *out) {
    (void)in, (void)stride, (void)rows, (void)columns, (void)out, abort();
}
void bk_amx_pack_transposed(const float *in, size_t stride, size_t columns, size_t depth, uint16_t *out) {
    (void)in, (void)stride, (void)columns, (void)depth, (void)out, abort();
}
void bk_amx_pack(const float *in, size_t stride, size_t depth, size_t columns, uint16_t *out) {
    (void)in, (void)stride, (void)depth, (void)columns, (void)out, abort();
}
void bk_amx_pack_bytes(const int8_t *in, size_t columns, size_t depth, int8_t *out) {
    (void)in, (void)columns, (void)depth, (void)out, abort();
}
void bk_amx_multiply(const bk_amx_product *p) { (void)p, abort(); }
#endif
