/* SPDX-License-Identifier: Apache-2.0 */
/* What memory is there: the mappings, modules, threads and bytes of one core or one live process.
 * Frozen after opening and shared by all workers: every function here is thread-safe unless it says otherwise.
 * Strings that came from the target (paths, command lines) are hostile: escape them before printing. */
#ifndef CS_IMAGE_H
#define CS_IMAGE_H

#include "pool.h"
#include "range.h"
#include "source.h"
#include "vec.h"

#include <stdint.h>
#include <sys/types.h>

enum cs_perm { CS_PERM_READ = 1, CS_PERM_WRITE = 2, CS_PERM_EXEC = 4, CS_PERM_SHARED = 8 };

enum { CS_NO_MODULE = -1, CS_BUILD_ID_MAX = 64 };

/* One VMA. Cores do not tell shared from private, nor anonymous names ("[heap]"): path is NULL there. */
struct cs_mapping {
        struct cs_range range;
        uint64_t file_offset;
        uint64_t inode;   /* of the file; 0: none, or not known (cores) */
        const char *path; /* file, or "[heap]", "[stack]", "[vdso]", "[anon:…]" (live), or NULL; never "" */
        uint32_t perms;   /* cs_perm */
        bool file_backed; /* path names a file (which may be gone: see deleted) */
        bool deleted;
        bool dumped;    /* at least one byte of it can be read from the core, or it is live */
        int32_t module; /* index into modules, or CS_NO_MODULE; also set for a module's .bss tail */
};

/* May the bytes of the module's file stand in for what the core does not hold? */
enum cs_module_file {
        CS_FILE_NOT_TRIED,
        CS_FILE_MATCHES, /* the build-ids are equal */
        CS_FILE_UNPROVEN, /* the file is there, but target or file has no build-id: used for names, said in warnings */
        CS_FILE_DIFFERS, /* the build-ids differ: not used for anything */
        CS_FILE_MISSING,
};

struct cs_module {
        const char *path;      /* as the target saw it */
        const char *name;      /* last component of path: how libraries are called in reports */
        struct cs_range range; /* first to last mapped byte, .bss included */
        uint64_t bias;         /* target address = bias + ELF virtual address */
        uint64_t dynamic;      /* target address of the dynamic section, or 0 */
        uint32_t build_id_len; /* 0: unknown */
        uint8_t build_id[CS_BUILD_ID_MAX];
        enum cs_module_file file;
        int fd;       /* the file on disk (FILE_MATCHES or FILE_UNPROVEN), else -1; owned by the image */
        bool main;    /* the executable */
        bool runtime; /* libc, ld.so, libstdc++, libgcc, libm and their like: they make nothing of their own */
};

struct cs_thread {
        pid_t tid;
        pid_t own_tid; /* as the process itself sees it, in its own pid namespace; 0: not known, and mostly the same */
        bool has_registers; /* cores; live only sp and pc, and only of threads that sleep */
        uint64_t sp;        /* 0: unknown */
        uint64_t pc;        /* 0: unknown */
        uint64_t fs_base;   /* thread pointer; 0: unknown (live) */
        uint64_t gpr[16];   /* general registers, for use as roots; rsp excluded (0) */
};

enum cs_image_kind { CS_IMAGE_CORE, CS_IMAGE_LIVE };

typedef CS_VEC(struct cs_mapping) cs_mapping_vec;

struct cs_image {
        enum cs_image_kind kind;
        struct cs_source *source;         /* owned */
        struct cs_pool pool;              /* all strings */
        cs_mapping_vec mappings;          /* sorted by address, disjoint */
        CS_VEC(struct cs_module) modules; /* sorted by address of their first mapping */
        CS_VEC(struct cs_thread) threads; /* the crashing or main thread first */
        CS_VEC(const char *) warnings;    /* whole sentences: what is missing, and what that means */
        const char *path;                 /* of the core; NULL when live */
        const char *command;              /* argv joined by spaces as far as known, or NULL */
        const char *exe;                  /* path of the executable, or NULL */
        pid_t pid;
        uint64_t at_random; /* address of AT_RANDOM's 16 bytes, or 0 */
        uint64_t at_entry;  /* entry point of the executable, or 0 */
        uint64_t at_vdso;   /* start of the vdso, or 0 */
        bool complete;      /* nothing that the core promised is missing */
        void *file_bytes;   /* the core file, mapped; NULL when live */
        size_t file_len;
        int file_fd; /* the core file as it lies on disk; meaningful where has_file */
        bool has_file;
        struct cs_store *
                store; /* what a compressed core became, or NULL; then file_bytes is what it became on disk, or NULL */
        size_t bytes_len;         /* of file_bytes */
        struct cs_freeze *freeze; /* what keeps the process stopped, or NULL */
};

/* Never NULL; all zero will do. */
struct cs_image_options {
        const char *sysroot;   /* prefix for module files, or NULL */
        const char *debug_dir; /* instead of /usr/lib/debug, or NULL; borrowed, must outlive the image */
        uint64_t max_memory; /* that a compressed core may take, decompressed; 0: half of what is available */
        const char *temp_dir; /* where to put it instead, or NULL */
        bool freeze;          /* live: stop the process until cs_image_thaw() */
};

/* Opens a core file. CS_EFORMAT: not an ELF core. CS_ENOTSUP: a core of another architecture. CS_ESYS: cannot be read.
 * A truncated core opens with complete = false and a warning. */
CS_CHECK enum cs_status cs_image_open_core(const char *path, const struct cs_image_options *options,
                                           struct cs_image **out, struct cs_error *err);

/* Opens a running process without stopping it. CS_EGONE: no such process, or it went while opening. CS_ENOTSUP: a kernel
 * thread, a zombie, another architecture. CS_EACCESS: not permitted; the text says which rule, and the way out. */
CS_CHECK enum cs_status cs_image_open_live(pid_t pid, const struct cs_image_options *options,
                                           struct cs_image **out, struct cs_error *err);

/* Lets a process that was stopped go on: it is read no more. By the thread that opened it. cs_image_close() does so, too. */
void cs_image_thaw(struct cs_image *image);

/* Of a mapped core: what was read of it is no longer mapped, and comes back where it is read once more. For many gigabytes this takes long, and closing
 * does it by one thread alone. */
void cs_image_let_go(struct cs_image *image, unsigned workers);

void cs_image_close(struct cs_image *image);
static inline void cs_image_closep(struct cs_image **image)
{
        cs_image_close(*image);
}

/* The mapping that holds addr, or NULL. */
const struct cs_mapping *cs_image_mapping_at(const struct cs_image *image, uint64_t addr);

/* The index of the first mapping that ends behind addr; mappings.n where none does. */
size_t cs_image_mapping_behind(const struct cs_image *image, uint64_t addr);

/* The module that holds addr (its .bss included), or NULL. */
const struct cs_module *cs_image_module_at(const struct cs_image *image, uint64_t addr);

/* Adds a warning to the image while it is being opened; text is copied. Not thread-safe. */
void cs_image_warn(struct cs_image *image, const char *format, ...) CS_PRINTF(2, 3);

#endif
