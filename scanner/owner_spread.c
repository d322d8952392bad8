/* SPDX-License-Identifier: Apache-2.0 */
#include "owner_spread.h"

#include "ballots.h"
#include "blockqueue.h"
#include "heaptypes.h"
#include "pulse.h"

#include <stdlib.h>

enum {
        WHOLE = 255,
        VOTE = 3000, /* one vote's weight for a block with a single reference; of many, each gets a part */
        DEGREE_FREE = 3,
        FLOOR = 20, /* the end of a long list is as sure as its middle */
        UP = 100,   /* of 255: what a block leads to says less than what leads to it */
        BY_TYPE = 180,
        BY_PEER = 45,
        KINDS = 4096,
        PEERS_LEAST = 4,
        PEERS_PART = 8,
        AROUND = 8,
        FETCH = 16, /* blocks and references: so far ahead what is said of them is asked for */
};

/* By aim: what a reference keeps of the certainty (of 255), and what part of a vote it is (halved so often). So no vote is as
 * sure as SETTLED. */
static const uint32_t STEP[] = { 80, 240, 250 };
static const uint32_t PART[] = { 6, 1, 0 };

/* Where certainty falls below these, those that lead to decided blocks are asked. */
static const uint8_t UPWARD[] = { 140, 100, 60, 30, 10, 1 };

/* How often an answer that was given at that certainty is right (the owner, its caller, or the next module up), measured on
 * the programs that tests/accuracy/split.txt calls tuned-on; between two of them, in a line. */
static const struct {
        uint8_t given;
        uint8_t right; /* of 255 */
} CALIBRATED[] = { { 0, 120 },   { 25, 150 },  { 51, 180 },  { 77, 212 },  { 128, 224 },
                   { 141, 236 }, { 166, 242 }, { 204, 246 }, { 230, 251 }, { 255, 254 } };

struct spread {
        const struct cs_spread_input *in;
        struct cs_labels *labels;
        struct cs_heaptypes types;
        struct cs_ballots ballots;
        struct cs_block_queue queue[WHOLE + 1]; /* by certainty */
        struct cs_error *err;
};

static void spread_deinit(struct spread *s)
{
        cs_heaptypes_deinit(&s->types);
        cs_ballots_deinit(&s->ballots);
        for (size_t i = 0; i <= WHOLE; i++)
                cs_block_queue_deinit(&s->queue[i]);
}

static bool decided(const struct spread *s, uint32_t i)
{
        return cs_ballots_decided(&s->ballots, i);
}

/* The first block of group g whose bit is left. */
static uint32_t next_of(uint32_t g, uint64_t left)
{
        return g * 64 + (uint32_t)__builtin_ctzll(left);
}

static bool in_use(const struct spread *s, uint32_t i)
{
        return cs_blocks_state(s->in->blocks, i) == CS_BLOCK_IN_USE;
}

/* What a label of that certainty is worth to one of `degree` neighbours. */
static uint32_t weight(uint32_t certainty, uint64_t degree)
{
        uint64_t root = 0; /* rounded to a power of two */
        for (uint64_t d = degree; d > 1; d /= 4)
                root = root ? root * 2 : 2;
        return certainty * VOTE / WHOLE / (DEGREE_FREE + (uint32_t)root) + 1;
}

/* A vote for a block. It is queued anew where the vote made it surer; where it is decided the vote is only noted: see amend. What is sure by
 * itself asks nobody. */
static enum cs_status vote(struct spread *s, uint32_t to, uint16_t module, uint32_t certainty, uint32_t w)
{
        if (cs_ballots_closed(&s->ballots, to))
                return CS_OK;
        uint32_t *place = cs_ballots_place(&s->ballots, to);
        uint8_t sure;
        if (cs_ballots_agree(&s->ballots, place, module, certainty, w, &sure))
                return sure ? cs_block_queue_push(&s->queue[sure], to, s->err) : CS_OK;
        struct cs_ballot b = cs_ballots_get(&s->ballots, place);
        cs_ballot_cast(&b, module, certainty, w);
        sure = cs_ballot_surety(&b);
        bool surer = sure > b.queued; /* and not settled: none is as sure */
        if (surer)
                b.queued = sure;
        enum cs_status st = cs_ballots_put(&s->ballots, place, b, s->err);
        return st == CS_OK && surer ? cs_block_queue_push(&s->queue[sure], to, s->err) : st;
}

