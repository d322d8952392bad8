/* SPDX-License-Identifier: Apache-2.0 */
/* JSON without a tree: the members of an object and the elements of an array, one after the other, as spans of bytes. What is
 * skipped is only looked at for brackets and quotes. Pure; thread-safe. */
#ifndef CS_JSONWALK_H
#define CS_JSONWALK_H

#include "status.h"

struct cs_jsonspan {
        const char *at;
        size_t len; /* 0: nothing */
};

struct cs_jsonwalk {
        const char *at;
        const char *end;
        char close; /* the bracket that ends it */
        bool begun;
        bool bad; /* it was no object (array), or not one to its end */
};

/* At the opening bracket, '{' or '['; bad where it is none. */
struct cs_jsonwalk cs_jsonwalk_open(struct cs_jsonspan value, char bracket);

/* The next one; false at the end, or where the bytes are wrong (bad). Keys come as they are written, with their escapes and without quotes;
 * values without blanks around them. */
bool cs_jsonwalk_member(struct cs_jsonwalk *walk, struct cs_jsonspan *key, struct cs_jsonspan *value);
bool cs_jsonwalk_element(struct cs_jsonwalk *walk, struct cs_jsonspan *value);

/* After the last one: is there nothing but blanks behind the closing bracket? */
bool cs_jsonwalk_ended(const struct cs_jsonwalk *walk);

#endif
