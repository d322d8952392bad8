/* SPDX-License-Identifier: Apache-2.0 */
#include "elffile.h"

#include "cs_limits.h"
#include "cursor.h"
#include "notes.h"

#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        /* Sizes and offsets of the System V gABI, chapter 4, for ELFCLASS64. */
        EHDR_BYTES = 64,
        PHDR_BYTES = 56,
        SHDR_BYTES = 64,
        SHDR_SIZE_AT = 32, /* sh_size */
        /* Names of sections: some kB in real files. */
        SECTION_NAMES_MAX = 16 << 20,
        /* Notes of a module: build-id, ABI tag, properties, stapsdt probes (libc has 20 kB of them). */
        NOTES_MAX = 1 << 20,
};

/* All of len bytes at offset, or false. */
static bool read_at(int fd, uint64_t offset, void *buf, size_t len)
{
        uint8_t *at = buf;
        while (len) {
                if (offset > INT64_MAX)
                        return false;
                ssize_t n = pread(fd, at, len, (off_t)offset);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                at += n;
                offset += (uint64_t)n;
                len -= (size_t)n;
        }
        return true;
}

static bool fits(uint64_t file_size, uint64_t offset, uint64_t count, uint64_t size)
{
        return offset <= file_size && count <= (file_size - offset) / size;
}

/* libelf allocates by the counts in the header before it looks at the file's size: judge them here. */
static enum cs_status check_header(int fd, uint64_t *size, struct cs_error *err)
{
        struct stat st;
        uint8_t raw[EHDR_BYTES], first[SHDR_BYTES];
        if (fstat(fd, &st) != 0)
                return cs_fail_sys(err, errno, "fstat");
        *size = S_ISREG(st.st_mode) && st.st_size > 0 ? (uint64_t)st.st_size : 0;
        if (*size < EHDR_BYTES || !read_at(fd, 0, raw, sizeof(raw)) || memcmp(raw, ELFMAG, SELFMAG) != 0)
                return cs_fail(err, CS_EFORMAT, "not an ELF file");
        if (raw[EI_CLASS] != ELFCLASS64 || raw[EI_DATA] != ELFDATA2LSB)
                return cs_fail(err, CS_EFORMAT, "not a 64-bit little-endian ELF file");

        struct cs_cursor c = cs_cursor_make(raw, sizeof(raw));
        cs_cursor_skip(&c, EI_NIDENT);
        uint16_t type = cs_cursor_u16(&c);
        cs_cursor_skip(&c, 2 + 4 + 8); /* e_machine, e_version, e_entry */
        uint64_t phoff = cs_cursor_u64(&c), shoff = cs_cursor_u64(&c);
        cs_cursor_skip(&c, 4 + 2); /* e_flags, e_ehsize */
        uint16_t phentsize = cs_cursor_u16(&c), phnum = cs_cursor_u16(&c);
        uint16_t shentsize = cs_cursor_u16(&c);
        uint64_t shnum = cs_cursor_u16(&c);
        if (type != ET_EXEC && type != ET_DYN)
                return cs_fail(err, CS_EFORMAT, "neither an executable nor a shared object");
        if (shoff && shnum == 0) {
                if (!fits(*size, shoff, 1, SHDR_BYTES) || !read_at(fd, shoff, first, sizeof(first)))
                        return cs_fail(err, CS_EFORMAT, "section headers beyond the end of the file");
                memcpy(&shnum, first + SHDR_SIZE_AT, sizeof(shnum));
        }
        if (shnum > CS_LIMIT_SECTIONS ||
            (shnum && (shentsize != SHDR_BYTES || !fits(*size, shoff, shnum, SHDR_BYTES))))
                return cs_fail(err, CS_EFORMAT, "section headers do not fit into the file");
        if (phnum && (phentsize != PHDR_BYTES || !fits(*size, phoff, phnum, PHDR_BYTES)))
                return cs_fail(err, CS_EFORMAT, "program headers do not fit into the file");
        return CS_OK;
}

static enum cs_status read_segments(struct cs_elffile *file, Elf *elf, struct cs_error *err)
{
        size_t n = 0;
        if (elf_getphdrnum(elf, &n) != 0)
                return CS_OK; /* a file without segments still has names */
        for (size_t i = 0; i < n && i < CS_LIMIT_SECTIONS; i++) {
                GElf_Phdr ph;
                if (!gelf_getphdr(elf, (int)i, &ph))
                        break;
                enum cs_status st = cs_vec_push(&file->segments,
                                                ((struct cs_elf_segment){ .type = ph.p_type,
                                                                          .flags = ph.p_flags,
                                                                          .offset = ph.p_offset,
                                                                          .vaddr = ph.p_vaddr,
                                                                          .filesz = ph.p_filesz,
                                                                          .memsz = ph.p_memsz }),
                                                err);
                if (st != CS_OK)
                        return st;
        }
        return CS_OK;
}

