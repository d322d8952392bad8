/* SPDX-License-Identifier: Apache-2.0 */
/* CPython's small objects: arenas of pymalloc, cut into pools, each with a header whose fields prove one another. Pools name
 * their arena by its place in a table that the interpreter's data points to; what the table and the pools say of each other
 * proves both, and then each arena is known as a whole. Pools of no arena in it (each subinterpreter has a table, since
 * 3.12) count one by one. CPython 2.7 to 3.14, Objects/obmalloc.c and (since 3.12) Include/internal/pycore_obmalloc.h:
 * struct pool_header, struct arena_object. */
#include "runtimes_all.h"

#include "bytes.h"
#include "marks.h"

enum {
        HEADER = 48, /* of a pool, rounded up to the step of the classes */
        AT_NEXT = 16,
        AT_PREV = 24,
        AT_ARENA = 32,
        AT_CLASS = 36,
        AT_NEXT_OFFSET = 40,
        AT_MAX_OFFSET = 44,
        LARGEST = 512, /* SMALL_REQUEST_THRESHOLD */
        RECORD = 48,   /* of the table: address, pool_address, nfreepools, ntotalpools, and three pointers */
        AT_POOL_ADDRESS = 8,
        AT_FREE_POOLS = 16,
        AT_ALL_POOLS = 20,
        FIRST_RECORDS = 16, /* INITIAL_ARENA_OBJECTS; the table is doubled when it is full */
        NO_ACCIDENT = 16,   /* so many pools are of the layout that was looked for */
        SAMPLE = 64,        /* pools that a table is tried with */
        FIRST_TRIES = 2,    /* the first of them that must not all fail, or nothing else is read */
};

/* POOL_SIZE, ARENA_SIZE, ALIGNMENT. */
static const struct layout {
        uint32_t pool, arena, step;
} layouts[] = {
        { 16 << 10, 1 << 20, 16 },  /* 3.10 and later, with the radix tree */
        { 4 << 10, 256 << 10, 16 }, /* 3.7 to 3.9 */
        { 4 << 10, 256 << 10, 8 },  /* 2.7 to 3.6 */
};

struct pool {
        uint64_t addr;
        uint32_t arena; /* place in the table */
};

typedef CS_VEC(struct pool) pool_vec;

struct search {
        const struct cs_runtime_input *in;
        struct cs_claims *claims;
        int32_t module;
        const struct layout *layout;
        pool_vec pools;
};

static bool pool_header(const struct cs_image *image, const uint8_t *at, const struct layout *layout)
{
        uint32_t class = cs_half(at + AT_CLASS), next = cs_half(at + AT_NEXT_OFFSET);
        if (class >= LARGEST / layout->step)
                return false;
        uint32_t size = (class + 1) * layout->step;
        if (cs_half(at + AT_MAX_OFFSET) != layout->pool - size || next < HEADER + size ||
            next > layout->pool || (next - HEADER) % size || cs_half(at) > (layout->pool - HEADER) / size)
                return false;
        /* A pool that was never in the ring of its class, or was taken out, keeps its old neighbours. */
        uint64_t after = cs_word(at + AT_NEXT), before = cs_word(at + AT_PREV);
        return (!after || cs_image_mapping_at(image, after)) &&
               (!before || cs_image_mapping_at(image, before));
}

static enum cs_status find_pools(struct search *s, struct cs_error *err)
{
        const struct cs_image *image = s->in->image;
        const uint64_t size = s->layout->pool;
        enum cs_status st = CS_OK;
        struct cs_view view;
        cs_view_init_hopping(&view, image->source);
        for (size_t i = 0; st == CS_OK && i < image->mappings.n; i++) {
                const struct cs_mapping *m = &image->mappings.at[i];
                if (!cs_marks_plain(m))
                        continue;
                uint64_t addr = (m->range.start + size - 1) & ~(size - 1);
                for (; st == CS_OK && cs_range_holds(m->range, addr, size); addr += size) {
                        size_t got;
                        const uint8_t *at = cs_view_whole(&view, addr, HEADER, &got);
                        if (got >= HEADER && pool_header(image, at, s->layout))
                                st = cs_vec_push(&s->pools, ((struct pool){ addr, cs_half(at + AT_ARENA) }),
                                                 err);
                }
        }
        cs_view_deinit(&view);
        return st;
}

enum record { RECORD_BAD, RECORD_UNUSED, RECORD_USED };

