/* SPDX-License-Identifier: Apache-2.0 */
/* Frames by call frame information, by the frame pointer, and where neither leads on. */
#include "cfi.h"
#include "fake_stack.h"
#include "unwind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define AT(offset) (FAKE_STACK_BASE + (offset))

enum { RBP = 4 }; /* in cs_thread */

static uint8_t memory[FAKE_END];
static struct cs_unwinding frames;

static void setup(void)
{
        memset(memory, 0, sizeof(memory));
        fake_stack_write(memory);
}

static void word(uint64_t offset, uint64_t value)
{
        memcpy(memory + FAKE_WORDS + offset, &value, sizeof(value));
}

/* Unwinds from pc and the stack pointer; offsets. */
static enum cs_unwind_end unwind(uint64_t pc, uint64_t sp, const uint64_t *registers)
{
        struct cs_image image;
        cs_unwinding_deinit(&frames);
        fake_stack_image(&image, memory, AT(pc), AT(FAKE_WORDS + sp), registers);
        assert_int_equal(cs_unwind(&image, &frames, NULL), CS_OK);
        fake_stack_free(&image);
        assert_int_equal(frames.threads.n, 1);
        assert_int_equal(frames.threads.at[0].n, frames.frames.n);
        return frames.threads.at[0].end;
}

static void assert_frame(size_t i, uint64_t pc, uint64_t start, uint64_t end)
{
        assert_true(i < frames.frames.n);
        assert_int_equal(frames.frames.at[i].pc, AT(pc));
        assert_int_equal(frames.frames.at[i].range.start, AT(FAKE_WORDS + start));
        assert_int_equal(frames.frames.at[i].range.end, AT(FAKE_WORDS + end));
}

/* Two frames whose callers are known by rsp; the second one saved the rbp by which the third is known. */
static void three_calls(void)
{
        setup();
        word(0x00, AT(FAKE_PUSHES + 0x11));
        word(0x08, AT(FAKE_WORDS + 0x30)); /* rbp */
        word(0x10, AT(FAKE_POINTER + 0x20));
        word(0x30, AT(FAKE_WORDS + 0x50));
        word(0x38, AT(FAKE_OUTERMOST + 5));
}

static void test_calls(void **state)
{
        (void)state;
        uint64_t registers[15] = { 0 };
        three_calls();
        assert_int_equal(unwind(FAKE_PUSHES, 0, registers), CS_UNWIND_WHOLE);
        assert_int_equal(frames.frames.n, 4);
        assert_frame(0, FAKE_PUSHES, 0, 8);
        assert_frame(1, FAKE_PUSHES + 0x11, 8, 0x18);
        assert_frame(2, FAKE_POINTER + 0x20, 0x18, 0x40);
        assert_frame(3, FAKE_OUTERMOST + 5, 0x40, 0x48);
        assert_true(frames.frames.at[0].interrupted);
        assert_false(frames.frames.at[1].interrupted);
        for (size_t i = 0; i < frames.frames.n; i++) {
                assert_int_equal(frames.frames.at[i].module, 0);
                assert_false(frames.frames.at[i].guessed);
        }
}

static void test_without_registers(void **state)
{
        (void)state;
        /* rbp is not known, but the way out finds it saved. */
        three_calls();
        assert_int_equal(unwind(FAKE_PUSHES, 0, NULL), CS_UNWIND_WHOLE);
        assert_int_equal(frames.frames.n, 4);
        assert_int_equal(unwind(FAKE_POINTER + 0x20, 0x18, NULL), CS_UNWIND_REGISTERS);
        assert_int_equal(frames.frames.n, 1);
        assert_frame(0, FAKE_POINTER + 0x20, 0x18, 0x18);
}

static void test_last_instruction(void **state)
{
        (void)state;
        /* A return address behind the last byte of FAKE_PUSHES is that function's, not FAKE_POINTER's. */
        uint64_t registers[15] = { 0 };
        setup();
        word(0x00, AT(FAKE_POINTER));
        word(0x10, AT(FAKE_OUTERMOST + 1));
        assert_int_equal(unwind(FAKE_PUSHES, 0, registers), CS_UNWIND_WHOLE);
        assert_frame(1, FAKE_POINTER, 8, 0x18);
        assert_frame(2, FAKE_OUTERMOST + 1, 0x18, 0x20);
}