static enum cs_status read_sections(struct cs_elffile *file, Elf *elf, struct cs_error *err)
{
        size_t names = 0;
        CS_VEC(uint32_t) name_at = { 0 };
        enum cs_status st = CS_OK;
        for (Elf_Scn *scn = elf_nextscn(elf, NULL); scn && st == CS_OK; scn = elf_nextscn(elf, scn)) {
                GElf_Shdr sh;
                if (!gelf_getshdr(scn, &sh))
                        break;
                struct cs_elf_section s = { .name = "",
                                            .addr = sh.sh_addr,
                                            .offset = sh.sh_offset,
                                            .size = sh.sh_size,
                                            .flags = sh.sh_flags,
                                            .type = sh.sh_type,
                                            .link = sh.sh_link };
                st = cs_vec_push(&file->sections, s, err);
                if (st == CS_OK)
                        st = cs_vec_push(&name_at, sh.sh_name, err);
        }
        uint8_t *bytes = NULL;
        if (st == CS_OK && elf_getshdrstrndx(elf, &names) == 0 && names > 0 && names <= file->sections.n &&
            cs_elffile_bytes(file, &file->sections.at[names - 1], SECTION_NAMES_MAX, &bytes,
                             &file->section_names_len, NULL) == CS_OK) {
                file->section_names = (char *)bytes;
                for (size_t i = 0; i < file->sections.n; i++) {
                        const char *name =
                                cs_elf_string(file->section_names, file->section_names_len, name_at.at[i]);
                        file->sections.at[i].name = name ? name : "";
                }
        }
        cs_vec_deinit(&name_at);
        return st;
}

enum cs_status cs_elffile_open(int fd, struct cs_elffile **out, struct cs_error *err)
{
        uint64_t size;
        enum cs_status st = check_header(fd, &size, err);
        if (st != CS_OK)
                return st;
        if (elf_version(EV_CURRENT) == EV_NONE)
                return cs_fail(err, CS_ENOTSUP, "libelf: %s", elf_errmsg(-1));
        cs_cleanup(cs_elffile_closep) struct cs_elffile *file = calloc(1, sizeof(*file));
        if (!file)
                return cs_fail(err, CS_ENOMEM, "ELF file");
        file->fd = fd;
        file->size = size;

        Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
        if (!elf || elf_kind(elf) != ELF_K_ELF) {
                elf_end(elf);
                return cs_fail(err, CS_EFORMAT, "libelf: %s", elf_errmsg(-1));
        }
        st = read_segments(file, elf, err);
        if (st == CS_OK)
                st = read_sections(file, elf, err);
        elf_end(elf);
        if (st == CS_OK)
                *out = cs_take(file);
        return st;
}

void cs_elffile_close(struct cs_elffile *file)
{
        if (!file)
                return;
        cs_vec_deinit(&file->sections);
        cs_vec_deinit(&file->segments);
        free(file->section_names);
        free(file);
}

const struct cs_elf_section *cs_elffile_section(const struct cs_elffile *file, uint32_t type,
                                                const char *name)
{
        for (size_t i = 0; i < file->sections.n; i++) {
                const struct cs_elf_section *s = &file->sections.at[i];
                if (s->type == type && (!name || strcmp(s->name, name) == 0))
                        return s;
        }
        return NULL;
}

const struct cs_elf_section *cs_elffile_linked(const struct cs_elffile *file,
                                               const struct cs_elf_section *section)
{
        return section->link > 0 && section->link <= file->sections.n ? &file->sections.at[section->link - 1]
                                                                      : NULL;
}

enum cs_status cs_elffile_bytes(const struct cs_elffile *file, const struct cs_elf_section *section,
                                uint64_t max, uint8_t **bytes, size_t *len, struct cs_error *err)
{
        if (section->type == SHT_NOBITS || (section->flags & SHF_COMPRESSED) ||
            !fits(file->size, section->offset, section->size, 1))
                return cs_fail(err, CS_EFORMAT, "section %s is not in the file", section->name);
        if (section->size > max)
                return cs_fail(err, CS_ELIMIT, "section %s has %" PRIu64 " bytes", section->name,
                               section->size);
        uint8_t *copy = malloc((size_t)section->size + 1);
        if (!copy)
                return cs_fail(err, CS_ENOMEM, "section %s", section->name);
        if (!read_at(file->fd, section->offset, copy, (size_t)section->size)) {
                free(copy);
                return cs_fail(err, CS_EFORMAT, "section %s cannot be read", section->name);
        }
        copy[section->size] = 0;
        *bytes = copy;
        *len = (size_t)section->size;
        return CS_OK;
}

static size_t build_id_in(const struct cs_elffile *file, const struct cs_elf_section *notes,
                          uint8_t id[static CS_BUILD_ID_MAX])
{
        uint8_t *bytes;
        size_t len, found;
        const uint8_t *at;
        if (cs_elffile_bytes(file, notes, NOTES_MAX, &bytes, &len, NULL) != CS_OK)
                return 0;
        found = cs_notes_build_id(bytes, len, &at);
        if (found)
                memcpy(id, at, found);
        free(bytes);
        return found;
}

size_t cs_elffile_build_id(const struct cs_elffile *file, uint8_t id[static CS_BUILD_ID_MAX])
{
        size_t found = 0;
        for (size_t i = 0; i < file->sections.n && !found; i++)
                if (file->sections.at[i].type == SHT_NOTE)
                        found = build_id_in(file, &file->sections.at[i], id);
        /* In a debug file the segments still say where the notes were in the stripped one: only where no section says. */
        for (size_t i = 0; i < file->segments.n && !found && !file->sections.n; i++) {
                const struct cs_elf_segment *ph = &file->segments.at[i];
                struct cs_elf_section notes = { .name = "notes", .offset = ph->offset, .size = ph->filesz };
                if (ph->type == PT_NOTE)
                        found = build_id_in(file, &notes, id);
        }
        return found;
}
