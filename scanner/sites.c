/* SPDX-License-Identifier: Apache-2.0 */
#include "sites.h"

#include "bytes.h"

#include <string.h>

enum {
        VIEW = 64 << 10,
        MOV_ESI = 0xbe, /* mov $imm32,%esi; 0xbf: %edi (Intel SDM, vol. 2: MOV, opcode B8 + register) */
        MOV_EDI = 0xbf,
        MOV_BYTES = 5,
        CALL = 0xe8,    /* call rel32 */
        GROUP5 = 0xff,  /* with /2 in the next byte: call of what lies in memory or in a register */
        CALL_SOON = 40, /* bytes from the constant to the call, at most: a few moves and a lea */
        WINDOW = MOV_BYTES + CALL_SOON + 2,
        VARIANTS = CS_SITES_UP_TO / CS_BLOCK_UNIT,
        CHUNK_HEADER = 8, /* glibc 2.36, malloc/malloc.c: request2size() */
        CHUNK_LEAST = 32,
};

struct search {
        const uint64_t *sizes;
        size_t n_sizes;
        struct cs_sites *out;
        uint64_t *first;    /* per size: where this module asks for it, or 0 */
        uint64_t *variants; /* a bit per size that this module asks for */
        struct cs_view view;
};

static void search_deinit(struct search *s)
{
        free(s->first);
        free(s->variants);
        cs_view_deinit(&s->view);
}

/* The chunk that glibc hands out for a request, or 0 where nobody looks for so much. */
static uint64_t chunk_of(uint32_t request)
{
        uint64_t size =
                ((uint64_t)request + CHUNK_HEADER + CS_BLOCK_UNIT - 1) & ~(uint64_t)(CS_BLOCK_UNIT - 1);
        if (!request || size > CS_SITES_UP_TO)
                return 0;
        return size < CHUNK_LEAST ? (uint64_t)CHUNK_LEAST : size;
}

/* Is a call begun in these bytes, as far as one can tell without decoding what stands before? */
static bool calls_soon(const uint8_t *at, size_t len)
{
        for (size_t i = 0; i < CALL_SOON && i + 2 <= len; i++) {
                if (at[i] == CALL)
                        return true;
                if (at[i] == GROUP5 && (at[i + 1] >> 3 & 7) == 2)
                        return true;
        }
        return false;
}

static size_t size_index(const struct search *s, uint64_t size)
{
        size_t lo = 0, hi = s->n_sizes;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (s->sizes[mid] < size)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo < s->n_sizes && s->sizes[lo] == size ? lo : SIZE_MAX;
}

static void look(struct search *s, uint64_t addr, const uint8_t *bytes, size_t len)
{
        for (size_t i = 0; i + MOV_BYTES < len; i++) {
                if ((bytes[i] & ~1) != MOV_ESI)
                        continue;
                uint64_t size = chunk_of(cs_half(bytes + i + 1));
                if (!size || !calls_soon(bytes + i + MOV_BYTES, len - i - MOV_BYTES))
                        continue;
                uint64_t unit = size / CS_BLOCK_UNIT - 1;
                s->variants[unit / 64] |= UINT64_C(1) << (unit % 64);
                size_t k = size_index(s, size);
                if (k != SIZE_MAX && !s->first[k])
                        s->first[k] = addr + i;
        }
}

static void look_through(struct search *s, struct cs_range range)
{
        for (uint64_t at = range.start; at < range.end;) {
                size_t got;
                size_t want = range.end - at < VIEW ? (size_t)(range.end - at) : VIEW;
                const uint8_t *bytes = cs_view_at(&s->view, at, want, &got);
                if (!bytes) {
                        at = cs_view_past_gap(&s->view, at, range.end);
                        continue;
                }
                look(s, at, bytes, got);
                /* What begins within the last bytes of a view is seen again in the next. */
                at += got > WINDOW && got == want && at + got < range.end ? got - WINDOW + 1 : got;
        }
}

static enum cs_status note_module(struct search *s, uint32_t module, struct cs_error *err)
{
        uint32_t variants = 0;
        enum cs_status st = CS_OK;
        for (size_t i = 0; i < VARIANTS / 64; i++)
                variants += cs_popcount(s->variants[i]);
        for (size_t k = 0; st == CS_OK && k < s->n_sizes; k++) {
                struct cs_site found = { s->sizes[k], s->first[k], module, variants };
                if (found.addr)
                        st = cs_vec_push(&s->out->at, found, err);
        }
        return st;
}

static int by_size(const void *a, const void *b)
{
        const struct cs_site *x = a, *y = b;
        if (x->size != y->size)
                return x->size < y->size ? -1 : 1;
        return x->module < y->module ? -1 : x->module > y->module;
}

enum cs_status cs_sites_find(const struct cs_image *image, const struct cs_space *space,
                             const uint64_t *sizes, size_t n_sizes, struct cs_sites *out,
                             struct cs_error *err)
{
        cs_cleanup(search_deinit) struct search s = { .sizes = sizes, .n_sizes = n_sizes, .out = out };
        enum cs_status st = CS_OK;
        cs_view_init(&s.view, image->source);
        s.first = calloc(n_sizes + 1, sizeof(*s.first));
        s.variants = calloc(VARIANTS / 64 + 1, sizeof(*s.variants));
        if (!s.first || !s.variants)
                return cs_fail(err, CS_ENOMEM, "places that ask for %zu sizes", n_sizes);
        for (uint32_t m = 0; st == CS_OK && m < space->n_modules; m++) {
                const struct cs_space_module *module = &space->modules[m];
                if (!module->maker)
                        continue;
                memset(s.first, 0, n_sizes * sizeof(*s.first));
                memset(s.variants, 0, VARIANTS / 8);
                for (size_t i = 0; i < module->n_sections; i++)
                        if (module->sections[i].part == CS_PART_TEXT)
                                look_through(&s, module->sections[i].range);
                st = note_module(&s, m, err);
        }
        if (out->at.n)
                qsort(out->at.at, out->at.n, sizeof(*out->at.at), by_size);
        return st;
}

void cs_sites_deinit(struct cs_sites *sites)
{
        cs_vec_deinit(&sites->at);
}

const struct cs_site *cs_sites_at(const struct cs_sites *sites, uint64_t size, uint32_t module)
{
        struct cs_site key = { .size = size, .module = module };
        return sites->at.n ? bsearch(&key, sites->at.at, sites->at.n, sizeof(key), by_size) : NULL;
}
