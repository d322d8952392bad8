/* SPDX-License-Identifier: Apache-2.0 */
#include "literals.h"

#include "budget.h"
#include "cs_limits.h"
#include "text.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Values of the table: a module and one; from SETS on, which set; SHARED: of more than a set takes. */
enum { SHARED = UINT16_MAX, SETS = 1 << 16, WHOLE_SEED = 1, FORMAT_SEED = 2, VIEW = 64 << 10 };

/* Of the budget. */
enum { LITERAL_BYTES = 6 * sizeof(struct cs_tally_slot), LITERAL_PERCENT = 10 };

struct reader {
        struct cs_literals *out;
        uint32_t module;
        struct cs_error *err;
};

static uint64_t key_of(const uint8_t *text, size_t len, unsigned seed)
{
        return XXH3_64bits_withSeed(text, len < CS_LITERAL_MOST ? len : (size_t)CS_LITERAL_MOST, seed);
}

/* One more module has a text that others have. Modules are read in their order. */
static enum cs_status share(struct reader *r, uint64_t *value)
{
        if (*value == SHARED || *value == r->module + 1)
                return CS_OK;
        if (*value < SETS) {
                struct cs_literal_set pair = { { (uint16_t)(*value - 1), (uint16_t)r->module }, 2 };
                *value = SETS + r->out->sets.n;
                return cs_vec_push(&r->out->sets, pair, r->err);
        }
        struct cs_literal_set *set = &r->out->sets.at[*value - SETS];
        if (set->modules[set->n - 1] == r->module)
                return CS_OK;
        if (set->n == CS_LITERAL_SET)
                *value = SHARED;
        else
                set->modules[set->n++] = (uint16_t)r->module;
        return CS_OK;
}

static enum cs_status enter(struct reader *r, uint64_t key)
{
        uint64_t *value;
        if (r->out->at.n >= cs_budget_entries(CS_LIMIT_LITERALS, LITERAL_BYTES, LITERAL_PERCENT)) {
                r->out->limited = true;
                return CS_OK;
        }
        enum cs_status st = cs_tally_at(&r->out->at, key, r->module + 1, &value, r->err);
        return st == CS_OK ? share(r, value) : st;
}

/* A constant, and, as a format, what stands before its first variable part. */
static enum cs_status enter_text(struct reader *r, const uint8_t *text, size_t len)
{
        const uint8_t *mark = memchr(text, '%', len);
        size_t fixed = mark ? (size_t)(mark - text) : 0;
        enum cs_status st = CS_OK;
        if (len >= CS_LITERAL_LEAST)
                st = enter(r, key_of(text, len, WHOLE_SEED));
        if (st == CS_OK && fixed >= CS_LITERAL_LEAST)
                st = enter(r, key_of(text, fixed, FORMAT_SEED));
        return st;
}

/* Strings that begin behind a NUL and end in one, within one view: what lies across two of them is left out. */
static enum cs_status enter_bytes(struct reader *r, const uint8_t *bytes, size_t len)
{
        enum cs_status st = CS_OK;
        for (size_t at = 0; st == CS_OK && at < len;) {
                const uint8_t *end = memchr(bytes + at, 0, len - at);
                if (!end)
                        break;
                size_t n = (size_t)(end - bytes) - at;
                if (n >= CS_LITERAL_LEAST && cs_text_run(bytes + at, n) == n)
                        st = enter_text(r, bytes + at, n);
                at += n + 1;
        }
        return st;
}

static enum cs_status read_section(struct reader *r, struct cs_view *view, struct cs_range range)
{
        enum cs_status st = CS_OK;
        for (uint64_t at = range.start; st == CS_OK && at < range.end;) {
                size_t got;
                size_t want = range.end - at < VIEW ? (size_t)(range.end - at) : VIEW;
                const uint8_t *bytes = cs_view_at(view, at, want, &got);
                if (!bytes) {
                        at = cs_view_past_gap(view, at, range.end);
                        continue;
                }
                st = enter_bytes(r, bytes, got);
                at += got;
        }
        return st;
}

/* Where no section headers are at hand, what is only read may be constants or relocated. */
static bool has_constants(const struct cs_section *s)
{
        return s->part == CS_PART_RODATA || (s->part == CS_PART_RELRO && !s->name);
}

enum cs_status cs_literals_build(const struct cs_image *image, const struct cs_space *space,
                                 struct cs_literals *out, struct cs_error *err)
{
        struct cs_view view;
        enum cs_status st = CS_OK;
        cs_view_init(&view, image->source);
        for (uint32_t m = 0; st == CS_OK && m < space->n_modules && m < SHARED - 1; m++) {
                struct reader r = { out, m, err };
                for (size_t i = 0; st == CS_OK && space->modules[m].maker && i < space->modules[m].n_sections;
                     i++)
                        if (has_constants(&space->modules[m].sections[i]))
                                st = read_section(&r, &view, space->modules[m].sections[i].range);
        }
        cs_view_deinit(&view);
        return st;
}

void cs_literals_deinit(struct cs_literals *literals)
{
        cs_tally_deinit(&literals->at);
        cs_vec_deinit(&literals->sets);
}

static int32_t look_up(const struct cs_literals *literals, uint64_t key)
{
        uint64_t module = cs_tally_get(&literals->at, key, 0);
        return module && module < SHARED ? (int32_t)module - 1 : CS_NO_MODULE;
}

int32_t cs_literals_owner(const struct cs_literals *literals, const uint8_t *bytes, size_t len)
{
        size_t run, fixed = 0;
        if (!literals->at.n || len < CS_LITERAL_LEAST || bytes[0] < ' ')
                return CS_NO_MODULE;
        run = cs_text_run(bytes, len < CS_LITERAL_MOST ? len : (size_t)CS_LITERAL_MOST);
        if (run < CS_LITERAL_LEAST)
                return CS_NO_MODULE;
        int32_t module = CS_NO_MODULE;
        if (run == CS_LITERAL_MOST || (run < len && !bytes[run]))
                module = look_up(literals, key_of(bytes, run, WHOLE_SEED));
        while (fixed < run && (bytes[fixed] < '0' || bytes[fixed] > '9'))
                fixed++;
        if (module == CS_NO_MODULE && fixed >= CS_LITERAL_LEAST && fixed < run)
                module = look_up(literals, key_of(bytes, fixed, FORMAT_SEED));
        return module;
}

size_t cs_literals_word(const uint8_t *bytes, size_t len)
{
        if (len < CS_LITERAL_LEAST || bytes[0] < ' ')
                return 0;
        size_t run = cs_text_run(bytes, len < CS_LITERAL_MOST ? len : (size_t)CS_LITERAL_MOST);
        return run < CS_LITERAL_LEAST || run == len || bytes[run] ? 0 : run;
}

struct cs_literal_set cs_literals_holders(const struct cs_literals *literals, const uint8_t *text, size_t len)
{
        struct cs_literal_set set = { .n = 0 };
        uint64_t value = cs_tally_get(&literals->at, key_of(text, len, WHOLE_SEED), SHARED);
        if (value >= SETS)
                return literals->sets.at[value - SETS];
        if (value < SHARED)
                set = (struct cs_literal_set){ { (uint16_t)(value - 1) }, 1 };
        return set;
}
