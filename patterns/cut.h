/* SPDX-License-Identifier: Apache-2.0 */
/* Texts without an end: those that are longer than what is looked at, and those that repeat themselves. Pure;
 * thread-safe. */
#ifndef CS_CUT_H
#define CS_CUT_H

#include <stddef.h>
#include <stdint.h>

enum {
        /* A text that has no certain part of this length is known by the beginning of its first token. */
        CS_CUT_CERTAIN = 16,
        CS_CUT_WORD = 32, /* as many bytes of it */
};

/* Where the masked text of a text that was cut ends: behind the last part that is certainly whole. The last
 * `token` bytes are the mask of a token that was cut and whose kind is known all the same; or token is 0. */
size_t cs_cut_end(const char *text, size_t len, size_t token);

/* The length of what a text repeats, from 2 bytes on, if it is nothing else (abcabcabc…); or 0. Not for what
 * has digits in it: lists of numbers have their own form. */
size_t cs_cut_period(const uint8_t *text, size_t len);

#endif
