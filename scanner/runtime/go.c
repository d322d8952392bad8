/* SPDX-License-Identifier: Apache-2.0 */
/* Go's heap: a program built by Go says so in its data (debug/buildinfo: "\xff Go buildinf:", aligned to 16), stripped or not; its
 * arenas of 64 MiB are asked for at 0xc0 << 32, and where that is taken, at 0x1c0 << 32 and so on (runtime/malloc.go, mallocinit,
 * sysAlloc: Go 1.11 to 1.25, linux/amd64), where the kernel puts nothing by itself, and grow upwards from there. */
#include "runtimes_all.h"

#include "go_records.h"
#include "marks.h"

#include <string.h>

enum { MARK = 14, MARK_ALIGN = 16, SEARCHED = 64 << 20 };

/* Does a module's memory hold the mark? What is mapped of it: data first of all, where the linkers put it. */
static bool built_by_go(const struct cs_runtime_input *in, int32_t module)
{
        static const char mark[MARK + 1] = "\xff Go buildinf:";
        struct cs_view view;
        bool found = false;
        cs_view_init_hopping(&view, in->image->source);
        for (size_t i = 0; !found && i < in->image->mappings.n; i++) {
                const struct cs_mapping *m = &in->image->mappings.at[i];
                if (m->module != module || m->perms & CS_PERM_EXEC || !m->file_backed ||
                    cs_range_size(m->range) > SEARCHED)
                        continue;
                for (uint64_t at = (m->range.start + 15) & ~UINT64_C(15), size; !found && at < m->range.end;
                     at += size) {
                        size_t got;
                        const uint8_t *bytes = cs_view_at(&view, at, CS_PAGE, &got);
                        size = CS_PAGE - at % CS_PAGE;
                        for (size_t k = 0; !found && bytes && k + MARK <= got && k < size; k += MARK_ALIGN)
                                found = memcmp(bytes + k, mark, MARK) == 0;
                }
        }
        cs_view_deinit(&view);
        return found;
}

/* 0xc0 << 32 in some terabyte. */
static bool hinted(uint64_t addr)
{
        return (addr & ((UINT64_C(1) << 40) - 1)) == UINT64_C(0xc0) << 32;
}

/* All that is mapped on from a place where arenas begin. */
static enum cs_status claim_arenas(const struct cs_runtime_input *in, int32_t module,
                                   struct cs_claims *claims, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        uint64_t reached = 0;
        for (size_t i = 0; st == CS_OK && i < in->image->mappings.n; i++) {
                const struct cs_mapping *m = &in->image->mappings.at[i];
                if (hinted(m->range.start))
                        reached = m->range.start;
                if (m->range.start != reached)
                        continue;
                reached = m->range.end;
                if (cs_marks_plain(m))
                        st = cs_claims_add(claims,
                                           (struct cs_claim){ m->range, CS_KIND_GO_HEAP, module, "Go heap",
                                                              0 },
                                           err);
        }
        return st;
}

enum cs_status cs_go_find(const struct cs_runtime_input *in, struct cs_claims *claims, struct cs_error *err)
{
        size_t from = claims->at.n;
        bool any = false;
        for (size_t i = 0; i < in->image->mappings.n; i++)
                any |= hinted(in->image->mappings.at[i].range.start);
        for (size_t m = 0; any && m < in->image->modules.n; m++)
                if (!in->image->modules.at[m].runtime && built_by_go(in, (int32_t)m)) {
                        enum cs_status st = claim_arenas(in, (int32_t)m, claims, err);
                        return st == CS_OK ? cs_go_records(in, (int32_t)m, from, claims, err) : st;
                }
        return CS_OK;
}
