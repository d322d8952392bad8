/* SPDX-License-Identifier: Apache-2.0 */
#include "hits.h"

#include "cs_limits.h"
#include "digest.h"
#include "gate.h"
#include "hands.h"
#include "pulse.h"
#include "scan_yara.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* WAITING_TEXT: bytes of waiting hits' texts; with more, owners are looked for at once. */
enum {
        WAITING_TEXT = 256 << 20,
        SCRATCH_HITS = 256, /* hits after which their scratch memory is freed */
        ENDING_LOOKS = 64,  /* hits after which the time is looked at, when the end was asked for */
};

static const double ending_seconds = 0.1;

struct hits {
        const struct cs_hits_input *in;
        struct cs_report *report;
        CS_VEC(struct cs_scan_hit) waiting; /* until it is known whose they are */
        size_t told;                        /* so many of them are told */
        struct cs_pool texts;               /* of those */
        uint64_t text_bytes;
        bool in_blocks; /* some lie in a block in use */
        bool settled;
        bool asked;             /* for clusters and owners, */
        bool related;           /* and they are known */
        struct cs_hands *hands; /* instead of that, or NULL */
        struct cs_pool scratch; /* what is told of one hit */
        unsigned in_scratch;
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

/* managed: it lies in memory that a runtime manages, whose kind stays told. */
static void tell_block(const struct hits *h, uint32_t index, const struct cs_block *b, bool managed,
                       struct cs_pool *pool, struct cs_report_hit *out)
{
        const struct cs_hits_input *in = h->in;
        out->has_block = true;
        out->block = cs_block_user(b);
        out->block_size = cs_block_usable(b);
        switch (cs_block_state(b)) {
        case CS_BLOCK_IN_USE:
                out->state = "in-use";
                break;
        case CS_BLOCK_FREE:
        case CS_BLOCK_TOP:
                out->state = "free";
                break;
        case CS_BLOCK_CACHED:
                out->state = "cached";
                break;
        default:
                out->has_block = false;
                break;
        }
        if (!managed)
                out->region = cs_kind_name(!out->state                            ? CS_KIND_MALLOC_OVERHEAD
                                           : cs_block_state(b) == CS_BLOCK_IN_USE ? CS_KIND_MALLOC_USED
                                                                                  : CS_KIND_MALLOC_FREE);
        if (cs_block_state(b) != CS_BLOCK_IN_USE)
                return;
        if (h->hands) {
                int32_t near = cs_hands_owner(h->hands, index, &out->confidence);
                if (near != CS_NO_MODULE)
                        out->library = in->image->modules.at[near].name;
        }
        if (!h->related)
                return;
        if (b->cluster != CS_NO_CLUSTER)
                out->cluster = cs_pool_printf(pool, "c%" PRIu32, b->cluster + 1);
        int32_t module = cs_label_module(in->owners, index);
        if (module != CS_NO_MODULE) {
                out->library = cs_unloaded_name(in->image, in->unloaded, (size_t)module);
                out->confidence = in->owners->certainty[index] / 255.0;
        }
}

static void tell_place(struct hits *h, uint64_t addr, struct cs_pool *pool, struct cs_report_hit *out)
{
        const struct cs_region *r = cs_regions_at(h->in->regions, addr);
        struct cs_block b;
        uint32_t block = cs_blocks_holding(h->in->blocks, h->in->space, addr, &b);
        if (r) {
                out->region = cs_kind_name(r->kind);
                out->detail = r->detail;
                if (r->module != CS_NO_MODULE &&
                    (r->kind == CS_KIND_MODULE_DATA || r->kind == CS_KIND_STACK)) {
                        out->library = h->in->image->modules.at[r->module].name;
                        out->confidence = 1;
                }
        }
        if (block != CS_NO_BLOCK)
                tell_block(h, block, &b, r && cs_kind_managed(r->kind), pool, out);
}

/* ---- what it is -------------------------------------------------------------------------------------------------- */

/* Length, class and a part of the hash: enough to know a secret that one has, and no help to find one that one has not. */
static enum cs_status redact(const struct cs_scan_hit *hit, struct cs_pool *pool, struct cs_report_hit *out,
                             struct cs_error *err)
{
        uint64_t offset = hit->secret - hit->address, len = hit->secret_length;
        char hash[CS_DIGEST_TEXT] = "";
        if (offset > hit->text_len)
                offset = hit->text_len;
        if (len > hit->text_len - offset)
                len = hit->text_len - offset;
        const uint8_t *secret = hit->text + offset;
        out->redacted = true;
        out->secret_class = cs_bytes_class(secret, (size_t)len);
        if (cs_digest_bytes(secret, (size_t)len, hash))
                memcpy(out->secret_hash, hash, CS_HIT_HASH - 1);
        const char *text = cs_pool_printf(pool, "[redacted: %" PRIu64 " bytes of %s, sha256 %s]",
                                          hit->secret_length, out->secret_class, out->secret_hash);
        if (!text)
                return cs_fail(err, CS_ENOMEM, "hits");
        out->match = (struct cs_text){ text, strlen(text) };
        return CS_OK;
}

static enum cs_status tell(struct hits *h, const struct cs_scan_hit *hit, struct cs_pool *pool,
                           struct cs_report_hit *out, struct cs_error *err)
{
        const struct cs_rule *rule = &h->in->wanted->rules->at.at[hit->rule];
        *out = (struct cs_report_hit){ .rule = rule->id,
                                       .address = hit->address,
                                       .length = hit->length,
                                       .secret_address = hit->secret,
                                       .secret_length = hit->secret_length };
        tell_place(h, hit->address, pool, out);
        if (rule->redact && !h->in->wanted->reveal)
                return redact(hit, pool, out, err);
        const char *text = cs_pool_copy(pool, hit->text, hit->text_len);
        if (!text)
                return cs_fail(err, CS_ENOMEM, "hits");
        out->match = (struct cs_text){ text, hit->text_len };
        return CS_OK;
}

/* ---- handing on -------------------------------------------------------------------------------------------------- */

static enum cs_status hand_on(struct hits *h, const struct cs_scan_hit *hit, struct cs_error *err)
{
        const struct cs_hits_wanted *w = h->in->wanted;
        struct cs_report_hit told;
        enum cs_status st;
        if (w->take) {
                if ((st = tell(h, hit, &h->scratch, &told, err)) == CS_OK)
                        st = w->take(w->context, &told, err);
                if (++h->in_scratch == SCRATCH_HITS) {
                        cs_pool_reset(&h->scratch);
                        h->in_scratch = 0;
                }
                return st;
        }
        if (h->kept.n >= CS_LIMIT_HITS_KEPT) {
                h->not_kept++;
                return CS_OK;
        }
        struct cs_pool *pool = &h->report->pool;
        if ((st = tell(h, hit, pool, &told, err)) != CS_OK)
                return st;
        /* The report outlives what these belong to. */
        if ((told.detail && !(told.detail = cs_pool_copy(pool, told.detail, strlen(told.detail)))) ||
            (told.library && !(told.library = cs_pool_copy(pool, told.library, strlen(told.library)))))
                return cs_fail(err, CS_ENOMEM, "hits");
        return cs_vec_push(&h->kept, told, err);
}

static double seconds_now(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void forget_waiting(struct hits *h)
{
        cs_vec_deinit(&h->waiting);
        cs_pool_deinit(&h->texts);
        h->text_bytes = h->told = 0;
}

static enum cs_status ask_owners(struct hits *h, struct cs_error *err)
{
        double start = seconds_now();
        h->asked = true;
        enum cs_status st = h->in->relate(h->in->context, &h->related, err);
        h->relating = seconds_now() - start;
        return st;
}

/* Those that wait, until somebody asks for the end. */
static enum cs_status drain(struct hits *h, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        if (h->in_blocks && !h->asked && !h->hands)
                st = ask_owners(h, err);
        for (; st == CS_OK && h->told < h->waiting.n; h->told += st == CS_OK)
                if ((st = cs_pulse(0, 0, err)) == CS_OK)
                        st = hand_on(h, &h->waiting.at[h->told], err);
        if (st == CS_OK)
                forget_waiting(h);
        return st;
}

/* Those that still wait when the end was asked for. */
static enum cs_status drain_quickly(struct hits *h, struct cs_error *err)
{
        const double until = seconds_now() + ending_seconds;
        enum cs_status st = CS_OK;
        for (; st == CS_OK && h->told < h->waiting.n; h->told++) {
                if (h->told % ENDING_LOOKS == 0 && seconds_now() > until)
                        break;
                st = hand_on(h, &h->waiting.at[h->told], err);
        }
        h->not_kept += h->waiting.n - h->told;
        return st;
}

static enum cs_status settle(struct hits *h, struct cs_error *err)
{
        bool relates = false;
        if (h->settled)
                return CS_OK;
        h->settled = true;
        enum cs_status st = h->in->settle(h->in->context, &relates, err);
        if (st != CS_OK || relates)
                return st;
        h->hands = malloc(sizeof(*h->hands));
        if (!h->hands)
                return cs_fail(err, CS_ENOMEM, "hits");
        cs_hands_init(h->hands, h->in->image, h->in->space, h->in->blocks);
        return CS_OK;
}

static enum cs_status on_hit(struct hits *h, const struct cs_scan_hit *found, struct cs_error *err)
{
        struct cs_scan_hit hit = *found;
        const bool ending = cs_stop_asked(); /* then they all wait, for the time that is left to be shared */
        enum cs_status st = ending ? CS_OK : settle(h, err);
        if (st != CS_OK)
                return st;
        if (!h->settled) {
                h->not_kept++;
                return CS_OK;
        }
        h->counts[hit.rule]++;
        h->in_blocks = h->in_blocks || in_use(h->in, hit.address);
        if (!ending && (h->asked || h->hands))
                return hand_on(h, &hit, err);
        hit.text = (const uint8_t *)cs_pool_copy(&h->texts, hit.text, hit.text_len);
        if (!hit.text)
                return cs_fail(err, CS_ENOMEM, "hits");
        h->text_bytes += hit.text_len;
        st = cs_vec_push(&h->waiting, hit, err);
        if (st == CS_OK && !ending &&
            (h->waiting.n >= CS_LIMIT_HITS_WAITING || h->text_bytes >= WAITING_TEXT))
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

static enum cs_status on_hits(void *context, const struct cs_scan_hit *hits, size_t n, struct cs_error *err)
{
        struct hits *h = context;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < n; i++) {
                st = tell_yara(h, hits[i].address, err);
                if (st == CS_OK)
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
        cs_pool_deinit(&h->scratch);
        cs_scan_yara_deinit(&h->yara);
        if (h->hands)
                cs_hands_deinit(h->hands);
        free(h->hands);
        free(h->counts);
}

enum cs_status cs_hits_find(const struct cs_hits_input *input, struct cs_report *report, uint64_t *left_out,
                            struct cs_error *err)
{
        size_t n = input->wanted->rules->at.n;
        cs_cleanup(hits_deinit) struct hits h = { .in = input,
                                                  .report = report,
                                                  .counts = calloc(n + 1, sizeof(*h.counts)) };
        struct cs_report_hits *out = cs_pool_alloc(&report->pool, 1, sizeof(*out));
        if (!h.counts || !out)
                return cs_fail(err, CS_ENOMEM, "hits");
        const struct cs_scan_input scan = { .image = input->image,
                                            .regions = input->searched,
                                            .residency = input->residency,
                                            .rules = input->wanted->set,
                                            .n_rules = n,
                                            .workers = input->workers,
                                            .beside = input->beside,
                                            .progress = input->progress,
                                            .progress_context = input->progress_context };
        cs_cleanup(cs_scan_result_deinit) struct cs_scan_result result = { 0 };
        double start = seconds_now();
        enum cs_status st = cs_scan_yara(&scan, input->wanted->rules, &h.yara, err);
        if (st == CS_OK && has_regexes(input->wanted->rules))
                st = cs_scan(&scan, on_hits, &h, &result, err);
        if (st == CS_OK)
                st = tell_yara(&h, UINT64_MAX, err);
        out->seconds = seconds_now() - start - h.relating;
        if (st == CS_OK)
                st = drain(&h, err);
        const bool stopped = st == CS_ESTOPPED;
        if (stopped)
                st = drain_quickly(&h, err);
        if (st != CS_OK || (st = report_rules(&h, &result, out, err)) != CS_OK)
                return st;
        out->near = h.hands && h.in_blocks;
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
