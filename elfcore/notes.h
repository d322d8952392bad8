/* SPDX-License-Identifier: Apache-2.0 */
/* The notes of a core: threads, command, auxiliary vector, mapped files. Pure bytes in, facts out. */
#ifndef CS_NOTES_H
#define CS_NOTES_H

#include "auxv.h"
#include "image.h"

struct cs_note_file {
        struct cs_range range;
        uint64_t file_offset; /* bytes */
        const char *path;
        bool found; /* not noted: the memory there is that of a loaded object */
};

struct cs_notes {
        CS_VEC(struct cs_thread) threads;
        CS_VEC(struct cs_note_file) files; /* as noted: may overlap, may be out of order */
        const char *command;               /* or NULL */
        pid_t pid;                         /* 0: unknown */
        struct cs_auxv auxv;
        struct cs_range stack; /* of the first thread, where it was found in memory; else empty */
        bool damaged;          /* a note lied about its size or its counts; what came before it holds */
};

/* Parses len bytes of a PT_NOTE segment; strings go to pool. Only CS_ENOMEM fails: damage is noted in the result. */
CS_CHECK enum cs_status cs_notes_parse(const uint8_t *bytes, size_t len, struct cs_pool *pool,
                                       struct cs_notes *out, struct cs_error *err);
void cs_notes_deinit(struct cs_notes *notes);

/* Sorts the files and drops those that lie upon the one before them, which is damage. */
void cs_notes_tidy(struct cs_notes *notes);

/* The GNU build-id among the notes in bytes; its length (0: none), borrowed through *id. */
size_t cs_notes_build_id(const uint8_t *bytes, size_t len, const uint8_t **id);

#endif
