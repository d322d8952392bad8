/* SPDX-License-Identifier: Apache-2.0 */
#include "loose.h"

#include "cs_limits.h"
#include "filetype.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { EXAMPLES = 8 };

size_t cs_loose_most(const struct cs_loose *l)
{
        return cs_repeatreport_count(l->repeats) + l->twins->at.n + CS_LIMIT_PAYLOADS;
}

static const char *signature(const struct cs_describe *d, const char *what, uint64_t seed)
{
        return cs_pool_printf(d->pool, "%016" PRIx64,
                              (uint64_t)XXH3_64bits_withSeed(what, strlen(what), seed));
}

/* ---- pages that are the same -------------------------------------------------------------------------------------- */

static enum cs_status put_twin(const struct cs_describe *d, const struct cs_twin *t,
                               struct cs_report_cluster *out, struct cs_error *err)
{
        uint8_t page[CS_PAGE];
        uint64_t size = t->pages * CS_PAGE, hash = 0;
        *out = (struct cs_report_cluster){
                .kind = "pattern",
                .what = t->pages == 1
                                ? "identical pages"
                                : cs_pool_printf(d->pool, "identical runs of %" PRIu64 " pages", t->pages),
                .loose = true,
                .count = t->count,
                .in_use = t->count,
                .block_min = size,
                .block_max = size,
                .bytes = t->count * size,
                .resident = t->count * size,
                .examples = cs_pool_alloc(d->pool, t->n_at, sizeof(*out->examples))
        };
        if (!out->what || !out->examples)
                return cs_fail(err, CS_ENOMEM, "pages");
        memcpy(out->examples, t->at, t->n_at * sizeof(*out->examples));
        out->n_examples = t->n_at;
        if (cs_source_exact(d->image->source, t->at[0], page, sizeof(page))) {
                out->content = cs_content_name(cs_entropy_judge(page, sizeof(page)));
                hash = XXH3_64bits(page, sizeof(page));
        }
        out->signature = signature(d, out->what, hash);
        return out->signature ? CS_OK : cs_fail(err, CS_ENOMEM, "pages");
}

/* ---- mappings that begin like files ------------------------------------------------------------------------------- */

struct payloads {
        const struct cs_describe *d;
        const struct cs_loose *loose;
        struct cs_filetypes *types; /* opened when it is needed: that takes milliseconds */
        struct cs_report_cluster *out;
        size_t n;
        struct cs_report_cluster *records; /* one for each of the repeats */
};

/* Where the region's first bytes that are in use are: that is where a file would begin. */
static bool tell_type(struct payloads *p, const struct cs_region *r, uint64_t *at,
                      char type[CS_FILETYPE_TEXT])
{
        uint8_t bytes[CS_FILETYPE_BYTES];
        uint64_t nth = 0;
        size_t got = 0;
        *at = cs_residency_page(p->loose->residency, r->range, &nth);
        if (*at == UINT64_MAX ||
            cs_source_read(p->d->image->source, *at, bytes, sizeof(bytes), &got, NULL) != CS_OK)
                return false;
        /* Whoever maps memory may keep a record before what it is for: of 16 bytes, as malloc's own. */
        if (cs_filetype_tell(p->types, bytes, got, type))
                return true;
        *at += 16;
        return got > 16 && cs_filetype_tell(p->types, bytes + 16, got - 16, type);
}

/* Records in the region, which is a file of pages, are that type's; false where there are none. */
static bool type_records(struct payloads *p, uint32_t region, const char *type)
{
        const struct cs_repeats *repeats = p->loose->repeats;
        bool any = false;
        for (size_t i = 0; i < repeats->at.n; i++) {
                const struct cs_repeat_run *runs = &repeats->runs.at[repeats->at.at[i].first_run];
                bool here = false, elsewhere = false;
                for (size_t k = 0; k < repeats->at.at[i].n_runs; k++) {
                        here |= runs[k].region == region;
                        elsewhere |= runs[k].region != region;
                }
                any |= here;
                if (here && !elsewhere)
                        p->records[i].type = type;
        }
        return any;
}

/* The window at the region's start, judged as a whole. */
static const char *content_of(const struct payloads *p, uint64_t at)
{
        static uint8_t bytes[CS_PERIOD_NEAR];
        size_t got = 0;
        if (cs_source_read(p->d->image->source, at, bytes, sizeof(bytes), &got, NULL) != CS_OK || !got)
                return NULL;
        return cs_content_name(cs_entropy_judge(bytes, got));
}

