/* SPDX-License-Identifier: Apache-2.0 */
#include "imports.h"

#include "cs_limits.h"
#include "lifenames.h"

#include <stdlib.h>
#include <string.h>

/* Next to nothing: a module that does so and leaks nothing is common. */
static const double WEIGHT = 0.1;

typedef CS_VEC(uint64_t) numbers;

/* A function that makes a thing, and the one that ends it. */
struct pair {
        struct cs_lifename life;
        const char *maker; /* borrowed from the symbols, as is the other */
        const char *ender;
        bool exact; /* the two are the same but for their verbs, and name more than the library: xmlNewDoc, xmlFreeDoc */
        bool taken; /* by the module that is looked at */
};

struct named {
        uint64_t key;
        const char *name;
};

/* What a library offers, both sorted. */
struct offer {
        CS_VEC(struct pair) pairs;   /* by the maker's name */
        CS_VEC(struct named) enders; /* by the hash of the whole */
        numbers stems;               /* of the makers */
};

struct hint {
        uint32_t module;
        uint32_t open; /* pairs of which it takes but the maker */
        uint32_t taken;
        const struct pair *best;
};

struct hints {
        uint32_t n;
        struct hint at[CS_IMPORT_HINTS];
};

struct hunt {
        const struct cs_describe *d;
        numbers ended;  /* by the module that is looked at: wholes of names, sorted, */
        numbers stems;  /* and the stems of what their makers are called, sorted */
        uint64_t names; /* that were looked at */
        bool limited;
};

static void offer_deinit(struct offer *o)
{
        cs_vec_deinit(&o->pairs);
        cs_vec_deinit(&o->enders);
        cs_vec_deinit(&o->stems);
}

/* Counts a name; false where the limit is reached. */
static bool may_look(struct hunt *h)
{
        if (h->names >= CS_LIMIT_HINT_NAMES)
                h->limited = true;
        else
                h->names++;
        return !h->limited;
}

/* ---- what the library offers ------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
        const struct named *x = a, *y = b;
        if (x->key != y->key)
                return x->key < y->key ? -1 : 1;
        return strcmp(x->name, y->name);
}

static int by_maker(const void *a, const void *b)
{
        return strcmp(((const struct pair *)a)->maker, ((const struct pair *)b)->maker);
}

static int by_number(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
        return x < y ? -1 : x > y;
}

static const char *ender_of(const struct offer *o, uint64_t key)
{
        size_t lo = 0, hi = o->enders.n;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (o->enders.at[mid].key < key)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo < o->enders.n && o->enders.at[lo].key == key ? o->enders.at[lo].name : NULL;
}

static enum cs_status add_pair(struct offer *o, const char *name, struct cs_lifename life,
                               struct cs_error *err)
{
        struct pair p = { .life = life, .maker = name, .ender = ender_of(o, life.whole) };
        p.exact = p.ender && !life.nothing_left;
        if (!p.ender && life.life == CS_LIFE_BEGINS)
                p.ender = ender_of(o, life.stem);
        if (!p.ender)
                return CS_OK;
        enum cs_status st = cs_vec_push(&o->pairs, p, err);
        return st == CS_OK ? cs_vec_push(&o->stems, life.stem, err) : st;
}

static enum cs_status read_offer(struct hunt *h, uint32_t library, struct offer *o, struct cs_error *err)
{
        struct cs_symbol s;
        enum cs_status st = CS_OK;
        for (size_t at = 0;
             st == CS_OK && cs_symbols_export(h->d->symbols, library, &at, &s) && may_look(h);) {
                struct cs_lifename life = cs_lifename_of(s.name);
                struct named ender = { life.whole, s.name };
                if (life.life == CS_LIFE_ENDS)
                        st = cs_vec_push(&o->enders, ender, err);
        }
        if (o->enders.n)
                qsort(o->enders.at, o->enders.n, sizeof(*o->enders.at), by_key);
        for (size_t at = 0; st == CS_OK && o->enders.n &&
                            cs_symbols_export(h->d->symbols, library, &at, &s) && may_look(h);) {
                struct cs_lifename life = cs_lifename_of(s.name);
                if (life.life == CS_LIFE_BEGINS || life.life == CS_LIFE_INIT)
                        st = add_pair(o, s.name, life, err);
        }
        if (o->pairs.n) {
                qsort(o->pairs.at, o->pairs.n, sizeof(*o->pairs.at), by_maker);
                qsort(o->stems.at, o->stems.n, sizeof(*o->stems.at), by_number);
        }
        return st;
}

/* ---- what a module takes ----------------------------------------------------------------------------------------- */

static bool holds(const numbers *sorted, uint64_t key)
{
        return sorted->n && bsearch(&key, sorted->at, sorted->n, sizeof(key), by_number);
}

