/* SPDX-License-Identifier: Apache-2.0 */
#include "hits.h"

#include "budget.h"
#include "clock.h"
#include "cs_limits.h"
#include "hitteller.h"
#include "pulse.h"
#include "scan_yara.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* WAITING_TEXT: bytes of waiting hits' texts; with more, owners are looked for at once. What hits take where memory is short: those that
 * wait with their texts, and those that the report holds with all that is told of them. */
enum {
        WAITING_TEXT = 256 << 20,
        WAITING_BYTES = 256,
        WAITING_PERCENT = 10,
        KEPT_BYTES = 512,
        KEPT_PERCENT = 20,
        SCRATCH_HITS = 64, /* hits after which their scratch memory is used again */
        PIECE_HITS = 512,  /* that one worker writes in one go */
        ROUND_PIECES = 32, /* written before any is handed on */
        ENDING_LOOKS = 64, /* hits after which the time is looked at, when the end was asked for */
};

static const double ending_seconds = 0.1;

struct teller {
        CS_WORK_APART struct cs_hit_teller teller;
        struct cs_pool scratch; /* what is told of some hits */
};

struct hits {
        const struct cs_hits_input *in;
        struct cs_report *report;
        CS_VEC(struct cs_scan_hit) waiting; /* until it is known whose they are */
        size_t told;                        /* so many of them are told */
        struct cs_pool texts;               /* of those */
        uint64_t text_bytes;
        size_t waiting_most, text_most, kept_most;
        bool in_blocks; /* some lie in a block in use */
        bool settled;
        bool asked;             /* for clusters and owners */
        bool around;            /* owners are told by what lies around hits, and nobody is asked for them */
        struct teller *tellers; /* by worker */
        unsigned n_tellers;
        CS_VEC(struct cs_report_hit) kept;
        uint64_t not_kept;
        uint64_t *counts;         /* by rule */
        struct cs_scan_yara yara; /* found before the others, told between them */
        size_t yara_told;
        double relating; /* seconds that finding clusters and owners took */
};

/* ---- where it is ------------------------------------------------------------------------------------------------- */

static bool in_use(const struct cs_hits_input *in, uint64_t addr)
{
        uint32_t i = cs_blocks_holding(in->blocks, in->space, addr, NULL);
        return i != CS_NO_BLOCK && cs_blocks_state(in->blocks, i) == CS_BLOCK_IN_USE;
}

/* ---- handing on -------------------------------------------------------------------------------------------------- */

/* Some hits that are written in one go, by one worker. */
struct piece {
        const struct cs_scan_hit *at;
        size_t n;
        char *text;
        size_t len;
};

struct round {
        struct hits *h;
        struct piece pieces[ROUND_PIECES];
        size_t n;
};

static void round_deinit(struct round *r)
{
        for (size_t i = 0; i < r->n; i++)
                free(r->pieces[i].text);
}

static enum cs_status write_piece(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        struct round *r = context;
        struct piece *p = &r->pieces[unit];
        const struct cs_hits_wanted *w = r->h->in->wanted;
        struct teller *t = &r->h->tellers[worker];
        enum cs_status st = CS_OK;
        FILE *to = open_memstream(&p->text, &p->len);
        if (!to)
                return cs_fail(err, CS_ENOMEM, "hits");
        for (size_t i = 0; st == CS_OK && i < p->n; i++) {
                struct cs_report_hit told;
                if ((st = cs_hit_tell(&t->teller, &p->at[i], &t->scratch, &told, err)) == CS_OK)
                        st = w->write(w->context, &told, &t->scratch, to, err);
                if (i % SCRATCH_HITS == 0)
                        cs_pool_reset(&t->scratch);
        }
        if (fclose(to) != 0 && st == CS_OK)
                st = cs_fail(err, CS_ENOMEM, "hits");
        return st;
}

/* Has hits written, by all workers where they are many, and hands them on in their order. *told of them are: where the end is asked for
 * meanwhile, not all. */
