/* SPDX-License-Identifier: Apache-2.0 */
/* The chunk and list walkers on a process whose malloc state is sound at first sight, so that they are reached: main_arena
 * in libc's data, its heap, the heap of a second arena, memory that may hold mmapped chunks. The input steers the
 * pointers between them and fills the heaps.
 *
 * Input, little-endian: the words of struct control, then the bytes of the main heap, the second heap, the third one if it is there, the
 * mmapped memory. */
#include "glibc.h"

#include "bytes.h"
#include "corefile.h"
#include "cursor.h"

#include <stdlib.h>
#include <string.h>

enum {
        MAIN = 0x100000,
        MAPPED = 0x200000,
        LIBC = 0x300000,
        SECOND = GLIBC_HEAP_MAX,
        MAIN_BYTES = 0x4000,
        MAPPED_BYTES = 0x4000,
        LIBC_BYTES = 0x2000,
        SECOND_BYTES = 0x4000,
        THIRD = 2 * GLIBC_HEAP_MAX,
        ARENA = LIBC + 0xc80,
        PARAMETERS = LIBC + 0x60,
        SECOND_ARENA = SECOND + 0x30,
        SECOND_FIRST = SECOND_ARENA + 0x8a0,
        ALL_BYTES = MAIN_BYTES + MAPPED_BYTES + LIBC_BYTES + 2 * SECOND_BYTES,
        REGIONS = 5,
        HOLES = 2,
};

enum {
        CONTROL_RING = 1,      /* the ring goes through the second arena */
        CONTROL_RING_OPEN = 2, /* and does not come back */
        CONTROL_GAP = 4,       /* the second page of the main heap is not there */
        CONTROL_LIVE = 8,
        CONTROL_NO_BASE = 16,   /* no malloc_par */
        CONTROL_PREV_SELF = 32, /* the second arena's heap has itself before it */
        CONTROL_FAST2 = 64,     /* the fastbins are the second arena's */
        CONTROL_PIECES = 128,   /* the main arena is not contiguous */
        CONTROL_ROW_SHIFT = 8,  /* the row of the table of layouts */
        CONTROL_ROW_MASK = 63,
        CONTROL_THIRD_HEAP =
                1
                << 14, /* the third heap is the second arena's, before its first; else an arena of its own */
        CONTROL_UNREAD = 1 << 15, /* the first page of the second heap is not there; the third heap is */
};

struct control {
        uint16_t flags;
        uint16_t top;        /* units of 16 bytes from MAIN */
        uint16_t base;       /* the same */
        uint16_t system;     /* units of 16 bytes */
        uint16_t second_top; /* units from SECOND */
        uint16_t second_size;
        uint16_t main_len;
        uint16_t second_len;
        uint16_t fast[GLIBC_FASTBINS]; /* units from MAIN or SECOND; 0: empty */
};

