/* SPDX-License-Identifier: Apache-2.0 */
/* One ELF file on disk: its headers, and bounded reads of what they point at. The file may be hostile, and may change
 * while it is read: it is read and never mapped (no SIGBUS when it is truncated under us), and whatever it claims is
 * judged by its size first. Only 64-bit little-endian executables and shared objects (and their debug files) are read.
 * Main thread only (libelf is). */
#ifndef CS_ELFFILE_H
#define CS_ELFFILE_H

#include "image.h"

struct cs_elf_section {
        const char *name; /* "" where the file's string table does not hold it; lives as long as the file */
        uint64_t addr;    /* ELF virtual address, before the bias */
        uint64_t offset;
        uint64_t size;
        uint64_t flags; /* SHF_… */
        uint32_t type;  /* SHT_… */
        uint32_t link;
};

struct cs_elf_segment {
        uint32_t type;  /* PT_… */
        uint32_t flags; /* PF_… */
        uint64_t offset;
        uint64_t vaddr; /* before the bias */
        uint64_t filesz;
        uint64_t memsz;
};

struct cs_elffile {
        int fd; /* borrowed */
        uint64_t size;
        CS_VEC(struct cs_elf_section) sections; /* in the file's order, without the first, empty one */
        CS_VEC(struct cs_elf_segment) segments;
        char *section_names; /* owned */
        size_t section_names_len;
};

/* The fd is borrowed and must outlive the file. CS_EFORMAT: not such an ELF file, or its headers do not fit into it. */
CS_CHECK enum cs_status cs_elffile_open(int fd, struct cs_elffile **out, struct cs_error *err);
void cs_elffile_close(struct cs_elffile *file);
static inline void cs_elffile_closep(struct cs_elffile **file)
{
        cs_elffile_close(*file);
}

/* The first section of that type (and name, where one is given), or NULL. */
const struct cs_elf_section *cs_elffile_section(const struct cs_elffile *file, uint32_t type,
                                                const char *name);

/* The section that another one refers to by number (sh_link), or NULL. */
const struct cs_elf_section *cs_elffile_linked(const struct cs_elffile *file,
                                               const struct cs_elf_section *section);

/* The bytes of a section in memory of their own (one NUL is put behind them), to be freed by the caller.
 * CS_ELIMIT: more than max. CS_EFORMAT: not all of it is in the file, or it is compressed. */
CS_CHECK enum cs_status cs_elffile_bytes(const struct cs_elffile *file, const struct cs_elf_section *section,
                                         uint64_t max, uint8_t **bytes, size_t *len, struct cs_error *err);

/* The GNU build-id: its length, or 0. */
size_t cs_elffile_build_id(const struct cs_elffile *file, uint8_t id[static CS_BUILD_ID_MAX]);

/* The string at `at` of a string table of len bytes and a NUL behind them, or NULL where it begins beyond. */
static inline const char *cs_elf_string(const char *strings, size_t len, uint64_t at)
{
        return at < len ? strings + at : NULL;
}

#endif
