/* SPDX-License-Identifier: Apache-2.0 */
#include "rulebuilder.h"

#include "cs_limits.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BASE = 0x1000 };

struct cs_rule *rule_add_bytes(struct cs_rules *rules, const char *regex, size_t len)
{
        struct cs_rule rule = { .regex = cs_pool_copy(&rules->pool, regex, len),
                                .regex_len = len,
                                .flags = CS_REGEX_MULTILINE,
                                .id = cs_pool_printf(&rules->pool, "r%zu", rules->at.n) };
        assert(rule.regex && rule.id);
        enum cs_status st = cs_vec_push(&rules->at, rule, NULL);
        assert(st == CS_OK);
        return &rules->at.at[rules->at.n - 1];
}

struct cs_rule *rule_add(struct cs_rules *rules, const char *regex)
{
        return rule_add_bytes(rules, regex, strlen(regex));
}

struct cs_strings rule_strings(struct cs_rules *rules, ...)
{
        struct cs_strings out = { 0 };
        const char **at = cs_pool_alloc(&rules->pool, 16, sizeof(*at));
        va_list args;
        va_start(args, rules);
        for (const char *s; (s = va_arg(args, const char *)) != NULL;) {
                assert(out.n < 16);
                at[out.n++] = s;
        }
        va_end(args);
        out.at = at;
        return out;
}

struct search {
        struct found_hits *hits;
        const struct cs_window *window;
};

static enum cs_status on_found(void *context, const struct cs_found *f, struct cs_error *err)
{
        struct search *s = context;
        uint64_t base = s->window->address - BASE;
        struct found_hit hit = { f->rule, base + f->match.start, base + f->match.end, base + f->secret.start,
                                 base + f->secret.end };
        return cs_vec_push(&s->hits->at, hit, err);
}

static int by_place(const void *a, const void *b)
{
        const struct found_hit *x = a, *y = b;
        if (x->start != y->start)
                return x->start < y->start ? -1 : 1;
        return x->rule < y->rule ? -1 : x->rule > y->rule;
}

/* As a worker sees it: no more bytes than the contract asks for. */
static void run_windows(struct cs_searcher *s, struct search *search, const uint8_t *bytes, size_t len,
                        size_t from, size_t to, size_t window)
{
        size_t before = CS_LIMIT_CONTEXT_BYTES, behind = CS_LIMIT_MATCH_BYTES + CS_LIMIT_CONTEXT_BYTES;
        for (size_t at = from; at < to; at += window) {
                size_t own_end = to - at < window ? to : at + window;
                size_t start = at < before ? 0 : at - before,
                       end = len - own_end < behind ? len : own_end + behind;
                struct cs_window w = { bytes + start,   end - start, BASE + start, at - start,
                                       own_end - start, start == 0,  end == len };
                search->window = &w;
                enum cs_status st = cs_searcher_run(s, &w, on_found, search, NULL);
                assert(st == CS_OK);
        }
}

struct found_hits rules_search(const struct cs_rules *rules, enum cs_ruleset_way way, const void *bytes,
                               size_t len, size_t window, size_t unit)
{
        struct found_hits hits = { 0 };
        struct search search = { .hits = &hits };
        struct cs_ruleset *set = NULL;
        struct cs_searcher *s = NULL;
        const struct cs_rule *culprit;
        struct cs_error err = { 0 };
        enum cs_status st = cs_ruleset_compile(rules, way, &set, &culprit, &err);
        if (st != CS_OK)
                (void)fprintf(stderr, "%s\n", err.text);
        assert(st == CS_OK);
        st = cs_searcher_create(set, &s, NULL);
        assert(st == CS_OK);
        if (!unit)
                unit = len;
        uint64_t *carried = calloc(rules->at.n + 1, sizeof(*carried));
        assert(carried);
        for (size_t at = 0; at < len; at += unit) {
                size_t end = len - at < unit ? len : at + unit;
                cs_searcher_begin(s);
                for (uint32_t r = 0; r < rules->at.n; r++)
                        cs_searcher_resume(s, r, carried[r]);
                run_windows(s, &search, bytes, len, at, end, window);
                uint64_t until;
                for (uint32_t r = 0; cs_searcher_carried(s, BASE + end, &r, &until); r++)
                        carried[r] = until;
        }
        for (uint32_t r = 0; r < rules->at.n; r++)
                hits.limits |= cs_searcher_limits(s, r);
        if (hits.at.n)
                qsort(hits.at.at, hits.at.n, sizeof(*hits.at.at), by_place);
        free(carried);
        cs_searcher_destroy(s);
        cs_ruleset_destroy(set);
        return hits;
}

void found_hits_deinit(struct found_hits *hits)
{
        cs_vec_deinit(&hits->at);
}

const char *hits_text(const struct found_hits *hits)
{
        static char text[4096];
        size_t used = 0;
        text[0] = '\0';
        for (size_t i = 0; i < hits->at.n && used + 64 < sizeof(text); i++) {
                const struct found_hit *h = &hits->at.at[i];
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%sr%u@%" PRIu64 "+%" PRIu64,
                                         i ? " " : "", h->rule, h->start, h->end - h->start);
        }
        return text;
}

unsigned roll(unsigned below)
{
        static uint64_t seed = 88172645463325252u;
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        return (unsigned)(seed >> 11) % below;
}
