/* SPDX-License-Identifier: Apache-2.0 */
#include "glibc_layout.h"

const struct cs_glibc_layout cs_glibc_layouts[] = {
        {
                .versions = "2.35 to 2.41",
                .fastbins = 0x10,
                .top = 0x60,
                .bins = 0x70,
                .next = 0x870,
                .system_mem = 0x888,
                .arena_bytes = 0x898,
                .heap_bytes = 0x30,
                .mp_arena_test = 0x18,
                .mp_n_mmaps = 0x3c,
                .mp_n_mmaps_max = 0x40,
                .mp_sbrk_base = 0x60,
                .tcache_chunk = 0x290,
                .tcache_heads = 0x80,
        },
};

const size_t cs_glibc_layout_count = sizeof(cs_glibc_layouts) / sizeof(cs_glibc_layouts[0]);
