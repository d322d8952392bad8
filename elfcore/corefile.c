/* SPDX-License-Identifier: Apache-2.0 */
#include "corefile.h"

#include "cs_limits.h"

#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

static const char *machine_name(unsigned machine)
{
        switch (machine) {
        case EM_386:
                return "i386";
        case EM_AARCH64:
                return "aarch64";
        case EM_ARM:
                return "arm";
        case EM_PPC64:
                return "ppc64";
        case EM_S390:
                return "s390";
        case EM_RISCV:
                return "riscv";
        default:
                return "another machine";
        }
}

static unsigned half_at(const uint8_t *at, bool big)
{
        unsigned first = at[0], second = at[1];
        return big ? first << 8 | second : second << 8 | first;
}

/* What the first bytes say, before a library looks at them: the sentences here are for people. */
static enum cs_status check_ident(const uint8_t *bytes, size_t len, struct cs_error *err)
{
        static const char *const types[] = { "no file type", "a relocatable object", "an executable",
                                             "a shared object or executable" };
        if (len == 0)
                return cs_fail(err, CS_EFORMAT, "the file is empty");
        if (len < SELFMAG || memcmp(bytes, ELFMAG, SELFMAG) != 0)
                return cs_fail(err, CS_EFORMAT, "not an ELF file");
        if (len < EI_NIDENT + 4)
                return cs_fail(err, CS_EFORMAT, "cut inside the ELF header");
        unsigned class = bytes[EI_CLASS], order = bytes[EI_DATA];
        bool big = order == ELFDATA2MSB;
        unsigned type = half_at(bytes + EI_NIDENT, big), machine = half_at(bytes + EI_NIDENT + 2, big);
        if (type != ET_CORE)
                return cs_fail(err, CS_EFORMAT, "an ELF file, but not a core: it is %s",
                               type < 4 ? types[type] : "of an unknown type");
        if (class != ELFCLASS64 || order != ELFDATA2LSB || machine != EM_X86_64)
                return cs_fail(err, CS_ENOTSUP, "a %s-bit %s-endian core of %s: only x86_64 cores are read",
                               class == ELFCLASS32 ? "32" : "64", big ? "big" : "little",
                               machine == EM_X86_64 ? "x86_64" : machine_name(machine));
        if (len < sizeof(Elf64_Ehdr))
                return cs_fail(err, CS_EFORMAT, "cut inside the ELF header");
        return CS_OK;
}

static enum cs_status add_segment(struct cs_corefile *core, const GElf_Phdr *ph, size_t file_len,
                                  struct cs_error *err)
{
        struct cs_segment s = { .range.start = ph->p_vaddr,
                                .file_offset = ph->p_offset,
                                .promised = ph->p_filesz };
        if (ph->p_memsz == 0 || ph->p_memsz > UINT64_MAX - ph->p_vaddr)
                return CS_OK;
        s.range.end = ph->p_vaddr + ph->p_memsz;
        if (!cs_range_mappable(s.range))
                return CS_OK;
        if (s.promised > ph->p_memsz)
                s.promised = ph->p_memsz;
        s.held = s.promised;
        uint64_t left = s.file_offset < file_len ? file_len - s.file_offset : 0;
        if (s.held > left) {
                core->missing += s.held - left;
                s.held = left;
        }
        s.perms = (ph->p_flags & PF_R ? CS_PERM_READ : 0u) | (ph->p_flags & PF_W ? CS_PERM_WRITE : 0u) |
                  (ph->p_flags & PF_X ? CS_PERM_EXEC : 0u);
        return cs_vec_push(&core->segments, s, err);
}

static enum cs_status add_notes(struct cs_corefile *core, const GElf_Phdr *ph, size_t file_len,
                                struct cs_error *err)
{
        struct cs_range r = { ph->p_offset, ph->p_offset };
        if (ph->p_offset >= file_len) {
                core->missing += ph->p_filesz;
                return CS_OK;
        }
        uint64_t left = file_len - ph->p_offset;
        if (ph->p_filesz > left)
                core->missing += ph->p_filesz - left;
        r.end += ph->p_filesz < left ? ph->p_filesz : left;
        if (cs_range_size(r) > CS_LIMIT_NOTE_BYTES)
                r.end = r.start + CS_LIMIT_NOTE_BYTES;
        return cs_vec_push(&core->notes, r, err);
}

static int by_start(const void *a, const void *b)
{
        const struct cs_segment *x = a, *y = b;
        return x->range.start < y->range.start ? -1 : x->range.start > y->range.start;
}

/* Segments that lie upon the one before them are lies: the first holds. */
static void drop_overlaps(struct cs_corefile *core)
{
        size_t kept = 0;
        if (core->segments.n)
                qsort(core->segments.at, core->segments.n, sizeof(*core->segments.at), by_start);
        for (size_t i = 0; i < core->segments.n; i++) {
                if (kept && core->segments.at[i].range.start < core->segments.at[kept - 1].range.end)
                        core->overlaps++;
                else
                        core->segments.at[kept++] = core->segments.at[i];
        }
        core->segments.n = kept;
}

static void elf_endp(Elf **elf)
{
        elf_end(*elf);
}

enum cs_status cs_corefile_parse(const uint8_t *bytes, size_t len, struct cs_corefile *out,
                                 struct cs_error *err)
{
        enum cs_status st = check_ident(bytes, len, err);
        if (st != CS_OK)
                return st;
        elf_version(EV_CURRENT);
        /* elf_memory() takes a writable pointer, but only elf_update() would write. */
        cs_cleanup(elf_endp) Elf *elf = elf_memory((char *)(uintptr_t)bytes, len);
        size_t count = 0;
        if (!elf || elf_getphdrnum(elf, &count) != 0)
                return cs_fail(err, CS_EFORMAT, "the ELF header is damaged");
        Elf64_Ehdr header;
        memcpy(&header, bytes, sizeof(header));
        if (header.e_phnum != PN_XNUM && count < header.e_phnum)
                out->headers_cut = true;
        for (size_t i = 0; i < count && i < CS_LIMIT_MAPPINGS; i++) {
                GElf_Phdr ph;
                if (!gelf_getphdr(elf, (int)i, &ph)) {
                        out->headers_cut = true;
                        break;
                }
                if (ph.p_type == PT_LOAD)
                        st = add_segment(out, &ph, len, err);
                else if (ph.p_type == PT_NOTE)
                        st = add_notes(out, &ph, len, err);
                if (st != CS_OK)
                        return st;
        }
        drop_overlaps(out);
        return CS_OK;
}

void cs_corefile_deinit(struct cs_corefile *core)
{
        cs_vec_deinit(&core->segments);
        cs_vec_deinit(&core->notes);
}
