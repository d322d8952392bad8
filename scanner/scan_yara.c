/* SPDX-License-Identifier: Apache-2.0 */
#include "scan_yara.h"

#include "cs_limits.h"
#include "scan_window.h"
#include "yara_rules.h"

#include <stdlib.h>

enum { BLOCK_BYTES = 8 << 20 };

struct walk {
        cs_range_vec ranges;
        size_t range;
        uint64_t at;
        struct cs_scan_reader reader;
        struct cs_scan_yara *out;
        uint32_t first; /* number of the file's first rule */
        struct cs_error *err;
        enum cs_status status; /* of reading */
};

void cs_scan_yara_deinit(struct cs_scan_yara *out)
{
        cs_vec_deinit(&out->hits);
        cs_pool_deinit(&out->texts);
}

/* Windows overlap by what a match may have; libyara takes a match at one address for one. */
static bool next_block(void *context, struct cs_yara_block *block)
{
        struct walk *w = context;
        while (w->range < w->ranges.n && w->status == CS_OK) {
                struct cs_window window;
                bool found = false;
                w->reader.bounds = w->ranges.at[w->range];
                if (w->at < w->reader.bounds.start)
                        w->at = w->reader.bounds.start;
                w->status = cs_scan_next(&w->reader, &w->at, w->reader.bounds.end, &window, &found, w->err);
                if (w->status == CS_OK && found) {
                        *block = (struct cs_yara_block){ window.address, window.bytes, window.len };
                        w->out->bytes += window.own_end - window.own_start;
                        return true;
                }
                w->range++;
        }
        return false;
}

static enum cs_status on_match(void *context, const struct cs_yara_match *match, struct cs_error *err)
{
        struct walk *w = context;
        struct cs_scan_yara *out = w->out;
        if (out->hits.n >= CS_LIMIT_HITS_WAITING) {
                out->left_out++;
                return CS_OK;
        }
        struct cs_scan_hit hit = { .address = match->address,
                                   .length = match->length,
                                   .rule = w->first + (uint32_t)match->rule,
                                   .text_len = (uint32_t)match->text_len,
                                   .text = (const uint8_t *)cs_pool_copy(&out->texts, match->text,
                                                                         match->text_len),
                                   .secret = match->address,
                                   .secret_length = match->length };
        return hit.text ? cs_vec_push(&out->hits, hit, err) : cs_fail(err, CS_ENOMEM, "hits");
}

static int by_place(const void *a, const void *b)
{
        const struct cs_scan_hit *x = a, *y = b;
        if (x->address != y->address)
                return x->address < y->address ? -1 : 1;
        if (x->rule != y->rule)
                return x->rule < y->rule ? -1 : 1;
        return x->length < y->length ? -1 : x->length > y->length;
}

static void walk_deinit(struct walk *w)
{
        cs_vec_deinit(&w->ranges);
        cs_scan_reader_deinit(&w->reader);
}

enum cs_status cs_scan_yara(const struct cs_scan_input *input, const struct cs_rules *rules,
                            struct cs_scan_yara *out, struct cs_error *err)
{
        cs_cleanup(walk_deinit) struct walk w = { .out = out, .err = err };
        enum cs_status st = CS_OK;
        if (!rules->yara.n)
                return CS_OK;
        w.reader = (struct cs_scan_reader){ .source = input->image->source,
                                            .residency = { .residency = input->residency },
                                            .skips_zeros = true,
                                            .own = BLOCK_BYTES };
        if ((st = cs_scan_plan(input->image, input->regions, &w.ranges, err)) != CS_OK)
                return st;
        for (size_t i = 0; i < rules->yara.n; i++) {
                bool limited = false;
                w.range = 0;
                w.at = 0;
                w.first = rules->yara.at[i].first;
                st = cs_yara_scan(rules->yara.at[i].yara, next_block, on_match, &w, &limited, err);
                out->limited |= limited || st == CS_ELIMIT;
                if (w.status != CS_OK || (st != CS_OK && st != CS_ELIMIT))
                        return w.status != CS_OK ? w.status : st;
        }
        if (out->hits.n)
                qsort(out->hits.at, out->hits.n, sizeof(*out->hits.at), by_place);
        return CS_OK;
}