static void sort_numbers(numbers *all)
{
        if (all->n)
                qsort(all->at, all->n, sizeof(*all->at), by_number);
}

/* An ender ends things of just its name, and those of the longest stem that makers have: OPENSSL_sk_pop_free is of OPENSSL_sk,
 * SSL_CTX_free not of SSL. */
static enum cs_status note_ender(struct hunt *h, const struct offer *o, const char *name,
                                 struct cs_error *err)
{
        struct cs_lifename life = cs_lifename_of(name);
        struct named key = { life.whole, name };
        /* Data is no function, though its name be: xmlFree. */
        if (life.life != CS_LIFE_ENDS || !o->enders.n ||
            !bsearch(&key, o->enders.at, o->enders.n, sizeof(key), by_key))
                return CS_OK;
        for (size_t len = life.stem_len; len > 0; len = cs_lifename_shorter(name, len)) {
                uint64_t stem = cs_lifename_stem(name, len);
                if (!holds(&o->stems, stem))
                        continue;
                enum cs_status st = cs_vec_push(&h->stems, stem, err);
                if (st != CS_OK)
                        return st;
                break;
        }
        return cs_vec_push(&h->ended, life.whole, err);
}

static bool is_ended(const struct hunt *h, const struct pair *p)
{
        return holds(&h->ended, p->life.whole) || holds(&h->ended, p->life.stem) ||
               (!p->exact && holds(&h->stems, p->life.stem));
}

static void mark_taken(struct offer *o, const char *name)
{
        struct pair key = { .maker = name };
        struct pair *p = bsearch(&key, o->pairs.at, o->pairs.n, sizeof(key), by_maker);
        if (p)
                p->taken = true;
}

/* Fewer words first: BIO_new before BIO_new_file. */
static bool plainer(const struct pair *a, const struct pair *b)
{
        if (a->life.nothing_left != b->life.nothing_left)
                return a->life.nothing_left;
        return strcmp(a->maker, b->maker) < 0;
}

static enum cs_status look_at(struct hunt *h, uint32_t module, struct offer *o, struct hint *out,
                              struct cs_error *err)
{
        enum cs_status st = CS_OK;
        const char *name;
        h->ended.n = h->stems.n = 0;
        *out = (struct hint){ .module = module };
        for (size_t i = 0; i < o->pairs.n; i++)
                o->pairs.at[i].taken = false;
        for (size_t i = 0; st == CS_OK && (name = cs_symbols_import(h->d->symbols, module, i)) && may_look(h);
             i++) {
                if (strnlen(name, CS_LIFENAME_BYTES) == CS_LIFENAME_BYTES)
                        continue;
                mark_taken(o, name);
                st = note_ender(h, o, name, err);
        }
        sort_numbers(&h->ended);
        sort_numbers(&h->stems);
        for (size_t i = 0; st == CS_OK && i < o->pairs.n; i++) {
                const struct pair *p = &o->pairs.at[i];
                out->taken += p->taken;
                if (!p->taken || is_ended(h, p))
                        continue;
                out->open++;
                if (!out->best || plainer(p, out->best))
                        out->best = p;
        }
        return st;
}

/* ---- which modules ----------------------------------------------------------------------------------------------- */

/* Does the module say that it needs the library? Files have more of the version in their names than what is needed:
 * libglib-2.0.so.0 is libglib-2.0.so.0.7400.6. */
static bool needs(struct hunt *h, uint32_t module, uint32_t library)
{
        size_t n;
        const char *file = h->d->image->modules.at[library].name;
        const char *const *names = cs_symbols_needed(h->d->symbols, module, &n);
        for (size_t i = 0; i < n && may_look(h); i++) {
                size_t len = strnlen(names[i], strlen(file) + 1);
                if (strncmp(file, names[i], len) == 0 && (file[len] == '\0' || file[len] == '.'))
                        return true;
        }
        return false;
}

/* Those that leave most of what they make to others come first. */
static bool better(const struct hint *a, const struct hint *b)
{
        uint64_t x = (uint64_t)a->open * b->taken, y = (uint64_t)b->open * a->taken;
        if (x != y)
                return x > y;
        return a->open != b->open ? a->open > b->open : a->module < b->module;
}

static void keep_best(struct hints *hints, struct hint fresh)
{
        uint32_t i = hints->n;
        if (i == CS_IMPORT_HINTS) {
                if (!better(&fresh, &hints->at[i - 1]))
                        return;
                i--;
        } else {
                hints->n++;
        }
        for (; i > 0 && better(&fresh, &hints->at[i - 1]); i--)
                hints->at[i] = hints->at[i - 1];
        hints->at[i] = fresh;
}

