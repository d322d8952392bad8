/* SPDX-License-Identifier: Apache-2.0 */
/* What the libraries of `manychunks N rich` make: see benchlib.c. */
#ifndef BENCHLIB_H
#define BENCHLIB_H

#include <stdint.h>

/* One thing of one or more blocks that refers to the two others given (or NULL); adds the number of its blocks to *made.
 * Things are of six kinds, by number. */
void *benchlib_one_make(uint64_t number, void *first, void *second, uint64_t *made);
void *benchlib_two_make(uint64_t number, void *first, void *second, uint64_t *made);

#endif
