/* SPDX-License-Identifier: Apache-2.0 */
/* How everything below cli/ fails: a status as return value, a sentence in a caller-owned struct.
 * Failing never allocates. All functions here are thread-safe (each error belongs to its caller). */
#ifndef CS_STATUS_H
#define CS_STATUS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum cs_status {
        CS_OK = 0,
        CS_ENOMEM,   /* our own memory ran out */
        CS_ESYS,     /* the operating system refused; the text names call and errno */
        CS_EFORMAT,  /* the input is not what it claims to be */
        CS_ENOTSUP,  /* the input is well-formed, but of a kind that is not read here */
        CS_EACCESS,  /* the target exists, but may not be looked at; the text says why and the way out */
        CS_EGONE,    /* there is no such target, or it went away */
        CS_ELIMIT,   /* a declared limit (cs_limits.h) was reached */
        CS_ESTOPPED, /* somebody asked for the end before it was reached (pulse.h) */
};

enum { CS_ERROR_TEXT = 512 };

struct cs_error {
        enum cs_status status;
        char text
                [CS_ERROR_TEXT]; /* one line, no newline; may hold bytes of the target: escape before printing */
};

#define CS_CHECK __attribute__((warn_unused_result))
#define CS_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define cs_cleanup(func) __attribute__((cleanup(func)))

/* Moves a pointer out of a variable that cs_cleanup() guards. */
#define cs_take(pointer)                                   \
        ({                                                 \
                __typeof__(pointer) cs_taken_ = (pointer); \
                (pointer) = NULL;                          \
                cs_taken_;                                 \
        })

/* Records status and sentence, and returns the status: `return cs_fail(err, CS_EFORMAT, "…");`. err may be NULL. */
enum cs_status cs_fail(struct cs_error *err, enum cs_status status, const char *format, ...) CS_PRINTF(3, 4);

/* The same for a failed system call: appends ": " and the description of number (an errno value). */
enum cs_status cs_fail_sys(struct cs_error *err, int number, const char *format, ...) CS_PRINTF(3, 4);

#endif