static struct cs_reference_walk references_of(const struct spread *s, uint32_t i)
{
        return cs_references_of(&s->in->graph->references, i);
}

/* A ballot is a cache miss, for most references: those that a block will vote for are asked for early, or the first of them. */
static void fetch_ballots(const struct spread *s, uint32_t i)
{
        struct cs_reference_walk walk = references_of(s, i);
        enum cs_aim aim;
        uint32_t to;
        for (uint32_t n = 0; n < FETCH && cs_reference_next(&walk, &to, &aim); n++)
                cs_ballots_fetch(&s->ballots, to);
}

/* Votes of a decided block for what it refers to. */
static enum cs_status vote_down(struct spread *s, uint32_t i)
{
        struct cs_reference_walk walk = references_of(s, i);
        uint32_t certainty = s->labels->certainty[i], to[FETCH], known = 0;
        uint16_t module = s->labels->module[i];
        enum cs_status st = CS_OK;
        enum cs_aim aims[FETCH];
        /* Most have few, which are unpacked only once to be counted. */
        while (known < FETCH && cs_reference_next(&walk, &to[known], &aims[known]))
                known++;
        uint32_t w = weight(certainty, known + cs_references_left(walk));
        for (uint32_t k = 0; st == CS_OK && (k < known || cs_reference_next(&walk, &to[0], &aims[0])); k++) {
                enum cs_aim aim = aims[k < known ? k : 0];
                uint32_t kept = certainty * STEP[aim] / WHOLE, part = (w >> PART[aim]) + 1;
                if (kept < FLOOR && certainty >= FLOOR)
                        kept = FLOOR;
                st = vote(s, to[k < known ? k : 0], module, kept, part);
        }
        return st;
}

/* What those say of themselves that block i leads to. */
static void fetch_labels(const struct spread *s, uint32_t i)
{
        struct cs_reference_walk walk = references_of(s, i);
        enum cs_aim aim;
        uint32_t to;
        for (uint32_t n = 0; n < FETCH && cs_reference_next(&walk, &to, &aim); n++) {
                __builtin_prefetch(&s->labels->certainty[to]);
                __builtin_prefetch(&s->labels->module[to]);
        }
}

/* The votes of decided blocks for one that leads to them. */
static enum cs_status ask_below(struct spread *s, uint32_t i)
{
        struct cs_reference_walk walk = references_of(s, i);
        enum cs_status st = CS_OK;
        enum cs_aim aim;
        uint32_t to;
        while (st == CS_OK && cs_reference_next(&walk, &to, &aim)) {
                uint32_t certainty = decided(s, to) ? (uint32_t)s->labels->certainty[to] * UP / WHOLE : 0;
                if (certainty)
                        st = vote(s, i, s->labels->module[to], certainty * STEP[aim] / WHOLE,
                                  (weight(certainty, 0) >> PART[aim]) + 1);
        }
        return st;
}

/* The votes of decided blocks for those that lead to them and are not. */
static enum cs_status vote_up(struct spread *s)
{
        enum cs_status st = CS_OK;
        uint32_t n = cs_blocks_indices(s->in->blocks);
        uint64_t steps = 0;
        for (uint32_t g = 0; st == CS_OK && g < cs_ballots_groups(n); g++) {
                uint64_t open = cs_ballots_undecided(&s->ballots, g);
                for (uint64_t left = open; left; left &= left - 1)
                        fetch_labels(s, next_of(g, left));
                for (uint64_t left = open; st == CS_OK && left; left &= left - 1)
                        if ((st = cs_pulse_at(++steps, 0, s->err)) == CS_OK)
                                st = ask_below(s, next_of(g, left));
        }
        return st;
}

