/* SPDX-License-Identifier: Apache-2.0 */
#include "cs_limits.h"
#include "ruleset_private.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { NONE = UINT32_MAX };

/* Needles of less than this are worth less than a keyword, which the rule's author knows to be rare. */
static const double bits_of_keyword = 16;

void cs_ruleset_destroy(struct cs_ruleset *set)
{
        if (!set)
                return;
        for (size_t i = 0; set->at && i < set->n; i++)
                cs_regex_destroy(set->at[i].regex);
        for (size_t i = 0; i < set->lists.n; i++)
                for (size_t k = 0; k < set->lists.at[i].n; k++)
                        cs_regex_destroy(set->lists.at[i].regexes[k]);
        cs_vec_deinit(&set->lists);
        cs_finder_destroy(set->finder);
        free(set->uses);
        free(set->first_use);
        cs_pool_deinit(&set->pool);
        free(set);
}

size_t cs_ruleset_slow(const struct cs_ruleset *set)
{
        return set->n_slow;
}

bool cs_ruleset_uses_vectorscan(const struct cs_ruleset *set)
{
        return set->vectorscan;
}

bool cs_ruleset_skips_zeros(const struct cs_ruleset *set)
{
        return set->skips_zeros;
}

/* ---- regexes ----------------------------------------------------------------------------------------------------- */

/* Lists that many rules share follow each other: the last few are looked at. */
static struct cs_regex **known_list(const struct cs_ruleset *set, const struct cs_strings *texts)
{
        enum { LOOKED_AT = 128 };
        for (size_t i = set->lists.n, tries = LOOKED_AT; i > 0 && tries > 0; i--, tries--)
                if (set->lists.at[i - 1].texts == texts->at)
                        return set->lists.at[i - 1].regexes;
        return NULL;
}

static enum cs_status compile_list(struct cs_ruleset *set, const struct cs_rule *rule,
                                   const struct cs_strings *texts, struct cs_regex ***out,
                                   struct cs_error *err)
{
        if ((*out = known_list(set, texts)) != NULL)
                return CS_OK;
        struct cs_compiled_list list = { texts->at, texts->n,
                                         cs_pool_alloc(&set->pool, texts->n + 1, sizeof(struct cs_regex *)) };
        if (!list.regexes)
                return cs_fail(err, CS_ENOMEM, "allowlists");
        enum cs_status st = cs_vec_push(&set->lists, list, err);
        for (size_t k = 0; st == CS_OK && k < texts->n; k++) {
                struct cs_error why = { 0 };
                size_t offset;
                st = cs_regex_compile(texts->at[k], strlen(texts->at[k]), 0, &list.regexes[k], &offset, &why);
                if (st != CS_OK)
                        return cs_fail(err, st, "rule %.100s: a regex of its allowlist: %.200s, at byte %zu",
                                       rule->id, why.text, offset);
        }
        *out = list.regexes;
        return st;
}

static enum cs_status compile_allow(struct cs_ruleset *set, struct cs_compiled *c, struct cs_error *err)
{
        const struct cs_rule *rule = c->rule;
        enum cs_status st = CS_OK;
        if (!rule->n_allow)
                return CS_OK;
        c->allow = cs_pool_alloc(&set->pool, rule->n_allow, sizeof(*c->allow));
        if (!c->allow)
                return cs_fail(err, CS_ENOMEM, "allowlists");
        for (size_t a = 0; st == CS_OK && a < rule->n_allow; a++)
                if (rule->allow[a].regexes.n)
                        st = compile_list(set, rule, &rule->allow[a].regexes, &c->allow[a].regexes, err);
        return st;
}

static enum cs_status compile_rule(struct cs_ruleset *set, struct cs_compiled *c, bool jit,
                                   struct cs_error *err)
{
        struct cs_error why = { 0 };
        size_t offset;
        const struct cs_rule *rule = c->rule;
        enum cs_status st =
                cs_regex_compile(rule->regex, rule->regex_len, rule->flags | (jit ? CS_REGEX_JIT : 0),
                                 &c->regex, &offset, &why);
        if (st == CS_EFORMAT)
                return cs_fail(err, st, "rule %.100s: %.200s, at byte %zu of the regex", rule->id, why.text,
                               offset);
        if (st != CS_OK)
                return cs_fail(err, st, "%s", why.text);
        uint32_t groups = cs_regex_groups(c->regex);
        if (rule->secret_group != CS_GROUP_FIRST && rule->secret_group > groups)
                return cs_fail(err, CS_EFORMAT,
                               "rule %.100s: the secret is group %u, but the regex has %u groups", rule->id,
                               rule->secret_group, groups);
        if (groups > set->groups)
                set->groups = groups;
        return compile_allow(set, c, err);
}

/* ---- needles ----------------------------------------------------------------------------------------------------- */

struct gathered {
        struct cs_needle needle;
        uint32_t rule;
        uint32_t id; /* of the needle among different ones */
};

typedef CS_VEC(struct gathered) gathered_vec;

