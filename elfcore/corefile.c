/* SPDX-License-Identifier: Apache-2.0 */
/* Program headers of cores are read here and not by libelf, which wants all of a file at hand, and gives up where the number of
 * headers cannot be had: of a compressed core there is only the beginning when they are needed; of one that is cut, the table
 * ends early, or the section header that has the number beyond 65,535 is lost. What is left is an array of fixed records. */
#include "corefile.h"

#include "cs_limits.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Who writes cores puts the program headers right behind the ELF header; nobody gets us to keep all before them. */
enum { HEADERS_BEGIN_MAX = 1 << 20 };

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
        Elf64_Ehdr header;
        memcpy(&header, bytes, sizeof(header));
        if (bytes[EI_VERSION] != EV_CURRENT || header.e_phentsize != sizeof(Elf64_Phdr))
                return cs_fail(err, CS_EFORMAT, "the ELF header is damaged");
        return CS_OK;
}

static enum cs_status add_segment(struct cs_corefile *core, const Elf64_Phdr *ph, uint64_t file_len,
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

static enum cs_status add_notes(struct cs_corefile *core, const Elf64_Phdr *ph, uint64_t file_len,
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

/* The table of program headers as far as it lies in the head. x86_64 entries have one size, whatever e_phentsize says. */
static size_t table_room(const Elf64_Ehdr *header, size_t len)
{
        return header->e_phoff < len ? (len - (size_t)header->e_phoff) / sizeof(Elf64_Phdr) : 0;
}

static Elf64_Phdr entry(const uint8_t *head, const Elf64_Ehdr *header, size_t i)
{
        Elf64_Phdr ph;
        memcpy(&ph, head + header->e_phoff + i * sizeof(ph), sizeof(ph));
        return ph;
}

/* How many entries fit before the first byte of what they describe: kernel and gdb write nothing between. 0: unknown. */
static size_t count_by_room(const uint8_t *head, const Elf64_Ehdr *header, size_t room)
{
        uint64_t first = UINT64_MAX;
        for (size_t i = 0; i < room && i < CS_LIMIT_MAPPINGS; i++) {
                if (header->e_phoff + i * sizeof(Elf64_Phdr) >= first)
                        break;
                Elf64_Phdr ph = entry(head, header, i);
                if (ph.p_filesz && ph.p_offset > header->e_phoff && ph.p_offset < first)
                        first = ph.p_offset;
        }
        return first == UINT64_MAX ? 0 : (size_t)((first - header->e_phoff) / sizeof(Elf64_Phdr));
}

uint64_t cs_corefile_section(const uint8_t *head, size_t len)
{
        Elf64_Ehdr header;
        if (check_ident(head, len, NULL) != CS_OK)
                return 0;
        memcpy(&header, head, sizeof(header));
        return header.e_phnum == PN_XNUM ? header.e_shoff : 0;
}

bool cs_corefile_extent(const uint8_t *head, size_t len, uint64_t *extent)
{
        Elf64_Ehdr header;
        *extent = len;
        if (check_ident(head, len, NULL) != CS_OK)
                return true;
        memcpy(&header, head, sizeof(header));
        size_t room = table_room(&header, len), count = header.e_phnum;
        if (header.e_phoff > HEADERS_BEGIN_MAX)
                return true;
        /* Told from few entries it is too high, never too low: more bytes are asked for, and it is told again. */
        if (count == PN_XNUM && (count = count_by_room(head, &header, room)) == 0)
                count = CS_LIMIT_MAPPINGS;
        if (count > CS_LIMIT_MAPPINGS)
                count = CS_LIMIT_MAPPINGS;
        if (room < count)
                return false;
        for (size_t i = 0; i < count; i++) {
                Elf64_Phdr ph = entry(head, &header, i);
                uint64_t end;
                if ((ph.p_type == PT_LOAD || ph.p_type == PT_NOTE) &&
                    !__builtin_add_overflow(ph.p_offset, ph.p_filesz, &end) && end > *extent)
                        *extent = end;
        }
        /* The section header that has the count: the kernel puts it right behind the last segment. */
        if (header.e_phnum == PN_XNUM && header.e_shoff >= *extent && header.e_shoff - *extent <= CS_PAGE)
                *extent = header.e_shoff + sizeof(Elf64_Shdr);
        return true;
}

enum cs_status cs_corefile_parse_head(const uint8_t *head, size_t head_len, uint64_t file_len,
                                      const Elf64_Shdr *section, struct cs_corefile *out,
                                      struct cs_error *err)
{
        Elf64_Ehdr header;
        enum cs_status st = check_ident(head, head_len, err);
        if (st != CS_OK)
                return st;
        memcpy(&header, head, sizeof(header));
        size_t room = table_room(&header, head_len), count = header.e_phnum;
        if (count == PN_XNUM && section && section->sh_info) {
                count = section->sh_info;
        } else if (count == PN_XNUM) {
                size_t told = count_by_room(head, &header, room);
                out->counted = told > 0;
                if (out->counted)
                        count = told;
        }
        if (count == 0)
                return cs_fail(err, CS_EFORMAT, "a core without program headers");
        if (count > room) {
                out->headers_cut = true;
                count = room;
        }
        for (size_t i = 0; i < count && i < CS_LIMIT_MAPPINGS; i++) {
                Elf64_Phdr ph = entry(head, &header, i);
                if (ph.p_type == PT_LOAD)
                        st = add_segment(out, &ph, file_len, err);
                else if (ph.p_type == PT_NOTE)
                        st = add_notes(out, &ph, file_len, err);
                if (st != CS_OK)
                        return st;
        }
        drop_overlaps(out);
        return CS_OK;
}

enum cs_status cs_corefile_parse(const uint8_t *bytes, size_t len, struct cs_corefile *out,
                                 struct cs_error *err)
{
        Elf64_Shdr section;
        uint64_t at = cs_corefile_section(bytes, len);
        bool there = at && at < len && len - at >= sizeof(section);
        if (there)
                memcpy(&section, bytes + at, sizeof(section));
        return cs_corefile_parse_head(bytes, len, len, there ? &section : NULL, out, err);
}

void cs_corefile_deinit(struct cs_corefile *core)
{
        cs_vec_deinit(&core->segments);
        cs_vec_deinit(&core->notes);
}
