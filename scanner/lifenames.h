/* SPDX-License-Identifier: Apache-2.0 */
/* Names of C functions that begin or end a thing's life: BIO_new and BIO_free, xmlNewDoc and xmlFreeDoc, deflateInit2_ and
 * deflateEnd. Pure: names in, facts out. Thread-safe. */
#ifndef CS_LIFENAMES_H
#define CS_LIFENAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer names are no API's. */
enum { CS_LIFENAME_BYTES = 128 };

enum cs_life {
        CS_LIFE_NONE,
        CS_LIFE_BEGINS, /* …_new, …_create, …Alloc, …_open, …_dup */
        CS_LIFE_INIT, /* …_init: as often of the library as a whole, so it wants an end of just that name */
        CS_LIFE_ENDS, /* …_free, …_destroy, …Close, …_unref */
};

/* A name without its verb, as hashes. */
struct cs_lifename {
        enum cs_life life;
        uint64_t stem;     /* what stands before the verb: "BIO" of BIO_new_file */
        uint64_t whole;    /* what stands around it: "xmlDoc" of xmlNewDoc, "BIO_file" of BIO_new_file */
        size_t stem_len;   /* bytes of the stem, at the beginning of the name */
        bool nothing_left; /* no more than the verb stands behind the stem */
};

/* Takes a name apart at its first such verb. C++ names have no life here: what ends objects of classes is often inlined. */
struct cs_lifename cs_lifename_of(const char *name);

/* Hash of the stem of that length, as in cs_lifename; shorter stems of one name: cs_lifename_shorter(), which gives the length of
 * the stem with a word less, 0: none is left. */
uint64_t cs_lifename_stem(const char *name, size_t len);
size_t cs_lifename_shorter(const char *name, size_t len);

#endif
