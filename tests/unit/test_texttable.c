/* SPDX-License-Identifier: Apache-2.0 */
/* Counting texts by template in bounded memory: exact while there is room, and within the bound that is stated when there is
 * not, whoever chose the texts. */
#include "bytes.h"
#include "strings.h"
#include "texttable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEPT = 64, UNIT = 50 };

struct stream {
        struct cs_text_table table;
        struct cs_text_unit unit;
        struct cs_masks masks;
        uint64_t address;
        size_t unit_texts;
};

static void begin(struct stream *s, size_t unit_texts)
{
        struct cs_error err;
        *s = (struct stream){ .address = 0x1000, .unit_texts = unit_texts };
        assert_int_equal(cs_text_table_init(&s->table, KEPT, &err), CS_OK);
        assert_int_equal(cs_masks_init(&s->masks, &err), CS_OK);
        cs_text_unit_begin(&s->unit, 1);
}

static void flush(struct stream *s)
{
        struct cs_error err;
        assert_int_equal(cs_text_table_add(&s->table, &s->unit, &err), CS_OK);
        cs_text_unit_begin(&s->unit, s->unit.serial + 1);
}

static void put_at(struct stream *s, const char *text, struct cs_text_place place)
{
        struct cs_error err;
        size_t len = strlen(text);
        place.address = s->address;
        place.bytes = len;
        place.value = cs_template_key(text, len, false, false);
        s->address += len + 1;
        uint32_t masked = cs_masks_get(&s->masks, (const uint8_t *)text, len, false, place.value);
        assert_int_equal(cs_text_unit_add(&s->unit, &s->masks, masked, &place, &err), CS_OK);
        if (s->unit.count == s->unit_texts)
                flush(s);
}

static void put(struct stream *s, const char *text)
{
        put_at(s, text,
               (struct cs_text_place){ .block = CS_NOBODY,
                                       .cluster = CS_NOBODY,
                                       .module = CS_NOBODY,
                                       .state = CS_TEXT_ELSEWHERE });
}

static void finish(struct stream *s)
{
        struct cs_error err;
        flush(s);
        assert_int_equal(cs_text_table_finish(&s->table, &err), CS_OK);
}

static void end(struct stream *s)
{
        cs_text_unit_deinit(&s->unit);
        cs_masks_deinit(&s->masks);
        cs_text_table_deinit(&s->table);
}

static const struct cs_text_row *row_of(const struct stream *s, const char *text)
{
        for (size_t i = 0; i < s->table.n; i++)
                if (strcmp(s->table.at[i].entry.text, text) == 0)
                        return &s->table.at[i];
        return NULL;
}

static void counts_are_exact_while_there_is_room(void **state)
{
        static const size_t units[] = { 1, 7, 1000000 };
        (void)state;
        for (size_t u = 0; u < 3; u++) {
                struct stream s;
                char text[64];
                begin(&s, units[u]);
                for (int i = 0; i < 1000; i++) {
                        (void)snprintf(text, sizeof(text), "request %d took %d ms", i % 300, i);
                        put(&s, text);
                        if (i % 10 == 0)
                                put(&s, "nothing happened at all");
                }
                finish(&s);
                assert_int_equal(s.table.n, 2);
                const struct cs_text_row *row = row_of(&s, "request <n> took <n> ms");
                assert_non_null(row);
                assert_int_equal(row->entry.facts.count, 1000);
                assert_in_range(cs_text_row_values(row), 850, 1000);
                assert_int_equal(cs_text_table_missing(&s.table, row).count, 0);
                row = row_of(&s, "nothing happened at all");
                assert_non_null(row);
                assert_int_equal(row->entry.facts.count, 100);
                assert_int_equal(row->entry.facts.bytes, 2300);
                assert_int_equal(cs_text_row_values(row), 1);
                assert_int_equal(s.table.lost.count, 0);
                assert_int_equal(cs_text_table_error(&s.table), 0);
                end(&s);
        }
}

/* A text with a form of its own, which no merging takes for another's. */
static void form(uint32_t id, char text[64])
{
        size_t n = 0;
        for (unsigned bit = 0; bit < 18; bit++) {
                text[n++] = 'w';
                text[n++] = id >> bit & 1 ? ',' : ';';
        }
        text[n++] = 'w';
        text[n] = 0;
}

