/* SPDX-License-Identifier: Apache-2.0 */
/* Up to the first newline: a regex; behind it: memory. What our reading of the regex finds places for, in windows of 64 bytes, must be what PCRE2 finds alone in
 * one piece. */
#include "rulefile.h"
#include "ruleset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 2048, HITS = TEXT + 1, WINDOW = 64 };

struct hits {
        size_t n;
        size_t start[HITS];
        size_t end[HITS];
        uint64_t base; /* of the window */
        unsigned limits;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum cs_status keep(void *context, const struct cs_found *found, struct cs_error *err)
{
        struct hits *h = context;
        (void)err;
        if (h->n == HITS)
                abort();
        h->start[h->n] = h->base + found->match.start;
        h->end[h->n++] = h->base + found->match.end;
        return CS_OK;
}

static bool search(const struct cs_rules *rules, enum cs_ruleset_way way, size_t window, const uint8_t *text,
                   size_t len, struct hits *out)
{
        struct cs_ruleset *set = NULL;
        struct cs_searcher *s = NULL;
        const struct cs_rule *culprit;
        out->n = 0;
        if (cs_ruleset_compile(rules, way, &set, &culprit, NULL) != CS_OK)
                return false;
        if (cs_searcher_create(set, &s, NULL) != CS_OK)
                abort();
        cs_searcher_begin(s);
        for (size_t at = 0; at < len; at += window) {
                size_t before = at < 1024 ? at : 1024, end = len - at < window ? len : at + window;
                struct cs_window w = { text + at - before, len - at + before, at - before, before,
                                       end - at + before,  before == at,      true };
                out->base = at - before;
                if (cs_searcher_run(s, &w, keep, out, NULL) != CS_OK)
                        abort();
        }
        out->limits = cs_searcher_limits(s, 0);
        cs_searcher_destroy(s);
        cs_ruleset_destroy(set);
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct hits alone, ours;
        const uint8_t *newline = memchr(data, '\n', size);
        char regex[256] = "";
        struct cs_rules rules = { 0 };
        if (!newline || newline == data || (size_t)(newline - data) >= sizeof(regex) ||
            memchr(data, 0, (size_t)(newline - data)))
                return 0;
        memcpy(regex, data, (size_t)(newline - data));
        const uint8_t *text = newline + 1;
        size_t len = size - (size_t)(text - data);
        if (len > TEXT)
                len = TEXT;
        if (cs_rules_add_grep(regex, &rules, NULL) != CS_OK)
                abort();
        bool compiles = search(&rules, CS_WAY_ALONE, TEXT, text, len, &alone);
        /* The best way is one of our own for most rules; Vectorscan's only where it is there. */
        for (enum cs_ruleset_way way = CS_WAY_BEST; compiles && way < CS_WAY_ALONE; way++) {
                if (!search(&rules, way, WINDOW, text, len, &ours) || alone.limits || ours.limits)
                        continue;
                if (alone.n != ours.n ||
                    memcmp(alone.start, ours.start, alone.n * sizeof(*alone.start)) != 0 ||
                    memcmp(alone.end, ours.end, alone.n * sizeof(*alone.end)) != 0) {
                        (void)fprintf(stderr, "%s: %zu hits instead of %zu\n", regex, ours.n, alone.n);
                        abort();
                }
        }
        cs_rules_deinit(&rules);
        return 0;
}