struct target {
        uint8_t bytes[ALL_BYTES];
        struct cs_mapping mappings[REGIONS + 2 * HOLES];
        struct cs_module module;
        struct cs_image image;
        size_t n;
        struct cs_corefile core;
        struct cs_symbols *symbols;
        struct cs_space *space;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *at(struct target *t, uint64_t addr)
{
        static const struct {
                uint64_t addr, size;
        } regions[] = {
                { MAIN, MAIN_BYTES },     { MAPPED, MAPPED_BYTES }, { LIBC, LIBC_BYTES },
                { SECOND, SECOND_BYTES }, { THIRD, SECOND_BYTES },
        };
        size_t offset = 0;
        for (size_t i = 0; i < REGIONS; i++) {
                if (addr >= regions[i].addr && addr < regions[i].addr + regions[i].size)
                        return t->bytes + offset + (addr - regions[i].addr);
                offset += regions[i].size;
        }
        abort();
}

static void put(struct target *t, uint64_t addr, uint64_t value)
{
        memcpy(at(t, addr), &value, sizeof(value));
}

static void fill(struct target *t, uint64_t addr, size_t room, size_t len, struct cs_cursor *c)
{
        size_t left = cs_cursor_left(c);
        len = len < room ? len : room;
        len = len < left ? len : left;
        const uint8_t *from = cs_cursor_take(c, len);
        if (len)
                memcpy(at(t, addr), from, len);
}

static size_t row;

static const struct cs_glibc_layout *layout(void)
{
        return &cs_glibc_layouts[row];
}

static void plant_arena(struct target *t, uint64_t arena, uint64_t top, uint64_t next)
{
        const struct cs_glibc_layout *l = layout();
        for (uint64_t i = 0; i < GLIBC_BIN_PAIRS; i++) {
                uint64_t pair = arena + l->bins + 16 * i;
                put(t, pair, pair - 16);
                put(t, pair + 8, pair - 16);
        }
        put(t, arena + l->top, top);
        put(t, arena + l->next, next);
}

static void plant_heap(struct target *t, uint64_t heap, uint64_t arena, uint64_t prev,
                       const struct control *c)
{
        put(t, heap, arena);
        put(t, heap + 8, prev);
        put(t, heap + 16, 16 * (uint64_t)c->second_size);
}

static void plant(struct target *t, const struct control *c)
{
        const struct cs_glibc_layout *l = layout();
        uint64_t second = c->flags & CONTROL_RING ? SECOND_ARENA : ARENA;
        plant_arena(t, ARENA, MAIN + 16 * (uint64_t)c->top, second);
        put(t, ARENA, c->flags & CONTROL_PIECES ? (uint64_t)GLIBC_NONCONTIGUOUS << 32 : 0);
        put(t, ARENA + l->system_mem, 16 * (uint64_t)c->system);
        plant_arena(t, SECOND_ARENA, SECOND + 16 * (uint64_t)c->second_top,
                    c->flags & CONTROL_RING_OPEN ? SECOND_ARENA : ARENA);
        plant_heap(t, SECOND, SECOND_ARENA, c->flags & CONTROL_PREV_SELF ? SECOND : 0, c);
        if (c->flags & CONTROL_UNREAD) {
                bool apart = !(c->flags & CONTROL_THIRD_HEAP);
                if (apart)
                        plant_arena(t, SECOND_ARENA - SECOND + THIRD, THIRD + 16 * (uint64_t)c->second_top,
                                    ARENA);
                plant_heap(t, THIRD, apart ? SECOND_ARENA - SECOND + THIRD : SECOND_ARENA, SECOND, c);
        }
        for (unsigned i = 0; l->fastbins && i < GLIBC_FASTBINS; i++) {
                uint64_t arena = c->flags & CONTROL_FAST2 ? SECOND_ARENA : ARENA;
                uint64_t heap = c->flags & CONTROL_FAST2 ? SECOND : MAIN;
                put(t, arena + l->fastbins + 8u * i, c->fast[i] ? heap + 16 * (uint64_t)c->fast[i] : 0);
        }
        if (!(c->flags & CONTROL_NO_BASE)) {
                put(t, PARAMETERS + 16, 128 << 10); /* mmap_threshold */
                put(t, PARAMETERS + l->mp_arena_test, 8);
                put(t, PARAMETERS + l->mp_n_mmaps_max, 65536);
                put(t, PARAMETERS + l->mp_sbrk_base, MAIN + 16 * (uint64_t)c->base);
        }
}

static void add_region(struct target *t, uint64_t addr, uint64_t size, int32_t module, bool held)
{
        struct cs_range range = { addr, addr + size };
        struct cs_segment s = { .range = range,
                                .file_offset = (uint64_t)(at(t, addr) - t->bytes),
                                .held = held ? size : 0,
                                .promised = held ? size : 0,
                                .perms = CS_PERM_READ | CS_PERM_WRITE };
        t->mappings[t->n++] = (struct cs_mapping){
                .range = range, .perms = s.perms, .dumped = held, .module = module, .file_backed = module == 0
        };
        if (cs_vec_push(&t->core.segments, s, NULL) != CS_OK)
                abort();
}

/* Memory of nobody's module, of which that page may be missing. */
static void add_memory(struct target *t, uint64_t addr, uint64_t size, bool missing, uint64_t page)
{
        if (!missing) {
                add_region(t, addr, size, CS_NO_MODULE, true);
                return;
        }
        if (page > addr)
                add_region(t, addr, page - addr, CS_NO_MODULE, true);
        add_region(t, page, CS_PAGE, CS_NO_MODULE, false);
        add_region(t, page + CS_PAGE, addr + size - page - CS_PAGE, CS_NO_MODULE, true);
}

static void lay_out(struct target *t, bool gap, bool unread)
{
        add_memory(t, MAIN, MAIN_BYTES, gap, MAIN + CS_PAGE);
        add_region(t, MAPPED, MAPPED_BYTES, CS_NO_MODULE, true);
        add_region(t, LIBC, LIBC_BYTES, 0, true);
        add_memory(t, SECOND, SECOND_BYTES, unread, SECOND);
        if (unread)
                add_region(t, THIRD, SECOND_BYTES, CS_NO_MODULE, true);
        t->module = (struct cs_module){
                .path = "/libc.so.6", .name = "libc.so.6", .range = { LIBC, LIBC + LIBC_BYTES }, .fd = -1
        };
        t->image.mappings.at = t->mappings;
        t->image.mappings.n = t->n;
        t->image.modules.at = &t->module;
        t->image.modules.n = 1;
}

/* Is all of it memory that may hold a heap? */
static bool heap_memory(const struct target *t, struct cs_range range)
{
        for (size_t i = 0; i < t->n && range.start < range.end; i++)
                if (t->mappings[i].module == CS_NO_MODULE && cs_range_has(t->mappings[i].range, range.start))
                        range.start = t->mappings[i].range.end;
        return range.start >= range.end;
}

/* What the rest of the house relies on. */
static void check(const struct target *t, const struct cs_blocks *blocks)
{
        const struct cs_space *space = t->space;
        for (size_t r = 0; r < blocks->ranges.n; r++) {
                const struct cs_heap_range *range = &blocks->ranges.at[r];
                if (!heap_memory(t, range->range))
                        abort();
                uint64_t last = range->range.start;
                if (!range->count || (r && range->range.start < blocks->ranges.at[r - 1].range.end))
                        abort();
                struct cs_block_cursor cursor = cs_blocks_of(blocks, range), groups = cursor;
                struct cs_block_group group = { 0 };
                struct cs_block block;
                uint32_t i;
                while (cs_blocks_next(&cursor, &block, &i)) {
                        struct cs_block same = cs_blocks_get(blocks, i);
                        struct cs_range b = cs_block_range(&block);
                        if (same.start != block.start || same.size != block.size || same.state != block.state)
                                abort();
                        if (b.start < last || b.end <= b.start || b.end > range->range.end)
                                abort();
                        if (cs_blocks_find(blocks, (uint32_t)r, b.start) != i ||
                            cs_blocks_find(blocks, (uint32_t)r, b.end - 1) != i)
                                abort();
                        if (i >= group.first + group.count && !cs_blocks_next_group(&groups, &group))
                                abort();
                        if (i < group.first || b.start < group.range.start || b.end > group.range.end ||
                            block.state != group.state)
                                abort();
                        last = b.end;
                }
                if (cs_blocks_next_group(&groups, &group))
                        abort();
                if (cs_space_at(space, range->range.start).kind != CS_SPACE_HEAP)
                        abort();
        }
}

static void walk(struct target *t)
{
        struct cs_heaps heaps = { 0 };
        struct cs_claims claims = { 0 };
        if (cs_heaps_find(&t->image, t->symbols, t->space, &claims, &heaps, NULL) != CS_OK)
                abort();
        check(t, &heaps.blocks);
        cs_heaps_deinit(&heaps);
        cs_claims_deinit(&claims);
        for (size_t i = 0; i < t->n; i++)
                if (t->mappings[i].module == CS_NO_MODULE &&
                    cs_space_set(t->space, t->mappings[i].range, CS_SPACE_OTHER, (uint32_t)i, NULL) != CS_OK)
                        abort();
}

/* The target of that layout; made once, for an address space is dear. */
static struct target *target(bool gap, bool unread)
{
        static struct target *targets[2][2];
        struct target *t = targets[gap][unread];
        if (t) {
                memset(t->bytes, 0, sizeof(t->bytes));
                return t;
        }
        t = targets[gap][unread] = calloc(1, sizeof(*t));
        if (!t)
                abort();
        lay_out(t, gap, unread);
        if (cs_core_source_create(t->bytes, sizeof(t->bytes), &t->core, &t->image.source, NULL) != CS_OK ||
            cs_symbols_create(&t->image, NULL, &t->symbols, NULL) != CS_OK ||
            cs_space_create(&t->image, t->symbols, &t->space, NULL) != CS_OK)
                abort();
        return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct cs_cursor c = cs_cursor_make(data, size);
        struct control control;
        const uint8_t *head = cs_cursor_take(&c, sizeof(control));
        if (!head)
                return 0;
        memcpy(&control, head, sizeof(control));
        row = (control.flags >> CONTROL_ROW_SHIFT & CONTROL_ROW_MASK) % cs_glibc_layout_count;
        struct target *t = target(control.flags & CONTROL_GAP, control.flags & CONTROL_UNREAD);
        t->image.kind = control.flags & CONTROL_LIVE ? CS_IMAGE_LIVE : CS_IMAGE_CORE;
        fill(t, MAIN, MAIN_BYTES, control.main_len, &c);
        fill(t, SECOND_FIRST, SECOND_BYTES - (SECOND_FIRST - SECOND), control.second_len, &c);
        if (control.flags & CONTROL_UNREAD)
                fill(t, THIRD + SECOND_FIRST - SECOND, SECOND_BYTES - (SECOND_FIRST - SECOND),
                     control.second_len, &c);
        fill(t, MAPPED, MAPPED_BYTES, MAPPED_BYTES, &c);
        plant(t, &control);
        walk(t);
        return 0;
}
