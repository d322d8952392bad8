/* SPDX-License-Identifier: Apache-2.0 */
#include "needle.h"

#include "cs_limits.h"

#include <math.h>
#include <string.h>

enum {
        RUN_MOST = 2 * CS_NEEDLE_MOST, /* sets of one run that are kept; the rest begins another */
        DEPTH_MOST = 40,               /* alternatives within alternatives */
};

/* Fewer bits than these are no gain over the regex alone. */
static const double bits_worth = 9;

/* How often a byte is found in memory: of heaps of servers, by tenths of thousandths, roughly. */
static double share_of(uint8_t byte)
{
        if (byte == 0)
                return 0.25;
        if (byte == 0xff)
                return 0.03;
        if ((byte >= 'a' && byte <= 'z') || byte == ' ')
                return 0.014;
        if ((byte >= '0' && byte <= '9'))
                return 0.007;
        if ((byte >= 'A' && byte <= 'Z') || (byte >= '-' && byte <= '/') || byte == '_')
                return 0.004;
        return 0.0015;
}

double cs_byteset_share(const struct cs_byteset *set)
{
        double share = 0;
        for (unsigned i = 0; i < 4; i++)
                for (uint64_t word = set->word[i]; word; word &= word - 1)
                        share += share_of((uint8_t)(i * 64 + (unsigned)__builtin_ctzll(word)));
        return share < 1 ? share : 1;
}

static double bits_of(const struct cs_byteset *set)
{
        return -log2(cs_byteset_share(set));
}

/* The byte that it is, but for its case; false: it is more than one. */
static bool one_byte(const struct cs_byteset *set, uint8_t *byte)
{
        unsigned n = cs_byteset_count(set), first = 0;
        if (n == 0 || n > 2)
                return false;
        while (!cs_byteset_has(set, (uint8_t)first))
                first++;
        *byte = cs_byte_fold((uint8_t)first);
        return n == 1 || (*byte != first && cs_byteset_has(set, *byte));
}

uint32_t cs_needle_key(const struct cs_needle *needle, uint32_t *first)
{
        uint32_t best = 0, run = 0;
        uint8_t byte;
        for (uint32_t i = 0; i < needle->len; i++) {
                run = one_byte(&needle->at[i], &byte) ? run + 1 : 0;
                if (run > best && best < 4) {
                        best = run;
                        *first = i + 1 - run;
                }
        }
        return best;
}

bool cs_needle_keep(const struct cs_needle *needle, struct cs_pool *pool, struct cs_needle *out)
{
        struct cs_byteset *sets = cs_pool_alloc(pool, needle->len, sizeof(*sets));
        if (!sets)
                return false;
        memcpy(sets, needle->at, needle->len * sizeof(*sets));
        *out = *needle;
        out->at = sets;
        return true;
}

bool cs_needle_is(const struct cs_needle *needle, const uint8_t *bytes)
{
        for (uint32_t i = 0; i < needle->len; i++)
                if (!cs_byteset_has(&needle->at[i], bytes[i]))
                        return false;
        return true;
}

/* ---- the best of a tree ------------------------------------------------------------------------------------------ */

/* Sets that follow each other for certain, and where they begin from the beginning of the match on. */
struct run {
        struct cs_byteset at[RUN_MOST];
        double bits[RUN_MOST];
        uint32_t len;
        uint32_t from_least;
        uint32_t from_most; /* or CS_ENDLESS */
        struct cs_byteset before;
};

struct search {
        struct cs_pool *pool;
        bool literal;
        unsigned depth;
        bool no_memory;
        uint32_t least, most;     /* bytes passed so far */
        struct cs_byteset passed; /* which ones */
        struct run run;
        struct cs_needles best;
};

static uint32_t add(uint32_t a, uint32_t b)
{
        return a > CS_ENDLESS - b ? CS_ENDLESS : a + b;
}

/* Needles that are rare enough are all the same: then it counts how near the match's beginning is known. */
static double worth_of(double bits, uint32_t back_least, uint32_t back_most)
{
        static const double rare = 36;
        uint32_t spread = back_most > back_least ? back_most - back_least : 0;
        if (spread > CS_LIMIT_MATCH_BYTES)
                spread = CS_LIMIT_MATCH_BYTES;
        return (bits < rare ? bits : rare) - log2(1 + (double)spread);
}

/* A new run begins where the search stands. */
static void begin_run(struct search *s)
{
        s->run.len = 0;
        s->run.from_least = s->least;
        s->run.from_most = s->most;
        s->run.before = s->passed;
}