/* The next blocks of a queue, which were taken out of it early: so what deciding them will look at can be asked for. */
enum { AHEAD_STEPS = 8, AHEAD = 4 * AHEAD_STEPS };

struct ahead {
        struct cs_block_queue *queue;
        uint32_t at[AHEAD];
        uint64_t taken, done;
};

/* The next one, or false where there is none. Asks for the ballots of those behind it, where their references are, these, and their
 * ballots. */
static bool next_queued(const struct spread *s, struct ahead *a, uint32_t *block)
{
        uint32_t i;
        while (a->taken <= a->done + 3 * AHEAD_STEPS && cs_block_queue_next(a->queue, &i)) {
                cs_ballots_fetch(&s->ballots, i);
                cs_references_fetch(&s->in->graph->references, i);
                a->at[a->taken++ % AHEAD] = i;
        }
        if (a->done + 2 * AHEAD_STEPS < a->taken)
                __builtin_prefetch(references_of(s, a->at[(a->done + 2 * AHEAD_STEPS) % AHEAD]).at);
        if (a->done + AHEAD_STEPS < a->taken) {
                i = a->at[(a->done + AHEAD_STEPS) % AHEAD];
                __builtin_prefetch(&s->labels->module[i], 1);
                __builtin_prefetch(&s->labels->certainty[i], 1);
                fetch_ballots(s, i);
        }
        if (a->done == a->taken)
                return false;
        *block = a->at[a->done++ % AHEAD];
        return true;
}

static enum cs_status decide(struct spread *s, uint32_t i, uint16_t module, uint8_t sure)
{
        cs_ballots_decide(&s->ballots, i);
        s->labels->module[i] = module;
        s->labels->certainty[i] = sure;
        return vote_down(s, i);
}

/* Gives the surest answer that is queued at this certainty, and so on. */
static enum cs_status decide_at(struct spread *s, uint8_t sure)
{
        enum cs_status st = CS_OK;
        struct ahead ahead = { .queue = &s->queue[sure] };
        uint32_t i;
        while (st == CS_OK && next_queued(s, &ahead, &i)) {
                if (ahead.done % CS_PULSE_EVERY == 0 && (st = cs_pulse(0, 0, s->err)) != CS_OK)
                        break;
                uint32_t *place = cs_ballots_place(&s->ballots, i);
                if (cs_ballots_settle(place, sure)) {
                        st = decide(s, i, cs_ballots_agreed(&s->ballots, place), sure);
                        continue;
                }
                struct cs_ballot b = cs_ballots_get(&s->ballots, place);
                if (b.queued != sure)
                        continue;
                uint8_t now = cs_ballot_surety(&b);
                bool surely = now >= sure; /* or others have spoken against it since */
                b.queued = surely ? (uint8_t)CS_BALLOT_SETTLED : now;
                if ((st = cs_ballots_put(&s->ballots, place, b, s->err)) != CS_OK)
                        break;
                if (surely)
                        st = decide(s, i, b.module, sure);
                else if (now)
                        st = cs_block_queue_push(&s->queue[now], i, s->err);
        }
        cs_block_queue_deinit(&s->queue[sure]);
        return st;
}

/* From the surest on down. Who is decided votes for others, who are never surer. */
static enum cs_status run(struct spread *s)
{
        enum cs_status st = CS_OK;
        size_t next = 0;
        for (int sure = WHOLE; st == CS_OK && sure > 0; sure--) {
                /* A vote may be as sure as the voter: what was queued here meanwhile is taken in the same pass. */
                st = decide_at(s, (uint8_t)sure);
                if (st != CS_OK || next == sizeof(UPWARD) || sure > UPWARD[next])
                        continue;
                next++;
                st = vote_up(s);
                sure = WHOLE; /* votes from below may be surer than what is queued */
        }
        return st;
}

