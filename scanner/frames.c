/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

enum { RED_ZONE = 128 }; /* below the stack pointer, the innermost function's (psABI for x86-64, 3.2.2) */

static bool speaks(const struct cs_space *space, const struct cs_frame *f)
{
        return f->module != CS_NO_MODULE && (size_t)f->module < space->n_modules &&
               space->modules[f->module].maker;
}

/* From the outermost frame inwards: each has the word of the next one up that speaks. Code in no module was made at run time by
 * one of its callers. */
static enum cs_status add_thread(struct cs_frames *out, const struct cs_space *space,
                                 const struct cs_thread_frames *t, struct cs_error *err)
{
        uint32_t speaker = CS_NO_FRAME;
        for (size_t i = t->n; i-- > 0;) {
                const struct cs_frame *f = &out->unwinding.frames.at[t->first + i];
                struct cs_range range = f->range;
                if (speaks(space, f))
                        speaker = (uint32_t)(t->first + i);
                if (i == 0)
                        range.start -= range.start > RED_ZONE ? RED_ZONE : 0;
                if (speaker == CS_NO_FRAME || range.start >= range.end)
                        continue;
                struct cs_frame_span span = { range, speaker };
                enum cs_status st = cs_vec_push(&out->spans, span, err);
                if (st != CS_OK)
                        return st;
        }
        return cs_vec_push(&out->innermost, speaker, err);
}

static int by_start(const void *a, const void *b)
{
        const struct cs_frame_span *x = a, *y = b;
        if (x->range.start != y->range.start)
                return x->range.start < y->range.start ? -1 : 1;
        return x->frame < y->frame ? -1 : x->frame > y->frame;
}

/* Threads that lie about their stacks may share one: the first comes, and keeps, what it has. */
static void disjoin(struct cs_frames *f)
{
        size_t kept = 0;
        if (f->spans.n)
                qsort(f->spans.at, f->spans.n, sizeof(*f->spans.at), by_start);
        for (size_t i = 0; i < f->spans.n; i++)
                if (!kept || f->spans.at[i].range.start >= f->spans.at[kept - 1].range.end)
                        f->spans.at[kept++] = f->spans.at[i];
        f->spans.n = kept;
}

enum cs_status cs_frames_find(const struct cs_image *image, const struct cs_space *space,
                              struct cs_frames *out, struct cs_error *err)
{
        enum cs_status st = cs_unwind(image, &out->unwinding, err);
        for (size_t i = 0; st == CS_OK && i < out->unwinding.threads.n; i++)
                st = add_thread(out, space, &out->unwinding.threads.at[i], err);
        if (st == CS_OK)
                disjoin(out);
        return st;
}

void cs_frames_deinit(struct cs_frames *frames)
{
        cs_unwinding_deinit(&frames->unwinding);
        cs_vec_deinit(&frames->spans);
        cs_vec_deinit(&frames->innermost);
}

const struct cs_frame *cs_frames_at(const struct cs_frames *frames, uint64_t addr)
{
        size_t lo = 0, hi = frames ? frames->spans.n : 0;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (frames->spans.at[mid].range.start <= addr)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo && addr < frames->spans.at[lo - 1].range.end
                       ? &frames->unwinding.frames.at[frames->spans.at[lo - 1].frame]
                       : NULL;
}

const struct cs_frame *cs_frames_registers(const struct cs_frames *frames, size_t thread)
{
        if (!frames || thread >= frames->innermost.n || frames->innermost.at[thread] == CS_NO_FRAME)
                return NULL;
        return &frames->unwinding.frames.at[frames->innermost.at[thread]];
}