static enum cs_status hints_about(struct hunt *h, uint32_t library, struct offer *o, struct hints *out,
                                  struct cs_error *err)
{
        enum cs_status st = read_offer(h, library, o, err);
        for (uint32_t m = 0; st == CS_OK && o->pairs.n && m < h->d->space->n_modules && may_look(h); m++) {
                if (m == library || !h->d->space->modules[m].maker || !needs(h, m, library))
                        continue;
                struct hint fresh;
                st = look_at(h, m, o, &fresh, err);
                if (st == CS_OK && fresh.open && !h->limited)
                        keep_best(out, fresh);
        }
        return st;
}

/* ---- clusters ---------------------------------------------------------------------------------------------------- */

static int by_retained(const void *a, const void *b, void *context)
{
        const struct cs_cluster_leak *leaks = context;
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
        if (leaks[x].retained != leaks[y].retained)
                return leaks[x].retained > leaks[y].retained ? -1 : 1;
        return x < y ? -1 : 1;
}

/* A library that was unloaded offers nothing any more, and the runtimes' things are everybody's. */
static bool offers(const struct cs_describe *d, int32_t library)
{
        return library != CS_NO_MODULE && (size_t)library < d->image->modules.n &&
               !d->image->modules.at[library].runtime;
}

static enum cs_status show(const struct cs_describe *d, uint32_t cluster, const struct hints *hints,
                           struct cs_report_cluster *out, struct cs_error *err)
{
        const struct cs_cluster_leak *leak = &d->leaks->clusters[cluster];
        double share = (double)(leak->direct + leak->indirect) / (double)d->clusters->at.at[cluster].count;
        struct cs_report_evidence *all = cs_pool_alloc(d->pool, out->n_evidence + hints->n, sizeof(*all));
        if (!all)
                return cs_fail(err, CS_ENOMEM, "hints");
        if (out->n_evidence)
                memcpy(all, out->evidence, out->n_evidence * sizeof(*all));
        for (uint32_t i = 0; i < hints->n; i++) {
                const struct hint *h = &hints->at[i];
                const char *name = d->image->modules.at[h->module].name;
                struct cs_report_evidence *e = &all[out->n_evidence + i];
                e->kind = "import";
                e->offset = -1;
                e->module = cs_pool_copy(d->pool, name, strlen(name));
                e->symbol = cs_pool_printf(d->pool, "imports %s but not %s", h->best->maker, h->best->ender);
                e->share = share > 1 ? 1 : share;
                e->weight = WEIGHT;
                e->hint = true;
                if (!e->module || !e->symbol)
                        return cs_fail(err, CS_ENOMEM, "hints");
        }
        out->evidence = all;
        out->n_evidence += hints->n;
        return CS_OK;
}

/* Of the clusters sorted[0 … n): those of one library are asked about together. */
static enum cs_status hint_all(struct hunt *h, const uint32_t *sorted, size_t n,
                               struct cs_report_cluster *clusters, struct cs_error *err)
{
        const struct cs_owner *owners = h->d->owners;
        bool done[CS_LIMIT_HINTED] = { false };
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < n && !h->limited; i++) {
                cs_cleanup(offer_deinit) struct offer offer = { 0 };
                struct hints hints = { 0 };
                if (done[i])
                        continue;
                st = hints_about(h, (uint32_t)owners[sorted[i]].module, &offer, &hints, err);
                for (size_t k = i; st == CS_OK && k < n; k++) {
                        if (owners[sorted[k]].module != owners[sorted[i]].module)
                                continue;
                        done[k] = true;
                        if (hints.n)
                                st = show(h->d, sorted[k], &hints, &clusters[sorted[k]], err);
                }
        }
        return st;
}

enum cs_status cs_imports_hint(const struct cs_describe *d, struct cs_report_cluster *clusters,
                               const char **warning, struct cs_error *err)
{
        struct hunt h = { .d = d };
        CS_VEC(uint32_t) leaking = { 0 };
        enum cs_status st = CS_OK;
        *warning = NULL;
        for (uint32_t c = 0; st == CS_OK && c < d->clusters->at.n; c++) {
                int32_t library = d->owners[c].module;
                if (d->leaks->clusters[c].direct + d->leaks->clusters[c].indirect && offers(d, library))
                        st = cs_vec_push(&leaking, c, err);
        }
        if (st == CS_OK && leaking.n) {
                qsort_r(leaking.at, leaking.n, sizeof(*leaking.at), by_retained, d->leaks->clusters);
                st = hint_all(&h, leaking.at, leaking.n < CS_LIMIT_HINTED ? leaking.n : CS_LIMIT_HINTED,
                              clusters, err);
        }
        if (h.limited)
                *warning = "modules take more names from each other than are looked at: hints are missing";
        cs_vec_deinit(&h.ended);
        cs_vec_deinit(&h.stems);
        cs_vec_deinit(&leaking);
        return st;
}