static void keep_needle(struct search *s, uint32_t first, uint32_t len, double bits)
{
        const struct run *run = &s->run;
        struct cs_needle *n = cs_pool_alloc(s->pool, 1, sizeof(*n));
        struct cs_byteset *sets = cs_pool_alloc(s->pool, len, sizeof(*sets));
        if (!n || !sets) {
                s->no_memory = true;
                return;
        }
        memcpy(sets, &run->at[first], len * sizeof(*sets));
        uint32_t most = add(run->from_most, first), bound = CS_LIMIT_MATCH_BYTES;
        n->at = sets;
        n->len = len;
        n->back_least = (int32_t)((run->from_least < bound ? run->from_least : bound) + first + len);
        n->back_most = (int32_t)((most < bound ? most : bound) + len);
        if (n->back_most < n->back_least) /* such a match would be too long to be one */
                n->back_most = n->back_least;
        n->before = run->before;
        for (uint32_t i = 0; i < first; i++)
                cs_byteset_join(&n->before, &run->at[i]);
        s->best = (struct cs_needles){ n, 1, bits, worth_of(bits, run->from_least, run->from_most) };
}

/* Where a needle may end: the part of the run with most bits. */
static void end_run(struct search *s)
{
        const struct run *run = &s->run;
        double best = 0;
        uint32_t best_first = 0, best_len = 0;
        for (uint32_t first = 0; first < run->len; first++) {
                double bits = 0;
                for (uint32_t len = 1; len <= CS_NEEDLE_MOST && first + len <= run->len; len++) {
                        struct cs_needle probe = { .at = &run->at[first], .len = len };
                        uint32_t key_first, key = 4;
                        bits += run->bits[first + len - 1];
                        if (bits <= best + 0.01)
                                continue;
                        if (s->literal) {
                                key = cs_needle_key(&probe, &key_first);
                                if (key < 2 && run->bits[first] < bits_worth)
                                        continue;
                        }
                        best = bits;
                        best_first = first;
                        best_len = len;
                }
        }
        double worth = worth_of(best, run->from_least, run->from_most);
        if (best_len && best >= bits_worth && (!s->best.n || worth > s->best.worth))
                keep_needle(s, best_first, best_len, best);
        begin_run(s);
}

static void pass_bytes(struct search *s, uint32_t least, uint32_t most, const struct cs_byteset *set)
{
        s->least = add(s->least, least);
        s->most = add(s->most, most);
        cs_byteset_join(&s->passed, set);
}

static void add_set(struct run *run, const struct cs_byteset *set)
{
        bool again = run->len && memcmp(&run->at[run->len - 1], set, sizeof(*set)) == 0;
        run->at[run->len] = *set;
        run->bits[run->len] = again ? run->bits[run->len - 1] : bits_of(set);
        run->len++;
}

static void put_set(struct search *s, const struct cs_byteset *set)
{
        if (s->run.len == RUN_MOST)
                end_run(s);
        add_set(&s->run, set);
        pass_bytes(s, 1, 1, set);
}

static void search_part(struct search *s, const struct cs_syntax *n);

static void search_repeat(struct search *s, const struct cs_syntax *n)
{
        const struct cs_syntax *part = n->part;
        if (n->max == 0)
                return;
        if (part->kind == CS_SYNTAX_SET) {
                uint32_t copies = n->min < CS_NEEDLE_MOST ? n->min : CS_NEEDLE_MOST;
                for (uint32_t i = 0; i < copies; i++)
                        put_set(s, &part->set);
                if (n->min == n->max && n->min == copies)
                        return;
                end_run(s);
                /* The rest of them, of which the last `copies` stand right before what follows. */
                pass_bytes(s, n->min - copies, n->max == CS_ENDLESS ? CS_ENDLESS : n->max - copies,
                           &part->set);
                if (!copies)
                        begin_run(s);
                else {
                        s->run.from_least = s->least - copies;
                        s->run.from_most = s->most == CS_ENDLESS ? CS_ENDLESS : s->most - copies;
                        s->run.before = s->passed;
                        s->run.len = 0;
                        for (uint32_t i = 0; i < copies; i++)
                                add_set(&s->run, &part->set);
                }
                return;
        }
        if (n->min == 0) {
                end_run(s);
                pass_bytes(s, 0, n->most, &n->set);
                begin_run(s);
                return;
        }
        search_part(s, part);
        if (n->min == 1 && n->max == 1)
                return;
        end_run(s);
        pass_bytes(s, n->least - part->least, n->most == CS_ENDLESS ? CS_ENDLESS : n->most - part->most,
                   &n->set);
        begin_run(s);
}

