/* SPDX-License-Identifier: Apache-2.0 */
#include "masks.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

enum {
        SETS = 1 << 13,
        OUTLINED = 1 << 12,
        FRESH = CS_MASKS_FRESH,
        SHOWN = 1 << 12,         /* places that outlines have to tell, too, of so many of them, */
        SHOWN_PLACES = 24,       /* and no more of each */
        SHOWN_FIRST = FRESH + 1, /* number of the first */
        KNOWN = FRESH,
        SEEN = 1 << 15,
        TEXTS_MAX = 2 << 20, /* bytes of templates */
        ASKED = 256,         /* shapes by which it is judged whether they are worth asking for: */
        KNOWN_LEAST = 64,    /* so many were known */
        PASSED = 16,         /* where they are not, one text in so many is asked all the same */
};

/* Half of a line of the processor's cache: the one that was last found in the second place, and the last that came. */
struct cs_masks_set {
        uint64_t hash[2];  /* odd: of a text; even: of a shape; 0: the place is free */
        uint32_t known[2]; /* number of the masked text, or, from SHOWN_FIRST on, of places */
        uint64_t unused;
};

/* What texts of an outline have to tell, too. */
struct cs_masks_shown {
        uint64_t key; /* of the outline */
        struct cs_places places;
};

uint64_t cs_template_key(const char *text, size_t len, bool cut, bool wide)
{
        return XXH3_64bits_withSeed(text, len, (cut ? 1u : 0u) | (wide ? 2u : 0u));
}

enum cs_status cs_masks_init(struct cs_masks *m, struct cs_error *err)
{
        *m = (struct cs_masks){ .classes = cs_classes_best(),
                                .outlines = cs_outline_best(),
                                .sets = calloc(SETS, sizeof(*m->sets)),
                                .outlined = calloc(OUTLINED, sizeof(*m->outlined)),
                                .shown = calloc(SHOWN, sizeof(*m->shown)),
                                .known = calloc(KNOWN + 1, sizeof(*m->known)),
                                .entries = calloc(KNOWN + 1, sizeof(*m->entries)),
                                .seen = calloc(SEEN, sizeof(*m->seen)) };
        return m->sets && m->outlined && m->shown && m->known && m->entries && m->seen
                       ? CS_OK
                       : cs_fail(err, CS_ENOMEM, "masked texts");
}

void cs_masks_deinit(struct cs_masks *m)
{
        free(m->sets);
        free(m->outlined);
        free(m->shown);
        free(m->known);
        free(m->entries);
        free(m->seen);
        cs_pool_deinit(&m->texts);
        *m = (struct cs_masks){ 0 };
}

static uint32_t mask(struct cs_masks *m, const uint8_t *text, size_t len, bool wide)
{
        struct cs_template *t = &m->fresh;
        cs_template_mask(text, len, t);
        m->known[FRESH] = (struct cs_masked){ .key = cs_template_key(t->text, t->len, t->cut, wide),
                                              .text = t->text,
                                              .len = (uint32_t)t->len,
                                              .cut = t->cut,
                                              .wide = wide };
        m->entries[FRESH].unit = 0;
        return FRESH;
}

static bool came_before(struct cs_masks *m, uint64_t hash)
{
        uint16_t *seen = &m->seen[hash >> 16 & (SEEN - 1)], mark = (uint16_t)(hash >> 48 | 1);
        bool before = *seen == mark;
        *seen = mark;
        return before;
}

static struct cs_masks_set *set_of(const struct cs_masks *m, uint64_t hash)
{
        return &m->sets[hash >> 1 & (SETS - 1)];
}

void cs_masks_ask(const struct cs_masks *m, uint64_t value)
{
        __builtin_prefetch(set_of(m, value | 1));
        __builtin_prefetch(&m->seen[value >> 16 & (SEEN - 1)]);
}

static uint32_t find_in(struct cs_masks_set *set, uint64_t hash)
{
        if (set->hash[0] == hash)
                return set->known[0];
        if (set->hash[1] != hash)
                return FRESH;
        *set = (struct cs_masks_set){ { hash, set->hash[0] }, { set->known[1], set->known[0] }, 0 };
        return set->known[0];
}

static uint32_t find(struct cs_masks *m, uint64_t hash)
{
        return find_in(set_of(m, hash), hash);
}

static void enter_in(struct cs_masks_set *set, uint64_t hash, uint32_t known)
{
        unsigned place = set->hash[0] != hash;
        set->hash[place] = hash;
        set->known[place] = known;
}

static void enter(struct cs_masks *m, uint64_t hash, uint32_t known)
{
        enter_in(set_of(m, hash), hash, known);
}

/* ---- outlines ---- */

static struct cs_masks_set *outlined(const struct cs_masks *m, uint64_t key)
{
        return &m->outlined[key >> 1 & (OUTLINED - 1)];
}

/* NULL: there are none, or newer ones are in their place. */
static struct cs_masks_shown *shown_of(const struct cs_masks *m, uint64_t key, uint32_t known)
{
        struct cs_masks_shown *shown = known >= SHOWN_FIRST ? &m->shown[known - SHOWN_FIRST] : NULL;
        return shown && shown->key == key ? shown : NULL;
}

