/* SPDX-License-Identifier: Apache-2.0 */
/* Whose function a slot of a stack belongs to. What a frame of the C library or the C++ runtime holds, it holds for its caller:
 * the next function up that is no runtime's. Built once by the main thread, then frozen and shared. */
#ifndef CS_FRAMES_H
#define CS_FRAMES_H

#include "space.h"
#include "unwind.h"

struct cs_frame_span {
        struct cs_range range; /* of addresses */
        uint32_t frame;        /* the one whose module speaks: index into the unwinding's */
};

struct cs_frames {
        struct cs_unwinding unwinding;
        CS_VEC(struct cs_frame_span) spans; /* by address, disjoint */
        CS_VEC(uint32_t) innermost; /* per thread of the image: the frame that its registers belong to */
};

enum { CS_NO_FRAME = UINT32_MAX };

CS_CHECK enum cs_status cs_frames_find(const struct cs_image *image, const struct cs_space *space,
                                       struct cs_frames *out, struct cs_error *err);
void cs_frames_deinit(struct cs_frames *frames);

/* The frame that speaks for the slot at addr, and of a module that may have asked for memory; NULL where there is none. frames
 * may be NULL. */
const struct cs_frame *cs_frames_at(const struct cs_frames *frames, uint64_t addr);

/* The same for the registers of a thread. */
const struct cs_frame *cs_frames_registers(const struct cs_frames *frames, size_t thread);

#endif