static enum cs_status hand_on_round(struct hits *h, const struct cs_scan_hit *hits, size_t n, size_t *told,
                                    struct cs_error *err)
{
        const struct cs_hits_wanted *w = h->in->wanted;
        cs_cleanup(round_deinit) struct round r = { .h = h };
        enum cs_status st = CS_OK;
        for (size_t at = 0; at < n && r.n < ROUND_PIECES; at += r.pieces[r.n++].n)
                r.pieces[r.n] =
                        (struct piece){ .at = hits + at, .n = n - at < PIECE_HITS ? n - at : PIECE_HITS };
        st = r.n == 1 ? write_piece(&r, 0, 0, err) : cs_work_run(h->n_tellers, r.n, write_piece, &r, err);
        /* Those that were begun when the end was asked for are the first ones. */
        if (st == CS_ESTOPPED)
                st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < r.n && r.pieces[i].text; i++) {
                st = w->take(w->context, r.pieces[i].text, r.pieces[i].len, r.pieces[i].n, err);
                *told += r.pieces[i].n;
        }
        return st;
}

static enum cs_status keep(struct hits *h, const struct cs_scan_hit *hit, struct cs_error *err)
{
        struct cs_report_hit told;
        struct cs_pool *pool = &h->report->pool;
        if (h->kept.n >= h->kept_most) {
                h->not_kept++;
                return CS_OK;
        }
        enum cs_status st = cs_hit_tell(&h->tellers->teller, hit, pool, &told, err);
        if (st != CS_OK)
                return st;
        /* The report outlives what these belong to. */
        if ((told.detail && !(told.detail = cs_pool_copy(pool, told.detail, strlen(told.detail)))) ||
            (told.library && !(told.library = cs_pool_copy(pool, told.library, strlen(told.library)))))
                return cs_fail(err, CS_ENOMEM, "hits");
        return cs_vec_push(&h->kept, told, err);
}

/* The first of them, or more: *told. */
static enum cs_status hand_on(struct hits *h, const struct cs_scan_hit *hits, size_t n, size_t *told,
                              struct cs_error *err)
{
        *told = 0;
        if (h->in->wanted->take)
                return hand_on_round(h, hits, n, told, err);
        *told = 1;
        return keep(h, hits, err);
}

static void forget_waiting(struct hits *h)
{
        cs_vec_deinit(&h->waiting);
        cs_pool_deinit(&h->texts);
        h->text_bytes = h->told = 0;
}

static enum cs_status ask_owners(struct hits *h, struct cs_error *err)
{
        double start = cs_seconds_now();
        bool related = false;
        h->asked = true;
        enum cs_status st = h->in->relate(h->in->context, &related, err);
        for (unsigned i = 0; i < h->n_tellers; i++)
                h->tellers[i].teller.related = related;
        h->relating = cs_seconds_now() - start;
        return st;
}

/* Those that wait, until somebody asks for the end. */
static enum cs_status drain(struct hits *h, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        size_t told = 0;
        if (h->in_blocks && !h->asked && !h->around)
                st = ask_owners(h, err);
        for (; st == CS_OK && h->told < h->waiting.n; h->told += st == CS_OK ? told : 0)
                if ((st = cs_pulse(0, 0, err)) == CS_OK)
                        st = hand_on(h, h->waiting.at + h->told, h->waiting.n - h->told, &told, err);
        if (st == CS_OK)
                forget_waiting(h);
        return st;
}

/* Those that still wait when the end was asked for. */
static enum cs_status drain_quickly(struct hits *h, struct cs_error *err)
{
        const double until = cs_seconds_now() + ending_seconds;
        enum cs_status st = CS_OK;
        while (st == CS_OK && h->told < h->waiting.n && cs_seconds_now() <= until) {
                size_t left = h->waiting.n - h->told, told;
                st = hand_on(h, h->waiting.at + h->told, left < ENDING_LOOKS ? left : ENDING_LOOKS, &told,
                             err);
                h->told += told;
        }
        h->not_kept += h->waiting.n - h->told;
        return st;
}