enum { IDS = 1 << 18 };

enum order { ROUND_AND_ROUND, HEAVY_AMONG_NEW, HEAVY_FIRST, HEAVY_LAST, ALL_NEW, ORDERS };

static uint32_t chosen(enum order order, uint32_t i, uint32_t n)
{
        uint32_t fresh = 1000 + i;
        switch (order) {
        case ROUND_AND_ROUND: /* one more than there is room for */
                return i % (2 * KEPT + 1);
        case HEAVY_AMONG_NEW: /* each of ten comes again when all else is new */
                return i % 40 == 0 ? i / 40 % 10 : fresh;
        case HEAVY_FIRST:
                return i < n / 4 ? i % 20 : fresh;
        case HEAVY_LAST:
                return i < n / 4 * 3 ? fresh : i % 20;
        default:
                return fresh;
        }
}

static void counts_keep_to_the_bound(void **state)
{
        (void)state;
        for (enum order order = 0; order < ORDERS; order++) {
                enum { TEXTS = 30000 };
                struct stream s;
                char text[64];
                uint32_t *truth = calloc(IDS, sizeof(*truth));
                assert_non_null(truth);
                begin(&s, UNIT);
                for (uint32_t i = 0; i < TEXTS; i++) {
                        uint32_t id = chosen(order, i, TEXTS);
                        truth[id]++;
                        form(id, text);
                        put(&s, text);
                }
                finish(&s);
                const struct cs_text_table *t = &s.table;
                uint64_t kept = 0, missed = 0;
                assert_int_equal(t->all.count, TEXTS);
                assert_true(t->lost.count > 0);
                const uint64_t error = cs_text_table_error(t);
                assert_true(error <= 2 * t->all.bytes / KEPT);
                assert_in_range(t->n, 1, 2 * KEPT);
                for (uint32_t id = 0; id < IDS; id++) {
                        if (!truth[id])
                                continue;
                        form(id, text);
                        const struct cs_text_row *row = row_of(&s, text);
                        uint64_t bytes = truth[id] * strlen(text);
                        if (!row) {
                                assert_true(bytes <= error);
                                missed++;
                                continue;
                        }
                        const struct cs_text_facts *f = &row->entry.facts;
                        struct cs_text_sum missing = cs_text_table_missing(t, row);
                        kept += f->count;
                        assert_true(f->count <= truth[id]);
                        assert_true(f->count + missing.count >= truth[id]);
                        assert_true(f->bytes + missing.bytes >= bytes);
                        assert_true(missing.bytes <= error);
                }
                assert_int_equal(kept + t->lost.count, TEXTS);
                assert_true(missed > 0);
                free(truth);
                end(&s);
        }
}

/* Words that no mask knows: each text is another one, and all are one template. */
static void what_one_source_wrote_is_merged_before_anything_is_dropped(void **state)
{
        struct stream s;
        char text[96];
        uint64_t seed = 1;
        (void)state;
        begin(&s, UNIT);
        for (int i = 0; i < 20000; i++) {
                char word[8] = { 0 };
                uint64_t r = cs_mix(seed++);
                for (int k = 0; k < 6; k++, r /= 26)
                        word[k] = (char)('a' + r % 26);
                (void)snprintf(text, sizeof(text), "session opened for user %s by the gate", word);
                put(&s, text);
                (void)snprintf(text, sizeof(text), "cannot open /srv/data/%s/index, trying again", word);
                put(&s, text);
                if (i % 100 == 0)
                        put(&s, "disk is full, doing nothing");
        }
        finish(&s);
        assert_int_equal(s.table.lost.count, 0);
        assert_int_equal(s.table.n, 3);
        const struct cs_text_row *row = row_of(&s, "session opened for user <*> by the gate");
        assert_non_null(row);
        assert_int_equal(row->entry.facts.count, 20000);
        assert_in_range(cs_text_row_values(row), 17000, 20000);
        row = row_of(&s, "cannot open /srv/data/<*>/index, trying again");
        assert_non_null(row);
        assert_int_equal(row->entry.facts.count, 20000);
        row = row_of(&s, "disk is full, doing nothing");
        assert_non_null(row);
        assert_int_equal(row->entry.facts.count, 200);
        end(&s);
}

