/* SPDX-License-Identifier: Apache-2.0 */
#include "corebuilder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Linux include/uapi/linux/elfcore.h and arch/x86/include/asm/user_64.h. */
enum {
        PRSTATUS_BYTES = 336,
        PRSTATUS_PID = 32,
        PRSTATUS_REGS = 112,
        REG_RIP = 16,
        REG_RSP = 19,
        PRPSINFO_BYTES = 136,
        PRPSINFO_PID = 24,
        PRPSINFO_ARGS = 56,
        GENERAL = 15,
};

static void must(bool ok)
{
        if (!ok)
                abort();
}

void corebuilder_deinit(struct corebuilder *core)
{
        for (size_t i = 0; i < core->loads.n; i++)
                free(core->loads.at[i].bytes);
        for (size_t i = 0; i < core->files.n; i++)
                free(core->files.at[i].path);
        cs_vec_deinit(&core->loads);
        cs_vec_deinit(&core->files);
        cs_vec_deinit(&core->notes);
}

void corebuilder_load(struct corebuilder *core, uint64_t addr, const void *bytes, uint64_t filesz,
                      uint64_t memsz, uint32_t flags)
{
        struct corebuilder_load load = { addr, memsz, filesz, flags, malloc(filesz + 1) };
        must(load.bytes);
        if (filesz)
                memcpy(load.bytes, bytes, filesz);
        must(cs_vec_push(&core->loads, load, NULL) == CS_OK);
}

static void append(struct corebuilder *core, const void *bytes, size_t len)
{
        must(cs_vec_reserve(&core->notes, len + 1, NULL) == CS_OK);
        if (len)
                memcpy(core->notes.at + core->notes.n, bytes, len);
        core->notes.n += len;
        while (core->notes.n % 4)
                must(cs_vec_push(&core->notes, 0, NULL) == CS_OK);
}

void corebuilder_note(struct corebuilder *core, const char *name, uint32_t type, const void *desc, size_t len)
{
        uint32_t head[3] = { (uint32_t)strlen(name) + 1, (uint32_t)len, type };
        append(core, head, sizeof(head));
        append(core, name, head[0]);
        append(core, desc, len);
}

void corebuilder_thread(struct corebuilder *core, int tid, uint64_t sp, uint64_t pc,
                        const uint64_t *registers)
{
        uint8_t desc[PRSTATUS_BYTES] = { 0 };
        memcpy(desc + PRSTATUS_PID, &tid, sizeof(tid));
        if (registers)
                memcpy(desc + PRSTATUS_REGS, registers, GENERAL * sizeof(*registers));
        memcpy(desc + PRSTATUS_REGS + 8 * REG_RIP, &pc, sizeof(pc));
        memcpy(desc + PRSTATUS_REGS + 8 * REG_RSP, &sp, sizeof(sp));
        corebuilder_note(core, "CORE", NT_PRSTATUS, desc, sizeof(desc));
}

void corebuilder_process(struct corebuilder *core, int pid, const char *command)
{
        uint8_t desc[PRPSINFO_BYTES] = { 0 };
        memcpy(desc + PRPSINFO_PID, &pid, sizeof(pid));
        snprintf((char *)desc + PRPSINFO_ARGS, PRPSINFO_BYTES - PRPSINFO_ARGS, "%s", command);
        corebuilder_note(core, "CORE", NT_PRPSINFO, desc, sizeof(desc));
}

void corebuilder_auxv(struct corebuilder *core, uint64_t entry, uint64_t random, uint64_t vdso)
{
        uint64_t desc[] = { AT_ENTRY, entry, AT_RANDOM, random, AT_SYSINFO_EHDR, vdso, AT_NULL, 0 };
        corebuilder_note(core, "CORE", NT_AUXV, desc, sizeof(desc));
}

void corebuilder_file(struct corebuilder *core, uint64_t start, uint64_t end, uint64_t page, const char *path)
{
        struct corebuilder_file file = { start, end, page, strdup(path) };
        must(file.path && cs_vec_push(&core->files, file, NULL) == CS_OK);
}