/* The arena at that place in the table. */
static enum record record_at(const struct search *s, uint64_t table, uint64_t place, struct cs_range *arena)
{
        uint8_t at[RECORD];
        const uint64_t pool = s->layout->pool;
        if (place > (UINT64_MAX - table) / RECORD ||
            !cs_source_exact(s->in->image->source, table + place * RECORD, at, sizeof(at)))
                return RECORD_BAD;
        uint64_t addr = cs_word(at), first = cs_word(at + AT_POOL_ADDRESS);
        if (!addr)
                return RECORD_UNUSED;
        /* A pool less where the arena is not aligned; nfreepools counts them down, pool_address up. */
        uint64_t all = s->layout->arena / pool - (addr % pool != 0);
        const struct cs_mapping *m = cs_image_mapping_at(s->in->image, addr);
        if (addr % CS_PAGE || !m || !cs_marks_plain(m) || !cs_range_holds(m->range, addr, s->layout->arena) ||
            cs_half(at + AT_ALL_POOLS) != all || cs_half(at + AT_FREE_POOLS) > all || first < addr ||
            first - addr > s->layout->arena || first % pool)
                return RECORD_BAD;
        *arena = (struct cs_range){ addr, addr + s->layout->arena };
        return RECORD_USED;
}

/* Is it the table? Of a sample of pools more than half lie in the arenas that they name. */
static bool is_table(const struct search *s, uint64_t table)
{
        size_t n = s->pools.n < SAMPLE ? s->pools.n : SAMPLE, held = 0;
        for (size_t i = 0; i < n && held + (n - i) > n / 2 && (held || i < FIRST_TRIES); i++) {
                const struct pool *p = &s->pools.at[i * s->pools.n / n];
                struct cs_range arena;
                held += record_at(s, table, p->arena, &arena) == RECORD_USED &&
                        cs_range_holds(arena, p->addr, s->layout->pool);
        }
        return held > n / 2;
}

/* `arenas` is a static variable, or since 3.12 in a static structure: the table is what some word of the interpreter's data points
 * to. 0: none. */
static uint64_t find_table(const struct search *s)
{
        const struct cs_image *image = s->in->image;
        struct cs_view view;
        uint64_t table = 0;
        cs_view_init_hopping(&view, image->source);
        for (size_t i = 0; !table && i < image->mappings.n; i++) {
                const struct cs_mapping *m = &image->mappings.at[i];
                if (m->module != s->module || !(m->perms & CS_PERM_WRITE))
                        continue;
                for (uint64_t addr = m->range.start; !table && addr < m->range.end; addr += CS_PAGE) {
                        size_t got;
                        const uint8_t *bytes = cs_view_at(&view, addr, CS_PAGE, &got);
                        for (size_t k = 0; !table && bytes && k + 8 <= got; k += 8) {
                                uint64_t word = cs_word(bytes + k);
                                if (word % 16 == 0 && cs_marks_mallocs_at(image, word) && is_table(s, word))
                                        table = word;
                        }
                }
        }
        cs_view_deinit(&view);
        return table;
}

static enum cs_status claim_arenas(const struct search *s, uint64_t table, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        uint64_t places = FIRST_RECORDS;
        struct cs_claim claim = { .kind = CS_KIND_PYTHON_HEAP,
                                  .module = s->module,
                                  .detail = "pymalloc arena" };
        for (uint64_t i = 0; table && st == CS_OK && i < places; i++) {
                enum record kind = record_at(s, table, i, &claim.range);
                if (kind == RECORD_BAD)
                        break;
                if (kind == RECORD_UNUSED)
                        continue;
                st = cs_claims_add(s->claims, claim, err);
                if (i >= places / 2)
                        places *= 2;
        }
        return st;
}

static enum cs_status claim_pools(const struct search *s, uint64_t table, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        struct cs_claim run = { .kind = CS_KIND_PYTHON_HEAP,
                                .module = s->module,
                                .detail = "pymalloc pools" };
        for (size_t i = 0; st == CS_OK && i < s->pools.n; i++) {
                const struct pool *p = &s->pools.at[i];
                struct cs_range arena;
                if (table && record_at(s, table, p->arena, &arena) == RECORD_USED &&
                    cs_range_holds(arena, p->addr, s->layout->pool))
                        continue;
                run.range = (struct cs_range){ p->addr, p->addr + s->layout->pool };
                st = cs_claims_extend(s->claims, run, err);
        }
        return st;
}

static void free_search(struct search *s)
{
        cs_vec_deinit(&s->pools);
}

enum cs_status cs_python_find(const struct cs_runtime_input *in, struct cs_claims *claims,
                              struct cs_error *err)
{
        static const char *const names[] = { "PyType_Type", "PyObject_Malloc", NULL };
        int32_t module = cs_marks_module(in, names);
        cs_cleanup(free_search) struct search best = { .in = in, .claims = claims, .module = module };
        for (size_t i = 0;
             module >= 0 && best.pools.n < NO_ACCIDENT && i < sizeof(layouts) / sizeof(*layouts); i++) {
                cs_cleanup(free_search) struct search s = best;
                s.layout = &layouts[i];
                s.pools = (pool_vec){ 0 };
                enum cs_status st = find_pools(&s, err);
                if (st != CS_OK)
                        return st;
                if (s.pools.n > best.pools.n) {
                        struct search worse = best;
                        best = s;
                        s = worse;
                }
        }
        if (!best.pools.n)
                return CS_OK;
        uint64_t table = find_table(&best);
        enum cs_status st = claim_arenas(&best, table, err);
        return st == CS_OK ? claim_pools(&best, table, err) : st;
}
