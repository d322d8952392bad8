/* SPDX-License-Identifier: Apache-2.0 */
/* Which function has which part of a stack: the frames of every thread whose stack pointer is known, by the call frame
 * information of the modules' files or memory (cfi.h; symbols are not needed), and by frame pointers where there is none, as in
 * code made at run time. Every byte is hostile: a frame ends above the one before it and inside of the stack's mapping, but for
 * those of signals, which may lie on a stack of their own. */
#ifndef CS_UNWIND_H
#define CS_UNWIND_H

#include "image.h"

struct cs_frame {
        uint64_t pc;           /* where the function was: behind the call, but for interrupted ones */
        struct cs_range range; /* from its stack pointer to its CFA, which is its caller's stack pointer */
        int32_t module;        /* whose code it is, or CS_NO_MODULE */
        bool interrupted;      /* pc is the next instruction itself: innermost, or below a signal's frame */
        bool guessed;          /* its end was found by the frame pointer */
};

/* Why there are no more frames. */
enum cs_unwind_end {
        CS_UNWIND_WHOLE,   /* the outermost one was reached */
        CS_UNWIND_UNKNOWN, /* no call frame information there, and no frame pointer that could be followed */
        CS_UNWIND_REGISTERS, /* a register is needed that is not known (live, they are not) */
        CS_UNWIND_BROKEN,    /* the next frame would not lie above this one */
        CS_UNWIND_LIMIT,     /* CS_LIMIT_FRAMES or CS_LIMIT_CFI_STEPS */
};

/* Frames [first, first + n), the innermost first, of image->threads.at[…], in that order. */
struct cs_thread_frames {
        size_t first;
        size_t n;
        enum cs_unwind_end end;
};

struct cs_unwinding {
        CS_VEC(struct cs_frame) frames;
        CS_VEC(struct cs_thread_frames) threads; /* one for each of the image's */
        bool limited;
};

/* CS_ENOMEM only. Main thread (libelf is). */
CS_CHECK enum cs_status cs_unwind(const struct cs_image *image, struct cs_unwinding *out,
                                  struct cs_error *err);
void cs_unwinding_deinit(struct cs_unwinding *unwinding);

#endif
