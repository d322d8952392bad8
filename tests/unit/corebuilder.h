/* SPDX-License-Identifier: Apache-2.0 */
/* Cores put together piece by piece, for tests and for the seeds of the fuzz targets. What cannot be allocated aborts. */
#ifndef CS_COREBUILDER_H
#define CS_COREBUILDER_H

#include "vec.h"

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

/* One PT_LOAD. */
struct corebuilder_load {
        uint64_t addr;
        uint64_t memsz;
        uint64_t filesz;
        uint32_t flags; /* PF_… */
        uint8_t *bytes; /* filesz of them; owned */
};

struct corebuilder_file {
        uint64_t start;
        uint64_t end;
        uint64_t page; /* where in the file, in pages */
        char *path;    /* owned */
};

struct corebuilder {
        CS_VEC(struct corebuilder_load) loads;
        CS_VEC(struct corebuilder_file) files;
        CS_VEC(uint8_t) notes;
        uint16_t type;    /* 0: ET_CORE */
        uint16_t machine; /* 0: EM_X86_64 */
        bool many;        /* write the number of headers as PN_XNUM does */
};

struct corebuilder_bytes {
        uint8_t *at; /* the caller's, from malloc */
        size_t len;
};

void corebuilder_deinit(struct corebuilder *core);

/* Memory at addr: filesz bytes are copied, the rest up to memsz is not dumped. */
void corebuilder_load(struct corebuilder *core, uint64_t addr, const void *bytes, uint64_t filesz,
                      uint64_t memsz, uint32_t flags);

/* A note of any kind, as it is. */
void corebuilder_note(struct corebuilder *core, const char *name, uint32_t type, const void *desc,
                      size_t len);

/* NT_PRSTATUS; registers holds r15 … rdi as the kernel orders them (15 of them), or NULL. */
void corebuilder_thread(struct corebuilder *core, int tid, uint64_t sp, uint64_t pc,
                        const uint64_t *registers);
void corebuilder_process(struct corebuilder *core, int pid, const char *command);
void corebuilder_auxv(struct corebuilder *core, uint64_t entry, uint64_t random, uint64_t vdso);

/* An entry of NT_FILE, which is written when the core is finished. */
void corebuilder_file(struct corebuilder *core, uint64_t start, uint64_t end, uint64_t page,
                      const char *path);

/* NT_FILE's bytes for the files added so far. */
struct corebuilder_bytes corebuilder_files_note(const struct corebuilder *core);

/* ELF header, program headers, notes, memory. */
struct corebuilder_bytes corebuilder_finish(const struct corebuilder *core);

/* Puts bytes into a file of their own that has no name; path is how to open it, while the fd that is returned lives. */
int corebuilder_open(const void *bytes, size_t len, char path[static 64]);

#endif