static void test_frame_pointer(void **state)
{
        (void)state;
        uint64_t registers[15] = { [RBP] = AT(FAKE_WORDS + 0x20) };
        setup();
        word(0x20, AT(FAKE_WORDS + 0x40));
        word(0x28, AT(FAKE_POINTER + 9));
        word(0x48, AT(FAKE_OUTERMOST + 1));
        assert_int_equal(unwind(FAKE_CODE, 0, registers), CS_UNWIND_WHOLE);
        assert_frame(0, FAKE_CODE, 0, 0x30);
        assert_true(frames.frames.at[0].guessed);
        assert_frame(1, FAKE_POINTER + 9, 0x30, 0x50);
        assert_false(frames.frames.at[1].guessed);
        /* Not where it leads to no code, nor below the stack pointer. */
        word(0x28, AT(FAKE_WORDS + 0x80));
        assert_int_equal(unwind(FAKE_CODE, 0, registers), CS_UNWIND_UNKNOWN);
        assert_int_equal(frames.frames.n, 1);
        word(0x28, AT(FAKE_POINTER + 9));
        assert_int_equal(unwind(FAKE_CODE, 0x28, registers), CS_UNWIND_UNKNOWN);
}

static void test_call_of_nothing(void **state)
{
        (void)state;
        uint64_t registers[15] = { 0 };
        struct cs_image image;
        setup();
        word(0x10, AT(FAKE_OUTERMOST + 1));
        cs_unwinding_deinit(&frames);
        fake_stack_image(&image, memory, 0x10, AT(FAKE_WORDS + 0x10), registers);
        assert_int_equal(cs_unwind(&image, &frames, NULL), CS_OK);
        fake_stack_free(&image);
        assert_int_equal(frames.frames.n, 2);
        assert_int_equal(frames.frames.at[0].module, CS_NO_MODULE);
        assert_frame(1, FAKE_OUTERMOST + 1, 0x18, 0x20);
}

static void test_signal(void **state)
{
        (void)state;
        uint64_t registers[15] = { 0 };
        setup();
        /* The handler returns into FAKE_SIGNAL (behind its first byte: libc's information begins one early for this), whose frame has the registers of what it interrupted. */
        word(0x00, AT(FAKE_SIGNAL + 1));
        word(0x08 + FAKE_SIGNAL_RBP, AT(FAKE_WORDS + 0x60));
        word(0x08 + FAKE_SIGNAL_RSP, AT(FAKE_WORDS + 0x50));
        word(0x08 + FAKE_SIGNAL_PC, AT(FAKE_POINTER));
        word(0x68, AT(FAKE_OUTERMOST + 1));
        assert_int_equal(unwind(FAKE_PUSHES, 0, registers), CS_UNWIND_WHOLE);
        assert_int_equal(frames.frames.n, 4);
        assert_frame(1, FAKE_SIGNAL + 1, 8, 0x50);
        assert_frame(2, FAKE_POINTER, 0x50, 0x70);
        assert_true(frames.frames.at[2].interrupted);
        /* From a stack of its own, which lies above the interrupted one. */
        word(0x800, AT(FAKE_SIGNAL + 1));
        word(0x808 + FAKE_SIGNAL_RBP, AT(FAKE_WORDS + 0x60));
        word(0x808 + FAKE_SIGNAL_RSP, AT(FAKE_WORDS + 0x50));
        word(0x808 + FAKE_SIGNAL_PC, AT(FAKE_POINTER));
        assert_int_equal(unwind(FAKE_PUSHES, 0x800, registers), CS_UNWIND_WHOLE);
        assert_frame(1, FAKE_SIGNAL + 1, 0x808, 0x808);
        assert_frame(2, FAKE_POINTER, 0x50, 0x70);
        /* A signal that interrupted itself: no end but that of the count. */
        word(0x08 + FAKE_SIGNAL_RSP, AT(FAKE_WORDS + 8));
        word(0x08 + FAKE_SIGNAL_PC, AT(FAKE_SIGNAL));
        assert_int_equal(unwind(FAKE_SIGNAL, 8, registers), CS_UNWIND_BROKEN);
        assert_in_range(frames.frames.n, 2, 32);
}

