/* SPDX-License-Identifier: Apache-2.0 */
/* A core file: its program headers as pieces of memory, and the source that reads them. */
#ifndef CS_COREFILE_H
#define CS_COREFILE_H

#include "image.h"

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
};

/* Reads the headers of a core that lies in memory. CS_EFORMAT: not ELF, or not a core. CS_ENOTSUP: another architecture.
 * The bytes are not kept. */
CS_CHECK enum cs_status cs_corefile_parse(const uint8_t *bytes, size_t len, struct cs_corefile *out,
                                          struct cs_error *err);
void cs_corefile_deinit(struct cs_corefile *core);

/* A source over the bytes of a core (borrowed; typically mapped). */
struct cs_source;
CS_CHECK enum cs_status cs_core_source_create(const uint8_t *bytes, size_t len,
                                              const struct cs_corefile *core, struct cs_source **out,
                                              struct cs_error *err);

/* From now on reads come from fd, which is the file that the bytes are a mapping of; borrowed. Borrowing is as before. */
void cs_core_source_read_from(struct cs_source *src, int fd);

/* Lets a file stand in for what the core does not hold of [range): its bytes from file_offset on, as far as nothing was
 * dumped there. fd is borrowed and must outlive the source. Called while the image is opened, not later. */
CS_CHECK enum cs_status cs_core_source_add_file(struct cs_source *src, struct cs_range range, int fd,
                                                uint64_t file_offset, struct cs_error *err);

#endif
