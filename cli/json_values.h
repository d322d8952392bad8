/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values as our schema writes them. Each gives NULL when our memory ran out; what needs escaping lives in the pool, which
 * must outlive the value. */
#ifndef CS_JSON_VALUES_H
#define CS_JSON_VALUES_H

#include "report.h"

#include <jansson.h>
#include <stdio.h>

/* An object or array under construction: a value that could not be made, or be added, is remembered. */
struct cs_json {
        struct cs_pool *pool;
        bool failed;
};

void cs_json_put(struct cs_json *json, json_t *object, const char *key, json_t *value);
void cs_json_push(struct cs_json *json, json_t *array, json_t *value);

json_t *cs_json_string(struct cs_pool *pool, const char *text); /* NULL becomes null */
json_t *cs_json_number(uint64_t value); /* JSON's integers are signed here; nothing real is larger */
json_t *cs_json_real(double value);
json_t *cs_json_address(uint64_t value);

/* {"text": …} where it is valid UTF-8, else {"bytes": base64}. */
json_t *cs_json_text(struct cs_pool *pool, struct cs_text value);

json_t *cs_json_evidence(struct cs_pool *pool, const struct cs_report_evidence *evidence, size_t n);

/* The case of an address; with `whole` the dump and the chains, too. */
json_t *cs_json_case(struct cs_pool *pool, const struct cs_report_case *value, bool whole);

/* Writes it as one object, without a newline; typed: it says that it is a hit, as lines of a stream do. False: our memory ran out. Write errors are left in
 * the stream. */
bool cs_json_write_hit(FILE *out, const struct cs_report_hit *hit, bool typed);

/* One template of texts; and what they are in all, with what is not told of. */
json_t *cs_json_string_row(struct cs_pool *pool, const struct cs_report_string *row);
json_t *cs_json_strings_found(struct cs_pool *pool, const struct cs_report_strings *strings);

/* Rules with their numbers of hits. */
json_t *cs_json_hit_rules(struct cs_pool *pool, const struct cs_report_hits *hits);

#endif
