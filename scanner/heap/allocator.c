/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator.h"

bool cs_allocator_plain(const struct cs_image *image, uint64_t addr)
{
        const struct cs_mapping *m = cs_image_mapping_at(image, addr);
        return m && m->perms & CS_PERM_WRITE && !m->file_backed && m->module == CS_NO_MODULE;
}

static bool is_free(const struct cs_slots *s, uint64_t i)
{
        return s->freed[i / 64] >> (i % 64) & 1;
}

enum cs_status cs_allocator_claim_slots(struct cs_claims *claims, const struct cs_slots *slots,
                                        int32_t module, const char *used, const char *freed,
                                        struct cs_error *err)
{
        struct cs_claim claim = { .kind = CS_KIND_MALLOC_USED, .module = module, .detail = used };
        enum cs_status st = CS_OK;
        claim.range.start = slots->range.start;
        for (uint64_t i = 0; st == CS_OK && i < slots->n;) {
                uint64_t from = i;
                while (i < slots->n && is_free(slots, i))
                        i++;
                struct cs_range run = { slots->first + from * slots->size, slots->first + i * slots->size };
                if (cs_range_size(run) >= CS_PAGE) {
                        claim.range.end = run.start;
                        st = cs_claims_extend(claims, claim, err);
                        struct cs_claim unused = { run, CS_KIND_MALLOC_FREE, module, freed, 0 };
                        if (st == CS_OK)
                                st = cs_claims_extend(claims, unused, err);
                        claim.range.start = run.end;
                }
                i += from == i;
        }
        claim.range.end = slots->range.end;
        return st == CS_OK ? cs_claims_extend(claims, claim, err) : st;
}
