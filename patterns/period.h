/* SPDX-License-Identifier: Apache-2.0 */
/* Does a buffer repeat itself: equal records one behind the other, of which some columns have the same bytes in nearly all?
 * Records may begin anywhere, there may be something else before and between them, and only a pointer to one table, a tag or
 * a magic number may be the same in all. Pure; thread-safe with a finder per thread.
 *
 * Distances between equal words vote for strides; the best are tried: in the part of the buffer that agrees best with
 * itself at that distance, which columns are constant, and how much less likely would that be if bytes were drawn as they come
 * in the buffer? Of strides that explain about as much the shortest wins. The cost is linear in the bytes looked at, whatever
 * they are. */
#ifndef CS_PERIOD_H
#define CS_PERIOD_H

#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        CS_PERIOD_NEAR = 16 << 10, /* bytes that are looked at for short strides, */
        CS_PERIOD_SHORT = 2 << 10, /* and what is short */
        CS_PERIOD_FAR = 512 << 10, /* bytes that are looked at for the others, */
        CS_PERIOD_LONG = 64 << 10, /* and the longest one */
        CS_PERIOD_KEYS = 32,
        CS_PERIOD_ANCHOR = 8, /* bytes of the longest anchor */
};

struct cs_period_key {
        uint16_t offset; /* from the anchor */
        uint8_t value;
};

/* Offsets are counted from the anchor: the constant column from which on a record is recognised. Where in the program's
 * eyes a record begins cannot be told from bytes; what lies before the first record may (see cs_period_start()). */
struct cs_period {
        uint32_t stride;  /* bytes; 2 to CS_PERIOD_LONG */
        uint32_t phase;   /* of anchors: their positions in the buffer, modulo stride */
        uint32_t records; /* that the stride was judged by */
        double share;     /* of the columns that are constant */
        uint32_t n_keys;  /* at least 1 */
        uint32_t anchor;  /* so many of the keys are the anchor: offsets 0, 1, 2, … */
        struct cs_period_key keys[CS_PERIOD_KEYS]; /* by offset; constant columns that tell most */
};

struct cs_period_finder;

/* Tables of some hundred KiB. */
CS_CHECK enum cs_status cs_period_finder_create(struct cs_period_finder **out, struct cs_error *err);
void cs_period_finder_destroy(struct cs_period_finder *finder);
static inline void cs_period_finder_destroyp(struct cs_period_finder **finder)
{
        cs_period_finder_destroy(*finder);
}

/* The period of the first CS_PERIOD_NEAR bytes, else (with `far`) of the first CS_PERIOD_FAR. False: there is none. One byte
 * value throughout is none. */
bool cs_period_find(struct cs_period_finder *finder, const uint8_t *bytes, size_t len, bool far,
                    struct cs_period *out);

/* Does a record whose anchor is at `at` (of which `left` bytes can be read) have at least three quarters of the keys, or the longest
 * anchor and half of them (keys may belong to the record behind it, and there is none)? Those beyond `left` are not asked; false
 * where more than half of them are. */
bool cs_period_fits(const struct cs_period *period, const uint8_t *at, size_t left);

/* Has it all the keys of its first `part` bytes, and is any of them not zero? */
bool cs_period_fits_part(const struct cs_period *period, const uint8_t *at, size_t part);

/* Records that follow one another. */
struct cs_period_run {
        uint64_t first;   /* position of the first one's anchor */
        uint64_t last;    /* and of the last one's */
        uint64_t records; /* that fit; others between them are not counted */
};

/* The next run of records with anchors in [from, end); len bytes can be read. Records of other content, and up to CS_PERIOD_GAP
 * bytes of anything between them, do not end it. False: there is none. */
enum { CS_PERIOD_GAP = 8 << 10 };
bool cs_period_run(const struct cs_period *period, const uint8_t *bytes, size_t len, size_t from, size_t end,
                   struct cs_period_run *out);

/* Do two periods speak of the same records: of one stride, and what both know to be constant is mostly the same? */
bool cs_period_same(const struct cs_period *a, const struct cs_period *b);

/* How many bytes before an anchor at address `at` its word begins, if words lie at multiples of 8 as most do: the anchor may be the upper bytes of
 * one. 0: records are not of whole words, or the anchor is of more than one. */
uint32_t cs_period_into_word(const struct cs_period *period, uint64_t at);

/* How many bytes before the first anchor of a run its first record begins, told by constant bytes that stand there as well, of which
 * `before` bytes can be read: those of the record before it would not all be there. 0: there are none. */
uint32_t cs_period_before(const struct cs_period *period, const uint8_t *anchor, size_t before);

#endif
