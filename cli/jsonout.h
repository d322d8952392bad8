/* SPDX-License-Identifier: Apache-2.0 */
/* A large JSON object, written member by member: one top-level key, and of lists one element, a line; ASCII only. Write errors
 * are left in the stream's error flag. Not thread-safe. */
#ifndef CS_JSONOUT_H
#define CS_JSONOUT_H

#include "json_values.h"

struct cs_jsonout {
        FILE *out;           /* borrowed */
        struct cs_pool pool; /* escaped texts of the value at hand */
        struct cs_json json; /* with that pool, set by who makes it; failed: our memory ran out */
        bool line;           /* all of it on one line, as an object of JSON Lines */
        bool begun;          /* a top-level key was written */
        bool filled;         /* the list has an element */
};

/* Writes a value as it is written everywhere in our JSON, and lets it go. False: memory ran out, or it is NULL. */
bool cs_jsonout_dump(FILE *out, json_t *value);

/* All of them take the value, and let it and its texts go; NULL is one that could not be made. */
void cs_jsonout_value(struct cs_jsonout *out, json_t *value);
void cs_jsonout_member(struct cs_jsonout *out, const char *name, json_t *value);

/* Closes the object, with a newline behind it. */
void cs_jsonout_finish(struct cs_jsonout *out);

/* A list as a member. */
void cs_jsonout_begin(struct cs_jsonout *out, const char *name);
void cs_jsonout_element(struct cs_jsonout *out, json_t *value);
void cs_jsonout_end(struct cs_jsonout *out);

#endif
