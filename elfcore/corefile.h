/* SPDX-License-Identifier: Apache-2.0 */
/* A core file: its program headers as pieces of memory, and the source that reads them. */
#ifndef CS_COREFILE_H
#define CS_COREFILE_H

#include "image.h"

#include <elf.h>

/* One PT_LOAD. */
struct cs_segment {
        struct cs_range range;
        uint64_t file_offset;
        uint64_t held;     /* bytes from range.start on that the file really holds */
        uint64_t promised; /* p_filesz: held < promised means that the core was cut */
        uint32_t perms;    /* cs_perm */
};

struct cs_corefile {
        CS_VEC(struct cs_segment) segments; /* sorted, disjoint */
        CS_VEC(struct cs_range) notes;      /* file ranges of PT_NOTE, clamped to the file */
        uint64_t missing;                   /* bytes that the headers promise and the file lacks */
        size_t overlaps;                    /* segments dropped because they lie upon another */
        bool headers_cut;                   /* the table of program headers itself is incomplete */
        bool counted; /* the number of segments was lost with the end of the file, and told from where their bytes begin */
};

/* Reads the headers of a core that lies in memory. CS_EFORMAT: not ELF, or not a core. CS_ENOTSUP: another architecture.
 * The bytes are not kept. */
CS_CHECK enum cs_status cs_corefile_parse(const uint8_t *bytes, size_t len, struct cs_corefile *out,
                                          struct cs_error *err);
/* The same of a core of which only the first bytes lie in memory: all program headers should be among them. file_len is how
 * long all of it is; section holds what could be read at cs_corefile_section(), or NULL. */
CS_CHECK enum cs_status cs_corefile_parse_head(const uint8_t *head, size_t head_len, uint64_t file_len,
                                               const Elf64_Shdr *section, struct cs_corefile *out,
                                               struct cs_error *err);

/* Where in the file the section header is that has the number of segments; 0: none is needed. */
uint64_t cs_corefile_section(const uint8_t *head, size_t len);

/* Whether the first len bytes are enough to tell how long the core is, and how long: behind it nothing is of use. What is
 * not a core is as long as what is there. */
bool cs_corefile_extent(const uint8_t *head, size_t len, uint64_t *extent);

void cs_corefile_deinit(struct cs_corefile *core);

/* A source over the bytes of a core (borrowed; typically mapped). */
struct cs_source;
CS_CHECK enum cs_status cs_core_source_create(const uint8_t *bytes, size_t len,
                                              const struct cs_corefile *core, struct cs_source **out,
                                              struct cs_error *err);

/* A source over a core that was compressed (borrowed). */
struct cs_store;
CS_CHECK enum cs_status cs_core_source_create_stored(const struct cs_store *store,
                                                     const struct cs_corefile *core, struct cs_source **out,
                                                     struct cs_error *err);

/* From now on reads come from fd, which is the file that the bytes are a mapping of; borrowed. What is borrowed is as before, but
 * ends where a hole of the file begins, which nobody reads. Called before anything is read. */
void cs_core_source_read_from(struct cs_source *src, int fd);

/* A stretch of memory that shows a file. */
struct cs_file_part {
        struct cs_range range;
        uint64_t file_offset;
        int fd; /* borrowed; must outlive the source */
};

/* Lets files stand in for what the core does not hold of these parts (sorted, disjoint), as far as nothing was dumped there.
 * Called while the image is opened, not later. */
CS_CHECK enum cs_status cs_core_source_add_files(struct cs_source *src, const struct cs_file_part *parts,
                                                 size_t n, struct cs_error *err);

#endif
