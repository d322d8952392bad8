/* SPDX-License-Identifier: Apache-2.0 */
/* One module with call frame information, and one stack, as bytes in one piece: for the tests of unwinding, and for the seeds of
 * its fuzz target. */
#ifndef CS_FAKE_STACK_H
#define CS_FAKE_STACK_H

#include "image.h"

#define FAKE_STACK_BASE UINT64_C(0x400000)

/* Offsets from FAKE_STACK_BASE. Each function has 256 bytes of code. */
enum {
        FAKE_PUSHES = 0x1000,    /* push %rbp from its 2nd byte on; its CFA is counted from rsp */
        FAKE_POINTER = 0x1100,   /* its CFA is rbp + 16 */
        FAKE_SIGNAL = 0x1200,    /* a signal's frame: expressions say where pc, sp and rbp are */
        FAKE_OUTERMOST = 0x1300, /* has no caller */
        FAKE_CODE = 0x1400,      /* no call frame information up to FAKE_FRAMES */
        FAKE_FRAMES = 0x2000,    /* .eh_frame_hdr and .eh_frame */
        FAKE_WORDS = 0x3000,     /* the stack */
        FAKE_END = 0x4000,
};

/* What is behind the CFA of FAKE_SIGNAL's code: the interrupted program's, by offset from rsp. */
enum { FAKE_SIGNAL_RBP = 0x10, FAKE_SIGNAL_RSP = 0x18, FAKE_SIGNAL_PC = 0x20 };

/* Writes the module; the stack stays as it is. */
void fake_stack_write(uint8_t bytes[static FAKE_END]);

/* An image of these bytes with one thread; registers as in cs_thread, or NULL: they are not known. To be freed by
 * fake_stack_free(). */
void fake_stack_image(struct cs_image *image, const uint8_t *bytes, uint64_t pc, uint64_t sp,
                      const uint64_t *registers);
void fake_stack_free(struct cs_image *image);

#endif
