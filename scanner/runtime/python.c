/* SPDX-License-Identifier: Apache-2.0 */
/* CPython's small objects: pools of pymalloc, each with a header whose fields prove one another (CPython,
 * Objects/obmalloc.c, struct pool_header). */
#include "runtimes_all.h"

#include "bytes.h"
#include "marks.h"

enum {
        HEADER = 48,
        CLASSES = 32, /* of 16 bytes each: up to 512 bytes */
        AT_NEXT = 16,
        AT_PREV = 24,
        AT_CLASS = 36,
        AT_NEXT_OFFSET = 40,
        AT_MAX_OFFSET = 44,
};

/* POOL_SIZE: 3.10 and later with the radix tree; before. */
static const uint32_t pool_sizes[] = { 16384, 4096 };

static bool pool_header(const struct cs_image *image, const uint8_t *at, uint32_t pool)
{
        uint32_t class = cs_half(at + AT_CLASS), next = cs_half(at + AT_NEXT_OFFSET);
        if (class >= CLASSES)
                return false;
        uint32_t size = (class + 1) * 16;
        if (cs_half(at + AT_MAX_OFFSET) != pool - size || next < HEADER + size || next > pool ||
            (next - HEADER) % size || cs_half(at) > (pool - HEADER) / size)
                return false;
        /* A pool that was never in the ring of its class, or was taken out, keeps its old neighbours. */
        uint64_t after = cs_word(at + AT_NEXT), before = cs_word(at + AT_PREV);
        return (!after || cs_image_mapping_at(image, after)) &&
               (!before || cs_image_mapping_at(image, before));
}

static enum cs_status claim_pools(const struct cs_runtime_input *in, int32_t module, uint32_t pool,
                                  struct cs_claims *claims, size_t *found, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        struct cs_view view;
        cs_view_init_hopping(&view, in->image->source);
        for (size_t i = 0; st == CS_OK && i < in->image->mappings.n; i++) {
                const struct cs_mapping *m = &in->image->mappings.at[i];
                if (!cs_marks_plain(m))
                        continue;
                struct cs_claim claim = { .kind = CS_KIND_PYTHON_HEAP,
                                          .module = module,
                                          .detail = "pymalloc pools" };
                uint64_t addr = (m->range.start + pool - 1) & ~(uint64_t)(pool - 1);
                for (; st == CS_OK && cs_range_holds(m->range, addr, pool); addr += pool) {
                        size_t got;
                        const uint8_t *at = cs_view_whole(&view, addr, HEADER, &got);
                        if (got < HEADER || !pool_header(in->image, at, pool))
                                continue;
                        (*found)++;
                        if (claim.range.end != addr) {
                                st = cs_claims_add(claims, claim, err);
                                claim.range.start = addr;
                        }
                        claim.range.end = addr + pool;
                }
                if (st == CS_OK)
                        st = cs_claims_add(claims, claim, err);
        }
        cs_view_deinit(&view);
        return st;
}

enum cs_status cs_python_find(const struct cs_runtime_input *in, struct cs_claims *claims,
                              struct cs_error *err)
{
        static const char *const names[] = { "PyType_Type", "PyObject_Malloc", "_PyRuntime", NULL };
        int32_t module = cs_marks_module(in, names);
        enum cs_status st = CS_OK;
        size_t found = 0;
        for (size_t i = 0;
             module >= 0 && st == CS_OK && !found && i < sizeof(pool_sizes) / sizeof(*pool_sizes); i++)
                st = claim_pools(in, module, pool_sizes[i], claims, &found, err);
        return st;
}