/* A needle of each alternative; where one has none, there is none. */
static void search_alternatives(struct search *s, const struct cs_syntax *n)
{
        struct cs_needle all[CS_NEEDLES_MOST];
        size_t count = 0;
        double share = 0, worth = HUGE_VAL;
        struct search *inner;
        end_run(s);
        if (++s->depth > DEPTH_MOST || !(inner = cs_pool_alloc(s->pool, 1, sizeof(*inner))))
                goto pass;
        for (const struct cs_syntax *p = n->part; p; p = p->next) {
                *inner = (struct search){ .pool = s->pool, .literal = s->literal, .depth = s->depth };
                inner->least = s->least;
                inner->most = s->most;
                inner->passed = s->passed;
                begin_run(inner);
                search_part(inner, p);
                end_run(inner);
                s->no_memory |= inner->no_memory;
                if (!inner->best.n || count + inner->best.n > CS_NEEDLES_MOST)
                        goto pass;
                memcpy(&all[count], inner->best.at, inner->best.n * sizeof(*all));
                count += inner->best.n;
                share += exp2(-inner->best.bits);
                worth = inner->best.worth < worth ? inner->best.worth : worth;
        }
        double bits = -log2(share);
        if (bits >= bits_worth && (!s->best.n || worth > s->best.worth)) {
                struct cs_needle *at = cs_pool_alloc(s->pool, count, sizeof(*at));
                s->no_memory |= !at;
                if (at) {
                        memcpy(at, all, count * sizeof(*at));
                        s->best = (struct cs_needles){ at, count, bits, worth };
                }
        }
pass:
        s->depth--;
        pass_bytes(s, n->least, n->most, &n->set);
        begin_run(s);
}

static void search_part(struct search *s, const struct cs_syntax *n)
{
        switch (n->kind) {
        case CS_SYNTAX_NOTHING:
                break;
        case CS_SYNTAX_SET:
                put_set(s, &n->set);
                break;
        case CS_SYNTAX_CAT:
                for (const struct cs_syntax *p = n->part; p; p = p->next)
                        search_part(s, p);
                break;
        case CS_SYNTAX_ALT:
                search_alternatives(s, n);
                break;
        case CS_SYNTAX_REPEAT:
                search_repeat(s, n);
                break;
        case CS_SYNTAX_UNKNOWN:
                end_run(s);
                pass_bytes(s, n->least, n->most, &n->set);
                begin_run(s);
                break;
        }
}

enum cs_status cs_needles_find(const struct cs_syntax *syntax, bool literal, struct cs_pool *pool,
                               struct cs_needles *out, struct cs_error *err)
{
        struct search *s = cs_pool_alloc(pool, 1, sizeof(*s));
        if (!s)
                return cs_fail(err, CS_ENOMEM, "needles of a rule");
        s->pool = pool;
        s->literal = literal;
        search_part(s, syntax);
        end_run(s);
        if (s->no_memory)
                return cs_fail(err, CS_ENOMEM, "needles of a rule");
        *out = s->best;
        return CS_OK;
}

/* ---- keywords ---------------------------------------------------------------------------------------------------- */

enum cs_status cs_needles_of_keywords(const char *const *keywords, size_t n, uint32_t reach, uint32_t most,
                                      struct cs_pool *pool, struct cs_needles *out, struct cs_error *err)
{
        struct cs_needle *all = cs_pool_alloc(pool, n + 1, sizeof(*all));
        double share = 0;
        *out = (struct cs_needles){ 0 };
        for (size_t i = 0; all && i < n; i++) {
                /* Its first bytes will do: who has all of the keyword has them. */
                size_t whole = strlen(keywords[i]), len = whole < CS_NEEDLE_MOST ? whole : CS_NEEDLE_MOST;
                struct cs_byteset *sets = cs_pool_alloc(pool, len + 1, sizeof(*sets));
                double bits = 0;
                if (!sets)
                        return cs_fail(err, CS_ENOMEM, "keywords");
                if (!len || whole > reach)
                        return CS_OK;
                for (size_t k = 0; k < len; k++) {
                        cs_byteset_add(&sets[k], (uint8_t)keywords[i][k]);
                        cs_byteset_both_cases(&sets[k]);
                        bits += bits_of(&sets[k]);
                }
                uint32_t longest = most < CS_LIMIT_MATCH_BYTES ? most : CS_LIMIT_MATCH_BYTES;
                all[i] = (struct cs_needle){ .at = sets,
                                             .len = (uint32_t)len,
                                             .back_least = (int32_t)len - (int32_t)reach,
                                             .back_most = (int32_t)(longest + reach) + (int32_t)len -
                                                          (int32_t)whole };
                cs_byteset_invert(&all[i].before);
                share += exp2(-bits);
        }
        if (!all)
                return cs_fail(err, CS_ENOMEM, "keywords");
        if (n)
                *out = (struct cs_needles){ all, n, -log2(share), 0 };
        return CS_OK;
}
