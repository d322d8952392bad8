/* SPDX-License-Identifier: Apache-2.0 */
/* Text with its variable parts masked, so that what differs only in ids, numbers and the like becomes one
 * template:
 *
 *     POST /api/router/1234 HTTP/1.1   ->   POST /api/router/<n> HTTP/1.1
 *
 * First each text is masked by itself (typed masks), then templates that still differ in a few words are
 * merged by looking at all of them together (words that take many values become <*>). Pure; thread-safe. */
#ifndef CS_TEMPLATE_H
#define CS_TEMPLATE_H

#include "status.h"

#include <stdint.h>

/* Longer texts are known by their first bytes; masked text never grows beyond CS_TEMPLATE_BYTES. */
enum { CS_TEMPLATE_INPUT = 512, CS_TEMPLATE_BYTES = 512 };

struct cs_template {
        size_t len;
        bool cut; /* the text went on beyond CS_TEMPLATE_INPUT, or its masks beyond CS_TEMPLATE_BYTES: this is
                     its beginning */
        char text[CS_TEMPLATE_BYTES];
};

/* Masks typed variable parts: <n> (decimal, also signed, with a fraction, further parts of a version, or a
 * unit of bytes), <hex> (0x…; 8 digits and more with a digit and a letter; more digits than a number of 64
 * bits has), <uuid>, <ip>, <mac>, <time> (dates, times, ISO 8601), <email>, <b64> (long mixed tokens: base64,
 * base62 ids, session cookies, each part of a JSON web token), and runs of one repeated character (16 and
 * more) as <rep>. A text that does nothing but repeat 2 to 32 bytes is these bytes and <rep>. A list of three
 * and more like masks is cut short: <n>,<n>,... Runs of blanks become one. Words in between stay as they are,
 * with <n> for the digits in them (user<n>), save for a few well-known names (HTTP/1.1, SHA256).
 * Deterministic; never fails. A literal '<n>' in the input stays as it is (templates are for people and
 * grouping). A text that was cut ends behind the last part that is certainly whole, or with the mask of a token
 * of which enough was seen; where that is almost nothing, with the first bytes of the word that was cut. */
void cs_template_mask(const uint8_t *text, size_t len, struct cs_template *out);

/* One distinct masked text. */
struct cs_template_count {
        const char *text; /* borrowed, not NUL-terminated */
        uint32_t len;
        bool cut;       /* as in cs_template */
        uint64_t count; /* how many texts masked to it */
};

struct cs_template_group {
        char *text; /* merged template; lives in the groups' own memory */
        size_t len;
        uint64_t count;
};

struct cs_template_groups;

/* Merges n templates into groups: those with the same skeleton, which differ in few words that take many
 * values, become one with <*> there; two templates that are each frequent and differ in one keyword (GET /
 * POST, two paths that are both common) stay two. Where a value stands (user=…, "user":"…", <user>…</user>)
 * five words are many, unless the name before it is that of a kind (type, action, level). Where <n>, <hex>
 * and <b64> meet they are one. Of texts that were cut, one is taken for the beginning of another where it
 * can be and has enough of a shape. group_of[i] (caller's, n entries) receives the group of templates[i];
 * groups are in the order of their texts. The result does not depend on the order of the input, nor on how
 * many threads do it, which is up to `workers` where there are many templates. About O(n log n); n up to
 * CS_LIMIT_TEMPLATES. */
CS_CHECK enum cs_status cs_template_merge(const struct cs_template_count *templates, size_t n,
                                          unsigned workers, uint32_t *group_of,
                                          struct cs_template_groups **out, struct cs_error *err);
void cs_template_groups_destroy(struct cs_template_groups *groups);
size_t cs_template_groups_count(const struct cs_template_groups *groups);
const struct cs_template_group *cs_template_groups_at(const struct cs_template_groups *groups, size_t index);

#endif