/* Blocks that refer to a type in the heap are of that type, or hold some that are. */
static void ask_types(struct spread *s)
{
        uint32_t n = cs_blocks_indices(s->in->blocks);
        for (uint32_t i = 0; s->types.n && i < n; i++) {
                struct cs_ballot b = { 0 };
                if (!in_use(s, i) || s->labels->certainty[i] >= CS_SPREAD_SURE ||
                    cs_heaptypes_module(&s->types, i) != CS_NO_MODULE)
                        continue;
                struct cs_reference_walk walk = references_of(s, i);
                enum cs_aim aim;
                uint32_t to;
                while (cs_reference_next(&walk, &to, &aim)) {
                        int32_t module =
                                aim == CS_AIM_START ? cs_heaptypes_module(&s->types, to) : CS_NO_MODULE;
                        if (module != CS_NO_MODULE)
                                cs_ballot_cast(&b, (uint16_t)(module + 1), BY_TYPE, 1);
                }
                if (b.lead)
                        cs_label_set(s->labels, i, (uint32_t)b.module - 1, BY_TYPE);
        }
}

/* What is known of a kind of blocks. */
struct kind {
        struct cs_ballot ballot;
        uint32_t blocks;
};

/* Counts the kinds of blocks: a kind is a size, of what refers to something; what refers to nothing may be anything. Blocks
 * that say nothing are given the number of theirs (and one) by the places of their ballots, which nobody needs as yet. */
static void count_kinds(struct spread *s, struct kind *kinds)
{
        struct cs_block_cursor cursor = cs_blocks_all(s->in->blocks);
        struct cs_block b;
        uint32_t i;
        while (cs_blocks_next_any(&cursor, &b, &i)) {
                uint64_t kind = b.size / CS_BLOCK_UNIT;
                if (b.state != CS_BLOCK_IN_USE || kind >= KINDS)
                        continue;
                struct cs_reference_walk walk = references_of(s, i);
                if (walk.at == walk.end)
                        continue;
                kinds[kind].blocks++;
                if (s->labels->module[i])
                        cs_ballot_cast(&kinds[kind].ballot, s->labels->module[i], BY_PEER, 1);
                else
                        *cs_ballots_place(&s->ballots, i) = (uint32_t)kind + 1;
        }
}

/* Blocks of one kind of which some say whose they are, and most of these the same: so are the others. */
static enum cs_status ask_peers(struct spread *s)
{
        uint32_t n = cs_blocks_indices(s->in->blocks);
        struct kind *kinds = calloc(KINDS, sizeof(*kinds));
        if (!kinds)
                return cs_fail(s->err, CS_ENOMEM, "kinds of blocks");
        count_kinds(s, kinds);
        uint32_t *number = s->ballots.at; /* ballots are in the order of the blocks */
        for (uint32_t g = 0; g < cs_ballots_groups(n); g++)
                for (uint64_t left = cs_ballots_opened(&s->ballots, g); left; left &= left - 1, number++) {
                        if (!*number)
                                continue;
                        const struct kind *k = &kinds[*number - 1];
                        *number = 0;
                        if (k->ballot.all >= PEERS_LEAST && k->ballot.all >= k->blocks / PEERS_PART &&
                            k->ballot.lead >= k->ballot.all / 2)
                                cs_label_set(s->labels, next_of(g, left), (uint32_t)k->ballot.module - 1,
                                             BY_PEER);
                }
        free(kinds);
        return CS_OK;
}

/* Who is sure by himself is decided. He has no ballot, nor has what is no block in use, to which nothing leads. */
static enum cs_status open_ballots(struct spread *s)
{
        uint32_t n = cs_blocks_indices(s->in->blocks);
        enum cs_status st = cs_ballots_init(&s->ballots, n, s->err);
        for (uint32_t g = 0; st == CS_OK && g < cs_ballots_groups(n); g++) {
                uint64_t sure = 0, used = 0;
                for (uint32_t i = g * 64, k = 0; k < 64 && k < n - g * 64; k++) {
                        sure |= (uint64_t)(s->labels->certainty[i + k] >= CS_SPREAD_SURE) << k;
                        used |= (uint64_t)in_use(s, i + k) << k;
                }
                cs_ballots_close(&s->ballots, g, sure | ~used, sure);
        }
        return st == CS_OK ? cs_ballots_open(&s->ballots, n, s->err) : st;
}

