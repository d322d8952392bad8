/* SPDX-License-Identifier: Apache-2.0 */
/* Regexes in the syntax of Go's package regexp (RE2), as gitleaks has them, written as PCRE2 reads them. Most of it is the same; what is not:
 *
 * - ^, $, \A and \z are the beginning and end of a text. In memory a text ends where it has its NUL, or where other bytes than text follow: there they
 *   match, too. (gitleaks looks at files, and "(?:['\"\s]|$)" is how its rules say that a token is over.)
 * - \v is one byte there, and several here. \x{2026} is a character there: it becomes the bytes of its UTF-8, but for in classes.
 *
 * What neither knows nor we translate, PCRE2 refuses, with its words. */
#ifndef CS_GOREGEX_H
#define CS_GOREGEX_H

#include "pool.h"

/* In the pool; NULL when our memory ran out. `whole`: it will be matched with a whole text, not with memory: ends are the text's. */
char *cs_goregex_translate(struct cs_pool *pool, const char *regex, bool whole);

#endif