static void test_broken(void **state)
{
        (void)state;
        /* rbp below the stack pointer, beyond the stack, and odd: the CFA would not lie above. */
        static const uint64_t bad[] = { AT(FAKE_WORDS), AT(FAKE_END), AT(FAKE_WORDS + 0x41), 0, UINT64_MAX };
        setup();
        for (uint64_t at = 0; at < 0x1000; at += 8)
                word(at, AT(FAKE_POINTER + 4));
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                uint64_t registers[15] = { [RBP] = bad[i] };
                enum cs_unwind_end end = unwind(FAKE_POINTER, 0x40, registers);
                assert_true(end == CS_UNWIND_BROKEN || end == CS_UNWIND_UNKNOWN);
                assert_int_equal(frames.frames.n, 1);
        }
        /* No stack, no code. */
        assert_int_equal(unwind(FAKE_POINTER, FAKE_END, NULL), CS_UNWIND_REGISTERS);
        assert_int_equal(frames.frames.n, 0);
}

/* The table cut at every byte: entries that are whole stay, and nothing is read behind the end. */
static void test_truncated(void **state)
{
        (void)state;
        uint64_t table = FAKE_FRAMES + 8;
        size_t most = 0;
        setup();
        for (size_t len = 0; len < 0x200; len++) {
                struct cs_cfi cfi;
                struct cs_cfi_row row;
                uint64_t steps = 0;
                uint8_t *copy = malloc(len + 1);
                assert_non_null(copy);
                memcpy(copy, memory + table, len);
                assert_int_equal(cs_cfi_open(copy, len, AT(table), &cfi, NULL), CS_OK);
                assert_true(cfi.entries.n >= most && cfi.entries.n <= 4);
                most = cfi.entries.n;
                assert_int_equal(cs_cfi_row(&cfi, AT(FAKE_PUSHES), &row, &steps), most >= 1);
                cs_cfi_deinit(&cfi);
                free(copy);
        }
        assert_int_equal(most, 4);
}

static bool some_register(void *context, uint32_t number, uint64_t *value)
{
        (void)context;
        *value = 0x1000 + number;
        return number < CS_CFI_REGISTERS;
}

static bool some_word(void *context, uint64_t addr, uint64_t *value)
{
        (void)context;
        *value = addr + 1;
        return addr != 0;
}

static void test_expressions(void **state)
{
        (void)state;
        static const struct {
                const char *name;
                uint8_t code[8];
                size_t len;
                bool valid;
                uint64_t value;
        } rows[] = {
                { "breg7+8", { 0x77, 8 }, 2, true, 0x100f },
                { "breg6-8", { 0x76, 0x78 }, 2, true, 0xffe },
                { "deref", { 0x77, 0, 0x06 }, 3, true, 0x1008 },
                { "lit3 lit2 minus", { 0x33, 0x32, 0x1c }, 3, true, 1 },
                { "plus_uconst", { 0x33, 0x23, 0x85, 0x01 }, 4, true, 136 },
                { "a procedure linkage table's",
                  { 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24 },
                  8,
                  true,
                  0 },
                { "const2s", { 0x0b, 0xff, 0xff }, 3, true, UINT64_MAX },
                { "empty", { 0 }, 0, false, 0 },
                { "nothing to add", { 0x33, 0x22 }, 2, false, 0 },
                { "an operand is missing", { 0x77 }, 1, false, 0 },
                { "LEB128 without end", { 0x10, 0x80, 0x80, 0x80 }, 4, false, 0 },
                { "a jump", { 0x33, 0x2f, 0xfc, 0xff }, 4, false, 0 },
                { "no memory there", { 0x30, 0x06 }, 2, false, 0 },
                { "a register beyond", { 0x8f, 0 }, 2, false, 0 },
        };
        struct cs_cfi_world world = { some_register, some_word, NULL };
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                struct cs_cfi_rule rule = { .kind = CS_CFI_EXPRESSION,
                                            .expression = rows[i].code,
                                            .len = rows[i].len };
                uint64_t value;
                bool valid = cs_cfi_evaluate(&rule, NULL, &world, &value);
                if (valid != rows[i].valid || (valid && value != rows[i].value))
                        fail_msg("%s: %d 0x%lx", rows[i].name, valid, (unsigned long)value);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_calls),
                cmocka_unit_test(test_without_registers),
                cmocka_unit_test(test_last_instruction),
                cmocka_unit_test(test_frame_pointer),
                cmocka_unit_test(test_call_of_nothing),
                cmocka_unit_test(test_signal),
                cmocka_unit_test(test_broken),
                cmocka_unit_test(test_truncated),
                cmocka_unit_test(test_expressions),
        };
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        cs_unwinding_deinit(&frames);
        return failed;
}