/* The sure ones need no queue: all of them vote before anybody else is decided. */
static enum cs_status sure_votes(struct spread *s)
{
        uint32_t n = cs_blocks_indices(s->in->blocks), groups = cs_ballots_groups(n);
        enum cs_status st = CS_OK;
        for (uint32_t g = 0; st == CS_OK && g < groups; g++) {
                for (uint64_t left = g + 1 < groups ? cs_ballots_known(&s->ballots, g + 1) : 0; left;
                     left &= left - 1)
                        fetch_ballots(s, next_of(g + 1, left));
                st = cs_pulse_at(g * UINT64_C(64), n, s->err);
                for (uint64_t left = cs_ballots_known(&s->ballots, g); st == CS_OK && left; left &= left - 1)
                        st = vote_down(s, next_of(g, left));
        }
        return st;
}

/* What the other blocks say themselves, and what roots say. */
static enum cs_status first_votes(struct spread *s)
{
        uint32_t n = cs_blocks_indices(s->in->blocks);
        enum cs_status st = CS_OK;
        for (uint32_t g = 0; st == CS_OK && g < cs_ballots_groups(n); g++) {
                st = cs_pulse_at(g * UINT64_C(64), n, s->err);
                for (uint64_t left = cs_ballots_undecided(&s->ballots, g); st == CS_OK && left;
                     left &= left - 1) {
                        uint32_t i = next_of(g, left);
                        uint8_t certainty = s->labels->certainty[i];
                        if (certainty)
                                st = vote(s, i, s->labels->module[i], certainty, weight(certainty, 0));
                }
        }
        for (size_t i = 0; st == CS_OK && i < s->in->graph->votes.n; i++) {
                const struct cs_root_vote *v = &s->in->graph->votes.at[i];
                if (!decided(s, v->to))
                        st = vote(s, v->to, (uint16_t)(v->module + 1), v->certainty, weight(v->certainty, 0));
        }
        return st;
}

static uint8_t calibrated(uint8_t given)
{
        size_t i = 1;
        while (CALIBRATED[i].given < given)
                i++;
        int from = CALIBRATED[i - 1].given, low = CALIBRATED[i - 1].right;
        return (uint8_t)(low + (CALIBRATED[i].right - low) * (given - from) / (CALIBRATED[i].given - from));
}

static void calibrate(struct spread *s)
{
        uint32_t n = cs_blocks_indices(s->in->blocks);
        uint8_t right[WHOLE + 1];
        for (int given = 0; given <= WHOLE; given++)
                right[given] = calibrated((uint8_t)given);
        for (uint32_t i = 0; i < n; i++)
                if (decided(s, i))
                        s->labels->certainty[i] = right[s->labels->certainty[i]];
}

/* Who was decided by the first that voted may have been wrong: others voted later. What they all say together counts. */
static void amend(struct spread *s)
{
        uint32_t n = cs_blocks_indices(s->in->blocks);
        const uint32_t *place = s->ballots.at; /* ballots are in the order of the blocks */
        for (uint32_t g = 0; s->ballots.disputed.n && g < cs_ballots_groups(n); g++)
                for (uint64_t left = cs_ballots_opened(&s->ballots, g); left; left &= left - 1, place++) {
                        uint32_t i = next_of(g, left);
                        if (!(*place & CS_BALLOT_DISPUTED) || !decided(s, i))
                                continue;
                        struct cs_ballot b = cs_ballots_get(&s->ballots, place);
                        if (b.module == s->labels->module[i] || b.lead < b.all / 4)
                                continue;
                        s->labels->module[i] = b.module;
                        s->labels->certainty[i] = cs_ballot_surety(&b);
                }
}

