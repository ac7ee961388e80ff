#pragma once
// AMX's instructions under names of the house.
#include <immintrin.h>
#include <stdint.h>
#include "vector.h"

#define tile_zero(T) _tile_zero(T)
#define tile_load(T, BASE, STRIDE) _tile_loadd(T, BASE, STRIDE)
#define tile_store(T, BASE, STRIDE) _tile_stored(T, BASE, STRIDE)
#define tile_dot_bf16(C, A, B) _tile_dpbf16ps(C, A, B)
/// Unsigned by signed.
#define tile_dot_bytes(C, A, B) _tile_dpbusd(C, A, B)

/// Eight tiles of 16 rows of 64 bytes. Libraries that use tiles set them up for themselves.
INLINE void tiles_begin(void) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } configuration = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        configuration.row_bytes[i] = 64;
        configuration.rows[i] = 16;
    }
    _tile_loadconfig(&configuration);
}
INLINE void tiles_end(void) { _tile_release(); }
