/* SPDX-License-Identifier: Apache-2.0 */
/* All texts in a piece of memory, wherever they stand in it: between NULs, behind their length, or one behind the other as
 * lines. A text is a run of printable characters without line ends, in UTF-8 (of which ASCII is a part) or in UTF-16LE, of at
 * least CS_STRING_LEAST bytes, or units of UTF-16. Pure; thread-safe. */
#ifndef CS_STRINGS_H
#define CS_STRINGS_H

#include "status.h"
#include "textmask.h"
#include "vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cs_encoding { CS_ENCODING_ASCII, CS_ENCODING_UTF8, CS_ENCODING_UTF16LE, CS_ENCODINGS };

/* "ascii", "utf-8", "utf-16le" */
const char *cs_encoding_name(enum cs_encoding encoding);

enum {
        CS_STRING_LEAST =
                8, /* as strings(1) is mostly asked for: shorter ones are numbers and pointers as often */
        /* Bytes that a window wants to see before and behind its own part. Four tell where a text began that reaches into it (the
         * longest character of UTF-8), eight more a length before it. What begins in it is seen up to here; what goes on is `open`. */
        CS_STRING_BEFORE = 12,
        CS_STRING_BEHIND = 8 << 10,
};

struct cs_string {
        uint32_t at;  /* where it begins in the window's bytes */
        uint32_t len; /* bytes */
        uint8_t encoding;
        bool open; /* it reaches the end of the bytes, and may go on behind them: cs_strings_more() */
};

typedef CS_VEC(struct cs_string) cs_string_vec;

/* A window owns the texts that begin at bytes[own_from … own_to). */
struct cs_strings_window {
        const uint8_t *bytes;
        uint32_t len;
        uint32_t own_from;
        uint32_t own_to;
};

/* Appends the texts that the window owns, in about the order of their places. However memory is cut into windows with enough to
 * see on both sides, each text is found once; only a prefix of a length is told from the text where both are seen whole. */
CS_CHECK enum cs_status cs_strings_find(const struct cs_strings_window *window, cs_textmask_fn masks,
                                        cs_string_vec *out, struct cs_error *err);

/* How many of the bytes that follow an open text belong to it, too. *ended: it ends there; else ask again with what follows
 * behind these bytes (of which a character may be left that they cut). A text of ASCII may become one of UTF-8 here. */
size_t cs_strings_more(enum cs_encoding *encoding, const uint8_t *bytes, size_t len, cs_textmask_fn masks,
                       bool *ended);

/* UTF-16LE as UTF-8: writes whole characters up to room bytes, returns how many. Of units that cs_textmask_wide() takes none
 * is longer than three bytes. */
size_t cs_strings_transcribe(const uint8_t *bytes, size_t len, char *out, size_t room);

#endif
