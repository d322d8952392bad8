/* SPDX-License-Identifier: Apache-2.0 */
/* Which function speaks for a slot of the stack, and for the registers. */
#include "fake_stack.h"
#include "frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define AT(offset) (FAKE_STACK_BASE + (offset))
#define SLOT(offset) (FAKE_STACK_BASE + FAKE_WORDS + (offset))

enum { SP = 0x200 };

static uint8_t memory[FAKE_END];

/* FAKE_PUSHES, called by FAKE_PUSHES, called by FAKE_OUTERMOST, which is another module's: where its frame ends is not known. */
static void build(struct cs_image *image, uint64_t code)
{
        static const uint64_t registers[15];
        uint64_t words[] = { AT(FAKE_PUSHES + 0x10), 0, AT(FAKE_OUTERMOST + 1) };
        fake_stack_write(memory);
        memcpy(memory + FAKE_WORDS + SP, words, sizeof(words));
        fake_stack_image(image, memory, code, SLOT(SP), registers);
        struct cs_mapping *m = &image->mappings.at[0], other = *m, stack = image->mappings.at[1];
        struct cs_module second = { .path = "other",
                                    .name = "other",
                                    .range = { AT(FAKE_OUTERMOST), AT(FAKE_WORDS) },
                                    .bias = AT(FAKE_OUTERMOST),
                                    .fd = -1 };
        image->modules.at[0].range.end = m->range.end = other.range.start = AT(FAKE_OUTERMOST);
        other.module = 1;
        image->mappings.at[1] = other;
        assert_int_equal(cs_vec_push(&image->mappings, stack, NULL), CS_OK);
        assert_int_equal(cs_vec_push(&image->modules, second, NULL), CS_OK);
}

static void find(const struct cs_image *image, bool first, bool second, struct cs_frames *out)
{
        struct cs_space_module modules[2] = { { .maker = first }, { .maker = second } };
        struct cs_space space = { .modules = modules, .n_modules = 2 };
        *out = (struct cs_frames){ 0 };
        assert_int_equal(cs_frames_find(image, &space, out, NULL), CS_OK);
}

static uint64_t speaker(const struct cs_frames *frames, uint64_t slot)
{
        const struct cs_frame *f = cs_frames_at(frames, slot);
        return f ? f->pc - FAKE_STACK_BASE : 0;
}

static void test_slots(void **state)
{
        (void)state;
        struct cs_image image;
        struct cs_frames frames;
        build(&image, AT(FAKE_PUSHES));
        /* The call frame information of the first module lies beyond what is left of it: as its range was. */
        image.modules.at[0].range.end = AT(FAKE_WORDS);
        find(&image, true, true, &frames);
        assert_int_equal(speaker(&frames, SLOT(SP)), FAKE_PUSHES);
        assert_int_equal(speaker(&frames, SLOT(SP) - 128), FAKE_PUSHES);
        assert_int_equal(speaker(&frames, SLOT(SP) - 136), 0);
        assert_int_equal(speaker(&frames, SLOT(SP) + 8), FAKE_PUSHES + 0x10);
        assert_int_equal(speaker(&frames, SLOT(SP) + 0x10), FAKE_PUSHES + 0x10);
        assert_int_equal(speaker(&frames, SLOT(SP) + 0x18), 0);
        assert_int_equal(cs_frames_registers(&frames, 0)->pc, AT(FAKE_PUSHES));
        assert_null(cs_frames_registers(&frames, 1));
        cs_frames_deinit(&frames);
        /* The first is the C library, say. */
        find(&image, false, true, &frames);
        assert_int_equal(speaker(&frames, SLOT(SP)), FAKE_OUTERMOST + 1);
        assert_int_equal(speaker(&frames, SLOT(SP) + 8), FAKE_OUTERMOST + 1);
        assert_int_equal(cs_frames_registers(&frames, 0)->module, 1);
        cs_frames_deinit(&frames);
        find(&image, false, false, &frames);
        assert_int_equal(speaker(&frames, SLOT(SP)), 0);
        assert_null(cs_frames_registers(&frames, 0));
        cs_frames_deinit(&frames);
        assert_null(cs_frames_at(NULL, SLOT(SP)));
        assert_null(cs_frames_registers(NULL, 0));
        fake_stack_free(&image);
}

/* Two threads with one stack pointer: each slot has one answer. */
static void test_shared_stack(void **state)
{
        (void)state;
        struct cs_image image;
        struct cs_frames frames;
        build(&image, AT(FAKE_PUSHES));
        image.modules.at[0].range.end = AT(FAKE_WORDS);
        struct cs_thread again = image.threads.at[0];
        assert_int_equal(cs_vec_push(&image.threads, again, NULL), CS_OK);
        find(&image, true, true, &frames);
        assert_int_equal(frames.unwinding.threads.n, 2);
        for (size_t i = 1; i < frames.spans.n; i++)
                assert_true(frames.spans.at[i - 1].range.end <= frames.spans.at[i].range.start);
        assert_int_equal(speaker(&frames, SLOT(SP) + 8), FAKE_PUSHES + 0x10);
        cs_frames_deinit(&frames);
        fake_stack_free(&image);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_slots),
                                            cmocka_unit_test(test_shared_stack) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