static enum cs_status settle(struct hits *h, struct cs_error *err)
{
        bool relates = false;
        if (h->settled)
                return CS_OK;
        enum cs_status st = h->in->settle(h->in->context, &relates, err);
        if (st != CS_OK)
                return st;
        h->settled = true;
        for (unsigned i = 0; i < h->n_tellers; i++)
                h->tellers[i].teller.settled = true;
        if (relates)
                return CS_OK;
        h->around = true;
        for (unsigned i = 0; st == CS_OK && i < h->n_tellers; i++)
                st = cs_hit_teller_asks_around(&h->tellers[i].teller, err);
        return st;
}

static void count(struct hits *h, const struct cs_scan_hit *hit)
{
        h->counts[hit->rule]++;
        h->in_blocks = h->in_blocks || (h->settled && in_use(h->in, hit->address));
}

static enum cs_status on_hit(struct hits *h, const struct cs_scan_hit *found, struct cs_error *err)
{
        struct cs_scan_hit hit = *found;
        const bool ending = cs_stop_asked(); /* then they all wait, for the time that is left to be shared */
        enum cs_status st = ending ? CS_OK : settle(h, err);
        if (st != CS_OK)
                return st;
        count(h, &hit);
        size_t told;
        if (!ending && (h->asked || h->around))
                return hand_on(h, &hit, 1, &told, err);
        hit.text = (const uint8_t *)cs_pool_copy(&h->texts, hit.text, hit.text_len);
        if (!hit.text)
                return cs_fail(err, CS_ENOMEM, "hits");
        h->text_bytes += hit.text_len;
        st = cs_vec_push(&h->waiting, hit, err);
        if (st == CS_OK && !ending && (h->waiting.n >= h->waiting_most || h->text_bytes >= h->text_most))
                st = drain(h, err);
        return st;
}

/* YARA's hits that lie before this one. */
static enum cs_status tell_yara(struct hits *h, uint64_t address, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        while (st == CS_OK && h->yara_told < h->yara.hits.n &&
               h->yara.hits.at[h->yara_told].address < address)
                st = on_hit(h, &h->yara.hits.at[h->yara_told++], err);
        return st;
}

/* Does nothing keep hits from being handed on as they come? */
static bool can_pass_on(const struct hits *h)
{
        return h->in->wanted->take && h->settled && (h->asked || h->around) && !cs_stop_asked() &&
               h->yara_told == h->yara.hits.n;
}

static enum cs_status pass_on(struct hits *h, const struct cs_scan_hit *hits, size_t n, size_t *told,
                              struct cs_error *err)
{
        enum cs_status st = hand_on(h, hits, n, told, err);
        for (size_t i = 0; i < *told; i++)
                count(h, &hits[i]);
        return st;
}

static enum cs_status on_hits(void *context, const struct cs_scan_hit *hits, size_t n, struct cs_error *err)
{
        struct hits *h = context;
        enum cs_status st = CS_OK;
        for (size_t i = 0, told; st == CS_OK && i < n; i += told) {
                if (can_pass_on(h) && (st = pass_on(h, hits + i, n - i, &told, err)) == CS_OK && told)
                        continue;
                told = 1;
                if (st == CS_OK && (st = tell_yara(h, hits[i].address, err)) == CS_OK)
                        st = on_hit(h, &hits[i], err);
        }
        return st;
}

static enum cs_status report_rules(struct hits *h, const struct cs_scan_result *result,
                                   struct cs_report_hits *out, struct cs_error *err)
{
        const struct cs_rules *rules = h->in->wanted->rules;
        out->asked = rules->at.n;
        out->rules = cs_pool_alloc(&h->report->pool, rules->at.n + 1, sizeof(*out->rules));
        if (!out->rules)
                return cs_fail(err, CS_ENOMEM, "rules");
        for (size_t i = 0; i < rules->at.n; i++) {
                const struct cs_rule *rule = &rules->at.at[i];
                bool limited = rule->regex ? result->limits && result->limits[i] : h->yara.limited;
                if (!h->counts[i] && !limited)
                        continue;
                const char *id = cs_pool_copy(&h->report->pool, rule->id, strlen(rule->id)), *words = NULL;
                if (!id || (rule->description && !(words = cs_pool_copy(&h->report->pool, rule->description,
                                                                        strlen(rule->description)))))
                        return cs_fail(err, CS_ENOMEM, "rules");
                out->rules[out->n_rules++] = (struct cs_report_hit_rule){ id, words, h->counts[i], limited };
        }
        return CS_OK;
}