static uint32_t find_outline(struct cs_masks *m, const uint8_t *text, size_t len, uint64_t key)
{
        uint32_t known = find_in(outlined(m, key), key);
        if (known <= FRESH)
                return known;
        const struct cs_masks_shown *shown = shown_of(m, key, known);
        if (!shown)
                return FRESH;
        key = cs_outline_key_with(key, text, len, &shown->places) | 1;
        known = find_in(outlined(m, key), key);
        return known <= FRESH ? known : FRESH;
}

/* Makes *places those that texts of this outline are asked for from now on. */
static void show(struct cs_masks *m, uint64_t key, struct cs_places *places)
{
        const struct cs_masks_shown *before = shown_of(m, key, find_in(outlined(m, key), key));
        if (before && cs_places_join(places, &before->places))
                return;
        uint32_t at = (uint32_t)(m->n_shown++ % SHOWN);
        m->shown[at] = (struct cs_masks_shown){ key, *places };
        enter_in(outlined(m, key), key, SHOWN_FIRST + at);
}

/* The text's shape was found just now. */
static void enter_outline(struct cs_masks *m, const uint8_t *text, size_t len, uint64_t key, uint32_t known)
{
        struct cs_places shown = cs_outline_shown(&m->outline, &m->shape);
        size_t n = cs_places_count(&shown);
        if (n > SHOWN_PLACES) /* nothing will be like it */
                return;
        if (n) {
                show(m, key, &shown);
                key = cs_outline_key_with(key, text, len, &shown) | 1;
        }
        enter_in(outlined(m, key), key, known);
}

void cs_masks_rest(struct cs_masks *m)
{
        if (!m->full)
                return;
        memset(m->sets, 0, SETS * sizeof(*m->sets));
        memset(m->outlined, 0, OUTLINED * sizeof(*m->outlined));
        cs_pool_deinit(&m->texts);
        m->text_bytes = m->n_known = m->n_shown = 0;
        m->full = false;
}

/* Keeps the text that was masked just now; without memory, that is not needed. */
static uint32_t keep(struct cs_masks *m)
{
        const struct cs_masked *fresh = &m->known[FRESH];
        m->full |= m->n_known == KNOWN || m->text_bytes + fresh->len > TEXTS_MAX;
        const char *text = m->full ? NULL : cs_pool_copy(&m->texts, fresh->text, fresh->len);
        if (!text)
                return FRESH;
        uint32_t number = (uint32_t)m->n_known++;
        m->text_bytes += fresh->len;
        m->known[number] = *fresh;
        m->known[number].text = text;
        m->entries[number].unit = 0;
        return number;
}

/* Is the shape of a text of this length worth asking for? */
static bool worth(struct cs_masks_habit *h)
{
        if (!h->seldom || ++h->passed == PASSED) {
                h->passed = 0;
                return true;
        }
        return false;
}

static void learn(struct cs_masks_habit *h, bool known)
{
        h->known += known;
        if (++h->asked < ASKED)
                return;
        h->seldom = h->known < KNOWN_LEAST;
        h->asked = h->known = 0;
}

/* ---- texts ---- */

/* The text of an outline (0: none) that told nothing. */
static uint32_t get_by_shape(struct cs_masks *m, const uint8_t *text, size_t len, bool wide, uint64_t outline,
                             struct cs_masks_habit *habit)
{
        if (!cs_shape_of(text, len, m->classes, &m->shape))
                return mask(m, text, len, wide);
        uint64_t shape = cs_template_key((const char *)m->shape.bytes, m->shape.len, m->shape.cut, wide) &
                         ~UINT64_C(1);
        uint32_t known = find(m, shape);
        learn(habit, known != FRESH);
        if (known == FRESH) {
                (void)mask(m, text, len, wide);
                if (came_before(m, shape) && (known = keep(m)) != FRESH)
                        enter(m, shape, known);
        } else if (outline) {
                enter_outline(m, text, len, outline, known);
        }
        return known;
}

uint32_t cs_masks_get(struct cs_masks *m, const uint8_t *text, size_t len, bool wide, uint64_t value)
{
        uint32_t known = find(m, value | 1);
        if (known != FRESH)
                return known;
        bool again = came_before(m, value);
        struct cs_masks_habit *habit =
                &m->habits[(len < CS_TEMPLATE_INPUT ? len : (size_t)CS_TEMPLATE_INPUT) / CS_MASKS_LENGTH];
        if (!again && !worth(habit))
                return mask(m, text, len, wide);
        uint64_t outline = len <= CS_PLACES && m->outlines(text, len, &m->outline)
                                   ? cs_outline_key(&m->outline, len, wide) | 1
                                   : 0;
        if (outline && (known = find_outline(m, text, len, outline)) != FRESH)
                learn(habit, true);
        else
                known = get_by_shape(m, text, len, wide, outline, habit);
        if (again && known != FRESH)
                enter(m, value | 1, known);
        return known;
}