/* What a neighbour's label is worth: the nearer the more, and before the block more than behind it. */
static uint32_t nearness(const struct spread *s, uint32_t at, uint32_t distance, bool before)
{
        return weight(s->labels->certainty[at], 0) /
                       (before ? distance * distance : 2 * distance * distance) +
               1;
}

/* The module that most of those around block i speak for: the sums are kept by the first neighbour of each. 0: none. */
static uint16_t ask_around(const struct spread *s, uint32_t i, uint32_t n, uint8_t *certainty)
{
        uint16_t modules[2 * AROUND], best = 0;
        uint32_t sums[2 * AROUND], all = 0, most = 0;
        size_t known = 0;
        for (uint32_t k = 0; k < 2 * AROUND; k++) {
                uint32_t distance = k / 2 + 1, at = k % 2 ? i + distance : i - distance;
                size_t m = 0;
                if ((k % 2 ? n - i <= distance : i < distance) || !decided(s, at))
                        continue;
                while (m < known && modules[m] != s->labels->module[at])
                        m++;
                if (m == known) {
                        modules[known] = s->labels->module[at];
                        sums[known++] = 0;
                }
                uint32_t w = nearness(s, at, distance, k % 2 == 0);
                sums[m] += w;
                all += w;
                if (sums[m] > most) {
                        most = sums[m];
                        best = modules[m];
                }
        }
        if (all)
                *certainty = (uint8_t)((uint64_t)WHOLE / 2 * most / all);
        return best;
}

/* The owner of the last of these blocks of group g that is in use; `before` where there is none. */
static uint16_t last_of(const struct spread *s, uint32_t g, uint64_t bits, uint16_t before)
{
        while (bits) {
                unsigned last = 63 - (unsigned)__builtin_clzll(bits);
                if (in_use(s, g * 64 + last))
                        return s->labels->module[g * 64 + last];
                bits ^= UINT64_C(1) << last;
        }
        return before;
}

/* What nothing leads to or from: as those beside it, which were often allocated together with it. */
static enum cs_status ask_neighbours(struct spread *s)
{
        uint32_t n = cs_blocks_indices(s->in->blocks);
        uint16_t before = 0; /* the owner of the last decided block of the groups before */
        enum cs_status st = CS_OK;
        for (uint32_t g = 0; st == CS_OK && g < cs_ballots_groups(n); g++) {
                const uint64_t decided = cs_ballots_known(&s->ballots, g);
                st = cs_pulse_at(g * UINT64_C(64), n, s->err);
                for (uint64_t left = cs_ballots_undecided(&s->ballots, g); left; left &= left - 1) {
                        uint32_t i = next_of(g, left);
                        uint16_t *module = &s->labels->module[i];
                        *module = ask_around(s, i, n, &s->labels->certainty[i]);
                        if (!*module &&
                            (*module = last_of(s, g, decided & ((left & -left) - 1), before)) != 0)
                                s->labels->certainty[i] = 1;
                }
                before = last_of(s, g, decided, before);
        }
        return st;
}

enum cs_status cs_owner_spread(const struct cs_spread_input *in, struct cs_labels *labels,
                               struct cs_error *err)
{
        cs_cleanup(spread_deinit) struct spread s = { .in = in, .labels = labels, .err = err };
        uint32_t n = cs_blocks_indices(in->blocks);
        enum cs_status st = cs_heaptypes_find(in->graph, n, in->modules, &s.types, err);
        if (st != CS_OK)
                return st;
        ask_types(&s);
        if ((st = open_ballots(&s)) != CS_OK || (st = ask_peers(&s)) != CS_OK ||
            (st = sure_votes(&s)) != CS_OK || (st = first_votes(&s)) != CS_OK || (st = run(&s)) != CS_OK)
                return st;
        amend(&s);
        if ((st = ask_neighbours(&s)) == CS_OK)
                calibrate(&s);
        return st;
}