static uint64_t counted(const struct hits *h)
{
        uint64_t all = 0;
        for (size_t i = 0; i < h->in->wanted->rules->at.n; i++)
                all += h->counts[i];
        return all;
}

static bool has_regexes(const struct cs_rules *rules)
{
        for (size_t i = 0; i < rules->at.n; i++)
                if (rules->at.at[i].regex)
                        return true;
        return false;
}

static void hits_deinit(struct hits *h)
{
        cs_vec_deinit(&h->waiting);
        cs_vec_deinit(&h->kept);
        cs_pool_deinit(&h->texts);
        cs_scan_yara_deinit(&h->yara);
        for (unsigned i = 0; h->tellers && i < h->n_tellers; i++) {
                cs_hit_teller_deinit(&h->tellers[i].teller);
                cs_pool_deinit(&h->tellers[i].scratch);
        }
        free(h->tellers);
        free(h->counts);
}

enum cs_status cs_hits_find(const struct cs_hits_input *input, struct cs_report *report, uint64_t *left_out,
                            struct cs_error *err)
{
        size_t n = input->wanted->rules->at.n;
        cs_cleanup(hits_deinit) struct hits h = { .in = input,
                                                  .report = report,
                                                  .counts = calloc(n + 1, sizeof(*h.counts)),
                                                  .n_tellers = input->workers ? input->workers : 1 };
        h.waiting_most = cs_budget_entries(CS_LIMIT_HITS_WAITING, WAITING_BYTES, WAITING_PERCENT);
        h.text_most = cs_budget_entries(WAITING_TEXT, 1, WAITING_PERCENT);
        h.kept_most = cs_budget_entries(CS_LIMIT_HITS_KEPT, KEPT_BYTES, KEPT_PERCENT);
        struct cs_report_hits *out = cs_pool_alloc(&report->pool, 1, sizeof(*out));
        h.tellers = cs_work_alloc(h.n_tellers, sizeof(*h.tellers));
        if (!h.counts || !out || !h.tellers)
                return cs_fail(err, CS_ENOMEM, "hits");
        for (unsigned i = 0; i < h.n_tellers; i++)
                h.tellers[i].teller.in = input;
        const struct cs_scan_input scan = { .image = input->image,
                                            .regions = input->searched,
                                            .residency = input->residency,
                                            .rules = input->wanted->set,
                                            .n_rules = n,
                                            .workers = input->workers,
                                            .beside = input->beside,
                                            .walked = input->walked,
                                            .progress = input->progress,
                                            .progress_context = input->progress_context };
        cs_cleanup(cs_scan_result_deinit) struct cs_scan_result result = { 0 };
        double start = cs_seconds_now();
        enum cs_status st = cs_scan_yara(&scan, input->wanted->rules, &h.yara, err);
        if (st == CS_OK && has_regexes(input->wanted->rules))
                st = cs_scan(&scan, on_hits, &h, &result, err);
        if (st == CS_OK)
                st = tell_yara(&h, UINT64_MAX, err);
        out->seconds = cs_seconds_now() - start - h.relating;
        if (st == CS_OK)
                st = drain(&h, err);
        const bool stopped = st == CS_ESTOPPED;
        if (stopped)
                st = drain_quickly(&h, err);
        if (st != CS_OK || (st = report_rules(&h, &result, out, err)) != CS_OK)
                return st;
        out->near = h.around && h.in_blocks;
        out->count = counted(&h);
        out->bytes = result.bytes > h.yara.bytes ? result.bytes : h.yara.bytes;
        out->n = h.kept.n;
        out->at = h.kept.at;
        h.kept.at = NULL;
        h.kept.n = 0;
        *left_out = result.left_out + h.yara.left_out + h.not_kept;
        report->hits = out;
        return stopped ? CS_ESTOPPED : CS_OK;
}