/* May a match begin with a zero byte, or is that not known? */
static bool may_begin_with_zero(const struct cs_syntax *n)
{
        switch (n->kind) {
        case CS_SYNTAX_SET:
                return cs_byteset_has(&n->set, 0);
        case CS_SYNTAX_ALT:
                for (const struct cs_syntax *p = n->part; p; p = p->next)
                        if (may_begin_with_zero(p))
                                return true;
                return false;
        case CS_SYNTAX_CAT:
                for (const struct cs_syntax *p = n->part; p; p = p->next) {
                        if (may_begin_with_zero(p))
                                return true;
                        if (p->least)
                                return false;
                }
                return false;
        case CS_SYNTAX_REPEAT:
                return n->max && may_begin_with_zero(n->part);
        case CS_SYNTAX_NOTHING:
                return false;
        case CS_SYNTAX_UNKNOWN:
                return true;
        }
        return true;
}

/* The needles of one rule, kept; none: it is looked for everywhere. */
static enum cs_status gather_rule(struct cs_ruleset *set, struct cs_compiled *c, bool literal,
                                  gathered_vec *all, struct cs_error *err)
{
        cs_cleanup(cs_pool_deinit) struct cs_pool scratch = { 0 };
        struct cs_needles found = { 0 }, words = { 0 };
        const struct cs_syntax *syntax = cs_syntax_read(&scratch, c->rule->regex, c->rule->regex_len);
        if (!syntax)
                return cs_fail(err, CS_ENOMEM, "regex");
        set->skips_zeros &= !may_begin_with_zero(syntax);
        enum cs_status st = cs_needles_find(syntax, literal, &scratch, &found, err);
        if (st == CS_OK)
                st = cs_needles_of_keywords(c->rule->keywords.at, c->rule->keywords.n, CS_LIMIT_CONTEXT_BYTES,
                                            syntax->most, &scratch, &words, err);
        if (st != CS_OK)
                return st;
        if (found.bits < bits_of_keyword && words.bits > found.bits)
                found = words;
        c->everywhere = found.n == 0;
        for (size_t i = 0; st == CS_OK && i < found.n; i++) {
                struct gathered g = { .rule = (uint32_t)(c - set->at) };
                if (!cs_needle_keep(&found.at[i], &set->pool, &g.needle))
                        return cs_fail(err, CS_ENOMEM, "needles");
                st = cs_vec_push(all, g, err);
        }
        return st;
}

static bool same_needle(const struct cs_needle *a, const struct cs_needle *b)
{
        return a->len == b->len && memcmp(a->at, b->at, a->len * sizeof(*a->at)) == 0;
}

/* Gives equal needles one number. */
static enum cs_status number_needles(gathered_vec *all, const struct cs_needle ***unique, size_t *n_unique,
                                     struct cs_error *err)
{
        size_t slots = 16;
        while (slots < 2 * all->n)
                slots *= 2;
        uint32_t *table = malloc(slots * sizeof(*table));
        const struct cs_needle **list = calloc(all->n + 1, sizeof(*list));
        if (!table || !list) {
                free(table);
                free(list);
                return cs_fail(err, CS_ENOMEM, "needles");
        }
        memset(table, 0xff, slots * sizeof(*table));
        *n_unique = 0;
        for (size_t i = 0; i < all->n; i++) {
                struct gathered *g = &all->at[i];
                size_t slot = XXH3_64bits(g->needle.at, g->needle.len * sizeof(*g->needle.at)) & (slots - 1);
                while (table[slot] != NONE && !same_needle(list[table[slot]], &g->needle))
                        slot = (slot + 1) & (slots - 1);
                if (table[slot] == NONE) {
                        table[slot] = (uint32_t)*n_unique;
                        list[(*n_unique)++] = &g->needle;
                }
                g->id = table[slot];
        }
        free(table);
        *unique = list;
        return CS_OK;
}

/* Sorts the uses by needle: a counting sort. */
static enum cs_status index_uses(struct cs_ruleset *set, const gathered_vec *all, size_t n_unique,
                                 struct cs_error *err)
{
        set->n_uses = all->n;
        set->uses = calloc(all->n + 1, sizeof(*set->uses));
        set->first_use = calloc(n_unique + 2, sizeof(*set->first_use));
        if (!set->uses || !set->first_use)
                return cs_fail(err, CS_ENOMEM, "needles");
        for (size_t i = 0; i < all->n; i++)
                set->first_use[all->at[i].id + 2]++;
        for (size_t i = 2; i <= n_unique + 1; i++)
                set->first_use[i] += set->first_use[i - 1];
        for (size_t i = 0; i < all->n; i++) {
                const struct cs_needle *n = &all->at[i].needle;
                struct cs_needle_use *u = &set->uses[set->first_use[all->at[i].id + 1]++];
                *u = (struct cs_needle_use){ all->at[i].rule,
                                             n->back_least,
                                             n->back_most,
                                             n->len,
                                             cs_byteset_count(&n->before) == 256,
                                             n->before };
                if (n->back_most > 0 && (size_t)n->back_most > set->ahead)
                        set->ahead = (size_t)n->back_most;
                if (n->back_least < (int32_t)n->len &&
                    (size_t)((int32_t)n->len - n->back_least) > set->behind)
                        set->behind = (size_t)((int32_t)n->len - n->back_least);
        }
        return CS_OK;
}