/* Of a template whose texts were dropped one by one it is told how many there may have been. */
static void what_merged_texts_lost_is_known(void **state)
{
        struct stream s;
        char text[96], other[64];
        (void)state;
        begin(&s, UNIT);
        uint32_t fresh = 0;
        for (int i = 0; i < 4000; i++) {
                char word[8] = { 0 };
                uint64_t r = cs_mix((uint64_t)i + 77);
                for (int k = 0; k < 6; k++, r /= 26)
                        word[k] = (char)('a' + r % 26);
                (void)snprintf(text, sizeof(text), "session opened for user %s by the gate", word);
                put(&s, text);
                for (int k = 0; k < 9; k++) {
                        form(fresh++, other);
                        put(&s, other);
                }
        }
        finish(&s);
        const struct cs_text_row *row = row_of(&s, "session opened for user <*> by the gate");
        assert_true(s.table.lost.count > 0);
        assert_non_null(row);
        assert_true(row->entry.facts.count <= 4000);
        assert_true(row->entry.facts.count + cs_text_table_missing(&s.table, row).count >= 4000);
        end(&s);
}

static void places_are_summed(void **state)
{
        struct stream s;
        char text[64];
        (void)state;
        begin(&s, 3);
        for (uint32_t i = 0; i < 30; i++) {
                struct cs_text_place p = { .block = i / 4,
                                           .cluster = i < 20 ? 5 : i,
                                           .module = i % 2 ? 1 : 2,
                                           .state = i % 3 ? CS_TEXT_IN_USE : CS_TEXT_FREE };
                if (i % 3 == 0)
                        p.module = CS_NOBODY;
                (void)snprintf(text, sizeof(text), "entry %u of the list", i);
                put_at(&s, text, p);
        }
        finish(&s);
        assert_int_equal(s.table.n, 1);
        const struct cs_text_facts *f = &s.table.at[0].entry.facts;
        assert_int_equal(f->count, 30);
        assert_int_equal(f->states[CS_TEXT_IN_USE], 20);
        assert_int_equal(f->states[CS_TEXT_FREE], 10);
        assert_int_equal(f->blocks, 8);
        assert_int_equal(cs_text_row_blocks(&s.table.at[0]), 8);
        assert_int_equal(f->n_examples, CS_TEXT_EXAMPLES);
        assert_int_equal(f->examples[0], 0x1000);
        assert_int_equal(cs_text_votes_winner(&f->clusters, f->bytes), 5);
        assert_int_equal(cs_text_votes_winner(&f->modules, f->bytes), CS_NOBODY);
        assert_int_equal(f->encodings, 1 << CS_ENCODING_ASCII);
        end(&s);
}

static void sketches_estimate(void **state)
{
        (void)state;
        for (uint64_t n = 1; n < 3000000; n = n * 3 + 1) {
                struct cs_sketch all = { 0 }, half = { 0 };
                for (uint64_t i = 0; i < n; i++)
                        cs_sketch_add(i % 2 ? &half : &all, cs_mix(i + 0x9e3779b97f4a7c15u));
                for (uint64_t i = 0; i < n && i < 1000; i++) /* again */
                        cs_sketch_add(&all, cs_mix(i + 0x9e3779b97f4a7c15u));
                cs_sketch_merge(&all, &half);
                uint64_t told = cs_sketch_count(&all);
                if (n <= 4)
                        assert_int_equal(told, n);
                assert_in_range(told, n - n / 6, n + n / 6);
        }
        struct cs_sketch none = { 0 };
        assert_int_equal(cs_sketch_count(&none), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(counts_are_exact_while_there_is_room),
                cmocka_unit_test(counts_keep_to_the_bound),
                cmocka_unit_test(what_one_source_wrote_is_merged_before_anything_is_dropped),
                cmocka_unit_test(what_merged_texts_lost_is_known),
                cmocka_unit_test(places_are_summed),
                cmocka_unit_test(sketches_estimate),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
