/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_stack.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* The bytes of .eh_frame as they are written. */
struct table {
        uint8_t *at;
        size_t n;
        uint64_t addr;
};

static void put(struct table *t, const void *bytes, size_t len)
{
        memcpy(t->at + t->n, bytes, len);
        t->n += len;
}

static void put_half(struct table *t, uint32_t value)
{
        put(t, &value, sizeof(value));
}

/* An entry's length is written when its end is known. */
static size_t begin(struct table *t)
{
        put_half(t, 0);
        return t->n;
}

static void end(struct table *t, size_t start)
{
        while ((t->n - start) % 8 != 4)
                t->at[t->n++] = 0; /* DW_CFA_nop */
        uint32_t len = (uint32_t)(t->n - start);
        memcpy(t->at + start - 4, &len, sizeof(len));
}

/* What begins with DW_CFA_def_cfa rsp+8 and DW_CFA_offset pc at CFA-8. */
static size_t common(struct table *t, bool signal)
{
        static const uint8_t start[] = { 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b };
        static const uint8_t signals[] = { 1, 'z', 'R', 'S', 0, 1, 0x78, 16, 1, 0x1b };
        static const uint8_t program[] = { 0x0c, 7, 8, 0x90, 1 };
        size_t at = t->n, body = begin(t);
        put_half(t, 0);
        if (signal)
                put(t, signals, sizeof(signals));
        else
                put(t, start, sizeof(start));
        put(t, program, sizeof(program));
        end(t, body);
        return at;
}

static void function(struct table *t, size_t of, uint32_t offset, const void *program, size_t len)
{
        size_t body = begin(t);
        put_half(t, (uint32_t)(body - of));
        put_half(t, (uint32_t)(FAKE_STACK_BASE + offset - (t->addr + t->n)));
        put_half(t, 0x100);
        put(t, "", 1);
        put(t, program, len);
        end(t, body);
}

void fake_stack_write(uint8_t bytes[static FAKE_END])
{
        static const uint8_t pushes[] = { 0x41, 0x0e, 16, 0x86,
                                          2 }; /* advance 1, def_cfa_offset, rbp at CFA-16 */
        static const uint8_t pointer[] = { 0x0c, 6, 16, 0x86, 2 }; /* def_cfa rbp+16 */
        static const uint8_t outermost[] = { 0x07, 16 };           /* undefined */
        static const uint8_t signal[] = {
                0x0f, 3,  0x77, 0x18, 0x06, /* def_cfa_expression: breg7 +24, deref */
                0x10, 16, 2,    0x77, 0x20, /* expression: breg7 +32 */
                0x10, 6,  2,    0x77, 0x10, 0x10, 7, 2, 0x77, 0x18
        };
        struct table t = { bytes + FAKE_FRAMES + 8, 0, FAKE_STACK_BASE + FAKE_FRAMES + 8 };
        uint8_t header[] = { 1, 0x1b, 0xff, 0xff, 4, 0, 0, 0 }; /* pcrel sdata4: the table follows */
        Elf64_Ehdr eh = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                                       EV_CURRENT },
                          .e_type = ET_DYN,
                          .e_machine = EM_X86_64,
                          .e_phoff = sizeof(eh),
                          .e_phentsize = sizeof(Elf64_Phdr),
                          .e_phnum = 2 };
        Elf64_Phdr ph[] = { { .p_type = PT_LOAD, .p_filesz = FAKE_WORDS, .p_memsz = FAKE_WORDS },
                            { .p_type = PT_GNU_EH_FRAME, .p_vaddr = FAKE_FRAMES, .p_memsz = 8 } };
        memset(bytes, 0, FAKE_WORDS);
        memcpy(bytes, &eh, sizeof(eh));
        memcpy(bytes + sizeof(eh), ph, sizeof(ph));
        memcpy(bytes + FAKE_FRAMES, header, sizeof(header));
        size_t plain = common(&t, false);
        function(&t, plain, FAKE_PUSHES, pushes, sizeof(pushes));
        function(&t, plain, FAKE_POINTER, pointer, sizeof(pointer));
        function(&t, plain, FAKE_OUTERMOST, outermost, sizeof(outermost));
        function(&t, common(&t, true), FAKE_SIGNAL, signal, sizeof(signal));
}

static void add_mapping(struct cs_image *image, uint64_t start, uint64_t stop, uint32_t perms, int32_t module)
{
        struct cs_mapping m = { .range = { FAKE_STACK_BASE + start, FAKE_STACK_BASE + stop },
                                .perms = perms,
                                .dumped = true,
                                .module = module };
        if (cs_vec_push(&image->mappings, m, NULL) != CS_OK)
                abort();
}

void fake_stack_image(struct cs_image *image, const uint8_t *bytes, uint64_t pc, uint64_t sp,
                      const uint64_t *registers)
{
        *image = (struct cs_image){ .kind = CS_IMAGE_CORE };
        struct cs_module m = { .path = "it",
                               .name = "it",
                               .range = { FAKE_STACK_BASE, FAKE_STACK_BASE + FAKE_WORDS },
                               .bias = FAKE_STACK_BASE,
                               .fd = -1 };
        struct cs_thread t = { .tid = 1, .sp = sp, .pc = pc, .has_registers = registers != NULL };
        if (registers)
                memcpy(t.gpr, registers, 15 * sizeof(*registers));
        add_mapping(image, 0, FAKE_WORDS, CS_PERM_READ | CS_PERM_EXEC, 0);
        add_mapping(image, FAKE_WORDS, FAKE_END, CS_PERM_READ | CS_PERM_WRITE, CS_NO_MODULE);
        image->source = cs_source_from_bytes(FAKE_STACK_BASE, bytes, FAKE_END);
        if (!image->source || cs_vec_push(&image->modules, m, NULL) != CS_OK ||
            cs_vec_push(&image->threads, t, NULL) != CS_OK)
                abort();
}

void fake_stack_free(struct cs_image *image)
{
        cs_source_close(image->source);
        cs_vec_deinit(&image->mappings);
        cs_vec_deinit(&image->modules);
        cs_vec_deinit(&image->threads);
}