/* best: where these needles can be found faster than by Vectorscan or without it, they are. */
static enum cs_status make_finder(struct cs_ruleset *set, const struct cs_needle *const *needles, size_t n,
                                  bool vectorscan, bool best, struct cs_error *err)
{
        static const enum cs_finder_way better[] = { CS_FINDER_PAIRS, CS_FINDER_SETS };
        set->vectorscan = false;
        for (size_t i = 0; best && i < sizeof(better) / sizeof(better[0]); i++) {
                enum cs_status st = cs_finder_create(needles, n, better[i], &set->finder, err);
                if (st != CS_ENOTSUP)
                        return st;
        }
        if (vectorscan && n > CS_LIMIT_VECTORSCAN_NEEDLES)
                return cs_fail(err, CS_ENOTSUP, "%zu needles are too many for Vectorscan", n);
        set->vectorscan = vectorscan;
        return cs_finder_create(needles, n, vectorscan ? CS_FINDER_VECTORSCAN : CS_FINDER_PLAIN, &set->finder,
                                err);
}

static enum cs_status build_finder(struct cs_ruleset *set, gathered_vec *all, bool vectorscan, bool best,
                                   struct cs_error *err)
{
        const struct cs_needle **unique = NULL;
        size_t n = 0;
        enum cs_status st = number_needles(all, &unique, &n, err);
        if (st != CS_OK)
                return st;
        if (n)
                st = make_finder(set, unique, n, vectorscan, best, err);
        if (st == CS_OK)
                st = index_uses(set, all, n, err);
        free(unique);
        return st;
}

static enum cs_status list_slow(struct cs_ruleset *set, struct cs_error *err)
{
        set->n_slow = 0;
        set->slow = cs_pool_alloc(&set->pool, set->n + 1, sizeof(*set->slow));
        if (!set->slow)
                return cs_fail(err, CS_ENOMEM, "rules");
        for (size_t i = 0; i < set->n; i++)
                if (set->at[i].everywhere)
                        set->slow[set->n_slow++] = (uint32_t)i;
        return CS_OK;
}

static enum cs_status gather(struct cs_ruleset *set, bool vectorscan, bool best, struct cs_error *err)
{
        gathered_vec all = { 0 };
        enum cs_status st = CS_OK;
        set->skips_zeros = true;
        for (size_t i = 0; st == CS_OK && i < set->n; i++) {
                if (set->at[i].regex)
                        st = gather_rule(set, &set->at[i], !vectorscan, &all, err);
        }
        if (st == CS_OK)
                st = build_finder(set, &all, vectorscan, best, err);
        cs_vec_deinit(&all);
        return st == CS_OK ? list_slow(set, err) : st;
}

static enum cs_status choose_way(struct cs_ruleset *set, enum cs_ruleset_way way, struct cs_error *err)
{
        if (way == CS_WAY_ALONE) {
                for (size_t i = 0; i < set->n; i++)
                        set->at[i].everywhere = set->at[i].regex != NULL;
                return list_slow(set, err);
        }
        if (way == CS_WAY_PLAIN)
                return gather(set, false, false, err);
        enum cs_status st = gather(set, true, way == CS_WAY_BEST, err);
        return st == CS_ENOTSUP && way == CS_WAY_BEST ? gather(set, false, true, err) : st;
}

enum cs_status cs_ruleset_compile(const struct cs_rules *rules, enum cs_ruleset_way way,
                                  struct cs_ruleset **out, const struct cs_rule **culprit,
                                  struct cs_error *err)
{
        cs_cleanup(cs_ruleset_destroyp) struct cs_ruleset *set = calloc(1, sizeof(*set));
        enum cs_status st = CS_OK;
        *culprit = NULL;
        if (!set || !(set->at = cs_pool_alloc(&set->pool, rules->at.n + 1, sizeof(*set->at))))
                return cs_fail(err, CS_ENOMEM, "%zu rules", rules->at.n);
        if (rules->at.n > CS_LIMIT_RULES)
                return cs_fail(err, CS_EFORMAT, "%zu rules; the limit is %d", rules->at.n, CS_LIMIT_RULES);
        for (size_t i = 0; i < rules->at.n; i++) {
                set->at[set->n++].rule = &rules->at.at[i];
                if (!rules->at.at[i].regex)
                        continue;
                if ((st = compile_rule(set, &set->at[i], rules->at.n <= CS_LIMIT_JIT_RULES, err)) != CS_OK) {
                        *culprit = &rules->at.at[i];
                        return st;
                }
        }
        if ((st = choose_way(set, way, err)) != CS_OK)
                return st;
        *out = cs_take(set);
        return CS_OK;
}