struct corebuilder_bytes corebuilder_files_note(const struct corebuilder *core)
{
        struct corebuilder_bytes out = { .len = 16 + 24 * core->files.n };
        for (size_t i = 0; i < core->files.n; i++)
                out.len += strlen(core->files.at[i].path) + 1;
        uint8_t *at = out.at = malloc(out.len);
        uint64_t head[2] = { core->files.n, 4096 };
        must(at);
        memcpy(at, head, sizeof(head));
        at += sizeof(head);
        for (size_t i = 0; i < core->files.n; i++, at += 24) {
                const struct corebuilder_file *f = &core->files.at[i];
                memcpy(at, (uint64_t[]){ f->start, f->end, f->page }, 24);
        }
        for (size_t i = 0; i < core->files.n; i++)
                at = (uint8_t *)stpcpy((char *)at, core->files.at[i].path) + 1;
        return out;
}

/* The notes as they stand and NT_FILE behind them. */
static void all_notes(const struct corebuilder *core, struct corebuilder *out)
{
        append(out, core->notes.at, core->notes.n);
        if (core->files.n) {
                struct corebuilder_bytes files = corebuilder_files_note(core);
                corebuilder_note(out, "CORE", NT_FILE, files.at, files.len);
                free(files.at);
        }
}

static size_t aligned(size_t at)
{
        return (at + 15) & ~(size_t)15;
}

struct corebuilder_bytes corebuilder_finish(const struct corebuilder *core)
{
        struct corebuilder notes = { 0 };
        all_notes(core, &notes);
        size_t count = core->loads.n + (notes.notes.n > 0);
        size_t sections = core->many ? sizeof(Elf64_Shdr) : 0;
        size_t at = sizeof(Elf64_Ehdr) + count * sizeof(Elf64_Phdr) + sections;
        size_t len = aligned(at) + notes.notes.n;
        for (size_t i = 0; i < core->loads.n; i++)
                len = aligned(len) + core->loads.at[i].filesz;
        struct corebuilder_bytes out = { calloc(1, len + 1), len };
        must(out.at);
        Elf64_Ehdr eh = {
                .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
                .e_type = core->type ? core->type : ET_CORE,
                .e_machine = core->machine ? core->machine : EM_X86_64,
                .e_version = EV_CURRENT,
                .e_phoff = sizeof(Elf64_Ehdr),
                .e_ehsize = sizeof(Elf64_Ehdr),
                .e_phentsize = sizeof(Elf64_Phdr),
                .e_phnum = core->many ? PN_XNUM : (uint16_t)count,
        };
        if (core->many) {
                /* Linux fs/binfmt_elf.c, fill_extnum_info(). */
                Elf64_Shdr sh = { .sh_info = (uint32_t)count };
                eh.e_shoff = at - sections;
                eh.e_shnum = 1;
                eh.e_shentsize = sizeof(sh);
                memcpy(out.at + eh.e_shoff, &sh, sizeof(sh));
        }
        memcpy(out.at, &eh, sizeof(eh));
        uint8_t *header = out.at + sizeof(eh);
        at = aligned(at);
        if (notes.notes.n) {
                Elf64_Phdr ph = { .p_type = PT_NOTE, .p_offset = at, .p_filesz = notes.notes.n };
                memcpy(header, &ph, sizeof(ph));
                memcpy(out.at + at, notes.notes.at, notes.notes.n);
                header += sizeof(ph);
                at += notes.notes.n;
        }
        for (size_t i = 0; i < core->loads.n; i++, header += sizeof(Elf64_Phdr)) {
                const struct corebuilder_load *l = &core->loads.at[i];
                Elf64_Phdr ph = { .p_type = PT_LOAD,
                                  .p_flags = l->flags,
                                  .p_offset = at = aligned(at),
                                  .p_vaddr = l->addr,
                                  .p_filesz = l->filesz,
                                  .p_memsz = l->memsz,
                                  .p_align = 1 };
                memcpy(header, &ph, sizeof(ph));
                memcpy(out.at + at, l->bytes, l->filesz);
                at += l->filesz;
        }
        corebuilder_deinit(&notes);
        return out;
}

int corebuilder_open(const void *bytes, size_t len, char path[static 64])
{
        int fd = memfd_create("core", MFD_CLOEXEC);
        must(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
        snprintf(path, 64, "/proc/self/fd/%d", fd);
        return fd;
}
