/* SPDX-License-Identifier: Apache-2.0 */
/* A module with its call frame information, a stack, and a thread's registers: rbp, rsp, pc, then memory. */
#include "bytes.h"
#include "unwind.h"

#include <stdlib.h>
#include <string.h>

enum { REGISTERS = 3, RBP = 4, MEMORY_MAX = 1 << 16 };

#define BASE UINT64_C(0x400000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct cs_unwinding *u, uint64_t end)
{
        for (size_t i = 0; i < u->frames.n; i++) {
                const struct cs_frame *f = &u->frames.at[i];
                if (f->range.start > f->range.end || f->range.end > end || f->module < CS_NO_MODULE ||
                    f->module > 0)
                        abort();
        }
        /* Every frame takes a word at least, but for a signal's. */
        if (u->threads.n != 1 || u->threads.at[0].n != u->frames.n || u->frames.n > (end - BASE) / 8 + 32)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        enum { HEAD = REGISTERS * 8 };
        if (size < HEAD + 8 || size > HEAD + MEMORY_MAX)
                return 0;
        size_t len = size - HEAD;
        /* The last quarter is the stack. */
        uint64_t end = BASE + len, stack = BASE + (len - len / 4) / 8 * 8;
        struct cs_mapping mappings[] = {
                { .range = { BASE, stack }, .perms = CS_PERM_READ | CS_PERM_EXEC, .dumped = true },
                { .range = { stack, end }, .perms = CS_PERM_READ, .dumped = true, .module = CS_NO_MODULE },
        };
        struct cs_module module = {
                .path = "it", .name = "it", .range = { BASE, stack }, .bias = BASE, .fd = -1
        };
        struct cs_thread thread = {
                .tid = 1, .has_registers = data[0] & 1, .sp = cs_word(data + 8), .pc = cs_word(data + 16)
        };
        struct cs_image image = { .source = cs_source_from_bytes(BASE, data + HEAD, len) };
        struct cs_unwinding u = { 0 };
        thread.gpr[RBP] = cs_word(data) & ~(uint64_t)1;
        image.mappings.at = mappings;
        image.mappings.n = 2;
        image.modules.at = &module;
        image.modules.n = 1;
        image.threads.at = &thread;
        image.threads.n = 1;
        if (image.source && cs_unwind(&image, &u, NULL) == CS_OK)
                check(&u, end);
        cs_unwinding_deinit(&u);
        cs_source_close(image.source);
        return 0;
}