static enum cs_status put_payload(struct payloads *p, const struct cs_region *r, uint64_t at,
                                  const char *type, struct cs_error *err)
{
        struct cs_report_cluster *c = p->out;
        uint64_t bytes = r->range.end - at;
        uint64_t resident = cs_residency_bytes(p->loose->residency, (struct cs_range){ at, r->range.end });
        while (c < p->out + p->n && strcmp(c->type, type) != 0)
                c++;
        if (c == p->out + p->n) {
                if (p->n == CS_LIMIT_PAYLOADS)
                        return CS_OK;
                p->n++;
                *c = (struct cs_report_cluster){ .kind = "pattern",
                                                 .what = cs_pool_printf(p->d->pool, "%s, mapped", type),
                                                 .type = type,
                                                 .loose = true,
                                                 .block_min = UINT64_MAX,
                                                 .content = content_of(p, at),
                                                 .examples = cs_pool_alloc(p->d->pool, EXAMPLES,
                                                                           sizeof(*c->examples)) };
                if (!c->what || !c->examples || !(c->signature = signature(p->d, c->what, 0)))
                        return cs_fail(err, CS_ENOMEM, "types of files");
        }
        c->count++;
        c->in_use++;
        c->bytes += bytes;
        c->resident += resident;
        c->block_min = bytes < c->block_min ? bytes : c->block_min;
        c->block_max = bytes > c->block_max ? bytes : c->block_max;
        if (c->n_examples < EXAMPLES)
                c->examples[c->n_examples++] = at;
        return CS_OK;
}

static enum cs_status find_payloads(struct payloads *p, const char **warning, struct cs_error *err)
{
        size_t asked = 0;
        enum cs_status st = CS_OK;
        struct cs_error why;
        for (uint32_t i = 0; st == CS_OK && i < p->loose->regions->at.n && asked < CS_LIMIT_CONTENTS; i++) {
                const struct cs_region *r = &p->loose->regions->at.at[i];
                char type[CS_FILETYPE_TEXT];
                uint64_t at;
                if (!cs_repeats_candidate(r))
                        continue;
                if (!p->types && cs_filetypes_open(&p->types, &why) != CS_OK) {
                        *warning = cs_pool_printf(p->d->pool, "no types of files are told in memory: %s",
                                                  why.text);
                        return *warning ? CS_OK : cs_fail(err, CS_ENOMEM, "warning");
                }
                asked++;
                if (!tell_type(p, r, &at, type))
                        continue;
                const char *kept = cs_pool_copy(p->d->pool, type, strlen(type));
                if (!kept)
                        st = cs_fail(err, CS_ENOMEM, "types of files");
                else if (!type_records(p, i, kept))
                        st = put_payload(p, r, at, kept, err);
        }
        return st;
}

/* ---- all of it ---------------------------------------------------------------------------------------------------- */

static int by_resident(const void *a, const void *b)
{
        const struct cs_report_cluster *x = a, *y = b;
        if (x->resident != y->resident)
                return x->resident > y->resident ? -1 : 1;
        if (x->bytes != y->bytes)
                return x->bytes > y->bytes ? -1 : 1;
        return x->examples[0] < y->examples[0] ? -1 : x->examples[0] > y->examples[0];
}

enum cs_status cs_loose_build(const struct cs_describe *d, const struct cs_loose *loose, uint32_t first,
                              size_t detail, struct cs_report_cluster *out, size_t *n, const char **warning,
                              struct cs_error *err)
{
        size_t made = cs_repeatreport_count(loose->repeats);
        *n = 0;
        *warning = NULL;
        enum cs_status st = cs_repeatreport_build(d, loose->repeats, loose->regions, detail, out, err);
        for (size_t i = 0; st == CS_OK && i < loose->twins->at.n; i++)
                st = put_twin(d, &loose->twins->at.at[i], &out[made++], err);
        struct payloads p = { .d = d, .loose = loose, .out = out + made, .records = out };
        if (st == CS_OK)
                st = find_payloads(&p, warning, err);
        cs_filetypes_close(p.types);
        made += p.n;
        if (st != CS_OK)
                return st;
        if (made)
                qsort(out, made, sizeof(*out), by_resident);
        for (size_t i = 0; i < made; i++)
                if (!(out[i].id = cs_describe_id(d->pool, first + (uint32_t)i)))
                        return cs_fail(err, CS_ENOMEM, "clusters");
        *n = made;
        return CS_OK;
}
