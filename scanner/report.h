/* SPDX-License-Identifier: Apache-2.0 */
/* The answer: one typed tree of values, from which cli/ renders text and JSON and adds nothing. Everything lives in the
 * report's pool; it is built by one thread and frozen afterwards. Sizes are bytes. Pointers may be NULL where the text says
 * "or NULL". All strings may hold bytes of the target: the renderer escapes them.
 *
 * "resident": live, pages that the kernel says are present; in a core, dumped pages that are not all zero. */
#ifndef CS_REPORT_H
#define CS_REPORT_H

#include "pool.h"

#include <stdint.h>

/* Bytes that came from the target and may be no text at all. */
struct cs_text {
        const char *bytes;
        size_t len;
};

struct cs_report_target {
        bool live;
        const char *path; /* the core's, or NULL */
        int64_t pid;
        const char *command; /* or NULL */
        const char *exe;     /* or NULL */
        const char *arch;    /* "x86_64" */
        size_t threads;
        bool complete;           /* nothing that the input promised is missing, no limit was reached */
        bool consistent;         /* false: memory moved while it was read (live) */
        size_t sampled;          /* pages that were read again at the end (live) */
        double changed;          /* the share of them that had changed, 0 to 1 */
        const char *sha256;      /* of a core, or NULL */
        const char *interrupted; /* what was being done when somebody asked for the end; or NULL */
        const char **warnings;
        size_t n_warnings;
        int64_t time_ms; /* Unix milliseconds at which memory was so: live, when reading began; a core's file; 0: not known */
        const char *
                process; /* hex; another one when another process was looked at, as far as addresses tell; or NULL */
};

struct cs_report_kind {
        const char *kind; /* "malloc-used", "stack", … as in INTERFACE.md */
        uint64_t bytes;
        uint64_t resident;
        uint64_t regions;
};

struct cs_report_memory {
        uint64_t mapped;
        uint64_t resident;
        uint64_t swapped;   /* live: out in swap space, and not read */
        uint64_t absent;    /* live: what is neither: never touched, given back, not read in from its file */
        uint64_t anonymous; /* resident bytes that no file backs */
        uint64_t unexplained;         /* resident anonymous bytes that nothing claims */
        uint64_t lent;                /* resident bytes of managed heaps that malloc handed out; not shown */
        struct cs_report_kind *kinds; /* largest resident first; adds up to mapped and resident */
        size_t n_kinds;
};

struct cs_count_bytes {
        uint64_t count;
        uint64_t bytes;
};

/* Blocks, their bytes with the headers, and how many of these bytes are resident. */
struct cs_report_sum {
        uint64_t count;
        uint64_t bytes;
        uint64_t resident;
};

struct cs_report_arena {
        uint64_t address;
        bool main;
        int32_t *threads; /* ids of those that allocate from it, or NULL */
        size_t n_threads;
        struct cs_report_sum used;
        struct cs_report_sum free;     /* chunks in bins */
        struct cs_report_sum cached;   /* chunks in fastbins and thread caches */
        struct cs_report_sum overhead; /* the allocator's own blocks: thread caches, fenceposts */
        uint64_t top;
        uint64_t top_resident;
        uint64_t trimmable; /* what malloc_trim(0) would give back, whether touched or not */
        uint64_t trimmable_resident;
};

/* Free memory without a break, or free memory that waits for the block in use at `address`. */
struct cs_report_run {
        uint64_t address;
        uint64_t bytes;
        uint64_t resident;
};

/* Runs of free memory below 4 KiB, below 128 KiB, and longer. */
enum { CS_RUN_CLASSES = 3, CS_RUNS_KEPT = 8 };

struct cs_report_corrupt {
        uint64_t address;
        const char *what;
};

struct cs_report_heap {
        const char *allocator; /* "glibc", "jemalloc", … */
        const char *version;   /* or NULL */
        const char *library;   /* module that holds it */
        bool walked;           /* false: recognised, but its blocks are not read by this version */
        bool measured; /* not walked, but its records were read: one "arena" with its sums, at its root structure */
        struct cs_report_arena *arenas;
        size_t n_arenas;
        struct cs_report_sum mmapped;
        struct cs_report_sum
                runs[CS_RUN_CLASSES];       /* of free memory; caches left out: malloc holds them in use */
        struct cs_report_run *largest_free; /* the CS_RUNS_KEPT largest */
        size_t n_largest_free;
        struct cs_report_run
                *pins; /* blocks in use at the end of heaps that are mostly free below; by that */
        size_t n_pins;
        struct cs_report_corrupt *corrupt;
        size_t n_corrupt;
        uint64_t corrupt_more; /* found beyond these */
};

/* A mapping, or part of one, with one kind. */
struct cs_report_region {
        uint64_t start;
        uint64_t end;
        char perms[5];     /* "rw-p", as in /proc/PID/maps; a core does not tell shared from private: 'p' */
        const char *kind;  /* "malloc-used", "stack", … as in INTERFACE.md */
        const char *owner; /* module that it belongs to, or NULL */
        const char *path;  /* of the mapping, or NULL */
        uint64_t resident;
        uint64_t swapped;   /* live */
        const char *detail; /* "main arena", "thread 12 (libfoo.so)", or NULL */
};

struct cs_report_verdict {
        const char *kind; /* "leak", "healthy", "unknown", … */
        double confidence;
        const char *summary;
        const char **reasons;
        size_t n_reasons;
        const char *cluster; /* id, or NULL */
        const char *library; /* or NULL */
};

struct cs_report_evidence {
        const char *
                kind; /* "vtable", "function", "data", "rodata-literal", "typeinfo", "static-root", "referrer", … */
        int64_t offset;     /* in the block; -1: does not apply */
        const char *module; /* or NULL */
        const char
                *symbol; /* demangled, or library+offset (section), or a cluster id for "referrer"; or NULL */
        double share;    /* of the cluster's blocks */
        double weight;   /* 0 … 1 */
        bool hint; /* of who may have lost the blocks, not of whose they are: the symbol says what module does */
};

struct cs_report_field {
        uint64_t offset;
        uint64_t size;     /* bytes that this entry covers */
        const char *kind;  /* "pointer:module", "text", "zero", … */
        const char *value; /* a constant's value or a target's name, or NULL */
        double share;
        const char *to; /* cluster id, or NULL */
};

struct cs_report_referrer {
        const char *cluster; /* id, or NULL for a root */
        const char *
                root; /* "libfoo.so (.bss)", "stack of thread 12", "anonymous memory", or NULL for a cluster */
        int64_t offset; /* of the pointer in the referrer's block; -1: at many places, or a root */
        double share;   /* of this cluster's blocks that are so referred to */
};

struct cs_report_cluster {
        const char *id;   /* "c1" is the largest by resident bytes */
        const char *kind; /* "object", "text", "pattern" */
        const char *what;
        uint64_t count;
        uint64_t bytes; /* chunks, their headers included; so are block sizes */
        uint64_t resident;
        uint64_t block_min;
        uint64_t block_max;
        uint64_t in_use; /* of count */
        uint64_t free;
        const char *library;                 /* or NULL */
        double confidence;                   /* of library; 0 where there is none */
        struct cs_report_evidence *evidence; /* heaviest first */
        size_t n_evidence;
        struct cs_report_field *fields; /* by offset */
        size_t n_fields;
        bool has_template;
        struct cs_text template;
        uint64_t unreferenced;  /* blocks that nothing points to */
        uint64_t leak_direct;   /* blocks that nothing points to, directly or in a ring */
        uint64_t leak_indirect; /* blocks that only leaked blocks lead to */
        uint64_t leak_bytes;    /* of both */
        uint64_t
                leak_possible; /* blocks that no pointer leads to, but live memory names them in some other way */
        uint64_t
                leak_stale; /* of the leaked blocks: those that freed or abandoned memory still points to, and what hangs on them */
        uint64_t
                leak_retained; /* bytes of the direct ones, and of all that only they lead to, whatever its cluster */
        uint64_t leak_retained_resident;
        const char *leak_library; /* of most of its leaked blocks; as library where none is leaked */
        double leak_confidence;
        bool leak_epolled; /* and that uses epoll, which may hold them, and was not to be asked */
        struct cs_report_referrer *referrers; /* largest share first */
        size_t n_referrers;
        uint64_t *examples; /* addresses as malloc returned them */
        size_t n_examples;
        const char *signature; /* hex; stable across ASLR and processes */
        bool loose;            /* in memory that is no block's: count is of records, or pages */
        uint64_t period;       /* bytes from one record to the next, where it is an array of them; else 0 */
        uint64_t
                records; /* of that length; what block_min and block_max tell of are blocks, or records without any */
        const char *
                content; /* "text", "structured", "compressed", "random": of large blocks and records' like; or NULL */
        const char *type; /* of files that its bytes begin like, as "image/png", or NULL */
};

struct cs_report_library {
        const char *library;  /* or NULL: no owner found */
        const char *build_id; /* hex, or NULL */
        uint64_t count;
        uint64_t bytes;
        uint64_t resident;
        double confidence; /* mean over bytes */
};

/* One line of --blocks. */
struct cs_report_block {
        uint64_t address; /* what malloc returned */
        uint64_t usable;
        uint32_t cluster; /* index into all_clusters */
        uint32_t module;  /* index into module_names; beyond: nobody */
        float confidence; /* of the module */
        uint8_t leak;     /* enum cs_leak */
};

enum cs_leak { CS_LEAK_NONE, CS_LEAK_DIRECT, CS_LEAK_INDIRECT, CS_LEAK_POSSIBLE };

/* ---- one address (--at), and who points there (--refs) ---- */

/* What lies at an address, whether a block is there or not. */
struct cs_report_place {
        uint64_t address;
        const char *what; /* one sentence */
        const char *kind; /* of the region, as above; NULL: nothing is mapped there */
        uint64_t start;   /* of the region */
        uint64_t end;
        char perms[5];
        const char *path;       /* of the mapping, or NULL */
        const char *detail;     /* of the region, or NULL */
        const char *gap;        /* why the byte there cannot be read, or NULL: it can */
        const char *module;     /* or NULL, and what follows with it */
        uint64_t module_offset; /* ELF virtual address */
        const char *section;    /* or NULL */
        const char *symbol;     /* "name" or "name+0x10", within the symbol's size; or NULL */
};

struct cs_report_held {
        uint64_t address; /* what malloc returned */
        uint64_t usable;
        uint64_t size;     /* header included */
        const char *state; /* "in-use", "free", "cached", "top", "internal" */
        bool mmapped;      /* a mapping of its own */
        bool has_arena;
        bool main_arena;
        uint64_t arena;
        int64_t offset;      /* of the address asked for, from `address`; negative: in the header */
        const char *cluster; /* id, or NULL, and what follows with it */
        const char *what;
        uint64_t alike;      /* blocks of the cluster */
        const char *library; /* or NULL */
        double confidence;
        const struct cs_report_evidence *evidence; /* heaviest first */
        size_t n_evidence;
        uint8_t leak; /* enum cs_leak */
        bool stale; /* lost, but memory that nobody uses any more has its address, or that of what it hangs on */
        bool reached;     /* a root leads here */
        bool from_root;   /* a root points here itself */
        uint64_t retains; /* blocks that nothing else leads to, this one included */
        uint64_t retained_bytes;
};

/* A word of memory with its meaning, or several that have one meaning. */
struct cs_report_word {
        uint64_t offset;     /* from the start of the dump */
        uint64_t size;       /* bytes */
        const char *kind;    /* as of fields; "gap": cannot be read */
        uint64_t value;      /* of single words */
        const char *note;    /* what it points at, or the value as people write it; or NULL */
        const char *to;      /* cluster id of the block that it points to, or NULL */
        const char *library; /* owner of that block, or the module that it points into; or NULL */
        struct cs_text text; /* of kind text */
};

struct cs_report_dump {
        uint64_t start;
        uint8_t *bytes; /* zeros where they cannot be read */
        size_t len;
        struct cs_report_word *words; /* by offset, without gaps between them */
        size_t n_words;
        uint64_t before; /* bytes of the block (or region) that lie before the dump, and behind it */
        uint64_t behind;
};

enum { CS_GROUP_PLACES = 4, CS_GROUP_EXAMPLES = 4 };

/* Where in the referring blocks the pointers stand. */
struct cs_report_group_place {
        uint64_t offset;
        uint64_t count;
};

struct cs_report_group_example {
        uint64_t address; /* of a block, as malloc returned it; of a root: where its pointer stands */
        const char *name; /* of a root's word: "table+0x40", … */
};

/* Blocks of one cluster that point at the block, or at one of another group; or words of one root that do. */
struct cs_report_group {
        uint32_t id;         /* from 1 on, as they stand here */
        uint32_t parent;     /* the group that they point at; 0: the block itself */
        uint32_t level;      /* from 1 on */
        const char *cluster; /* id, or NULL: a root */
        const char *what;    /* of the cluster, or the root */
        const char *library; /* owner of the blocks, or the module whose variables they are; or NULL */
        uint64_t blocks;     /* 0: a root */
        uint64_t references;
        struct cs_report_group_place places[CS_GROUP_PLACES]; /* most frequent first */
        size_t n_places;
        uint64_t elsewhere; /* references from other offsets */
        uint64_t unread; /* references whose offset was not looked for (a limit), or is not found any more */
        bool stale;      /* they stand behind the end of texts: left by an earlier tenant */
        bool again; /* these blocks have been told of before: in group `same` (0: it is the block itself) */
        bool cycle; /* and that group lies on the way from here to the block */
        uint32_t same;
        struct cs_report_group_example examples[CS_GROUP_EXAMPLES];
        size_t n_examples;
        uint64_t left_groups; /* groups of referrers of this one that are not shown, and their references */
        uint64_t left_references;
};

/* One step of a chain. */
struct cs_report_link {
        uint64_t address; /* of the block, as malloc returned it; of a root: where its pointer stands */
        int64_t offset;   /* of the pointer in the block; -1: not found (any more), or a root */
        bool root;
        bool stale;          /* the pointer stands behind the end of a text */
        const char *cluster; /* id, or NULL */
        const char *what;    /* of the cluster, or the root's name */
        const char *library; /* or NULL */
};

struct cs_report_chain {
        bool to_head;                 /* ends at the head of a leak, not at a root */
        struct cs_report_link *links; /* what points at the block first */
        size_t n_links;
        size_t left_at; /* behind so many of them some are left out */
        uint64_t left_out;
};

struct cs_report_case {
        struct cs_report_place place;
        struct cs_report_held *block;   /* NULL: there is none */
        struct cs_report_dump *dump;    /* NULL: not asked for, or nothing can be read */
        uint64_t referrers;             /* blocks that point at the block */
        uint64_t slots;                 /* words of roots that do */
        unsigned depth;                 /* levels that were asked for */
        struct cs_report_group *groups; /* a tree: a group stands before those that point at it */
        size_t n_groups;
        uint64_t left_groups; /* of level 1, as in cs_report_group */
        uint64_t left_references;
        struct cs_report_chain *chains; /* shortest first */
        size_t n_chains;
        const char **notes; /* limits that were reached, in words */
        size_t n_notes;
};

/* ---- what rules found (--grep, --rules) ---- */

enum { CS_HIT_HASH = 9 }; /* digits of a secret's SHA-256 that are shown, and the NUL */

struct cs_report_hit {
        const char *rule;
        uint64_t address;
        uint64_t length;
        struct cs_text
                match; /* no more than CS_LIMIT_HIT_TEXT bytes; where it is redacted, what stands for it */
        bool redacted;
        uint64_t secret_address; /* the match, or the part of it that is the secret */
        uint64_t secret_length;
        const char *secret_class; /* of a redacted one: "hex", "base64", … */
        char secret_hash[CS_HIT_HASH];
        const char *region; /* kind, as above */
        const char *detail; /* of the region, or NULL */
        bool has_block;
        uint64_t block;      /* what malloc returned */
        uint64_t block_size; /* usable bytes */
        const char *state;   /* "in-use", "free", "cached", or NULL */
        const char *cluster; /* id, or NULL */
        const char *library; /* owner of the block, or the module whose data it is; or NULL */
        double confidence;   /* of library */
};

struct cs_report_hit_rule {
        const char *rule;
        const char *description; /* or NULL */
        uint64_t hits;
        bool limited; /* it ran into a limit: there may be more */
};

struct cs_report_hits {
        struct cs_report_hit *at; /* by address; those that nobody took as they came. Malloc'ed */
        size_t n;
        struct cs_report_hit_rule *rules; /* those that found something or were limited, as they were given */
        size_t n_rules;
        size_t asked; /* rules that were looked for */
        uint64_t count;
        uint64_t bytes; /* that were searched */
        double seconds; /* of the search alone */
        bool near;      /* owners are told by what lies around each hit, and no clusters (hands.h) */
};

enum { CS_STRING_EXAMPLES = 4 };

/* Texts of one template. */
struct cs_report_string {
        struct cs_text template;
        bool cut;             /* it describes only the beginning of them */
        const char *encoding; /* "ascii", "utf-8", "utf-16le" */
        uint64_t count;
        uint64_t bytes;
        uint64_t distinct; /* an estimate */
        uint64_t blocks; /* that hold them; where texts that differ in words are one template, an estimate */
        uint64_t in_use; /* of count: in blocks in use */
        uint64_t free;   /* in freed blocks; the others lie in no block */
        const char *cluster; /* id, or NULL: less than half of the bytes lie in blocks of one cluster */
        const char
                *library; /* owner of the blocks, or of the memory, of at least half of the bytes; or NULL */
        const char *region;     /* kind of memory that at least half of the bytes lie in, or NULL */
        uint64_t missing_count; /* as many more there may be, at most */
        uint64_t missing_bytes;
        uint64_t examples[CS_STRING_EXAMPLES]; /* addresses, the lowest */
        size_t n_examples;
};

struct cs_report_strings {
        struct cs_report_string *at; /* largest first, by bytes */
        size_t n;
        struct cs_count_bytes all;  /* texts that were found */
        struct cs_count_bytes lost; /* of these, those whose templates were dropped: too many at once */
        uint64_t error;             /* no masked text lost more bytes than this */
        uint64_t kept;              /* templates that were kept apart at least: error <= all.bytes / kept */
        uint64_t searched;          /* bytes of memory */
        bool near; /* clusters are not told, and owners come from what lies around examples: the heap is large */
        uint64_t twice; /* bytes that are mapped at other addresses, too, and were looked at there */
        double seconds;
};

struct cs_report {
        struct cs_pool pool;
        struct cs_report_target target;
        struct cs_report_memory memory;
        struct cs_report_region *regions; /* by address */
        size_t n_regions;
        struct cs_report_heap *heaps;
        size_t n_heaps;
        struct cs_report_verdict verdict;
        const char *
                unrelated; /* why clusters, leaks and owners are not known (these parts are empty); or NULL */
        bool brief; /* memory, heaps and clusters as they are; without owners, leaks, libraries, patterns and verdict */
        const char *textless;               /* why texts are not known, though somebody asked; or NULL */
        struct cs_report_cluster *clusters; /* largest resident first; all of them, of one block and more */
        size_t n_clusters;
        size_t n_patterns; /* behind those in the same array: arrays of records and the like in memory that is no block's */
        struct cs_report_library *libraries; /* largest resident first */
        size_t n_libraries;
        struct cs_count_bytes leak_direct;
        struct cs_count_bytes leak_indirect;
        const char **module_names; /* that blocks refer to */
        size_t n_modules;
        struct cs_count_bytes leak_possible; /* not counted as lost */
        struct cs_count_bytes leak_stale;    /* of direct and indirect */
        size_t *leak_clusters; /* indexes of clusters of which something is lost, perhaps; those that keep most first */
        size_t n_leak_clusters;
        const char **leak_notes; /* whole sentences: what a missing pointer means here, and what not */
        size_t n_leak_notes;
        struct cs_report_block
                *blocks; /* in-use blocks by address; malloc'ed, owned; NULL unless asked for */
        size_t n_blocks;
        struct cs_report_case *at;         /* NULL: not asked for */
        struct cs_report_case *refs;       /* the same */
        struct cs_report_hits *hits;       /* the same */
        struct cs_report_strings *strings; /* the same */
        double seconds;
        uint64_t bytes_read;
        uint64_t peak_memory; /* of our own, beside the page cache */
};

void cs_report_destroy(struct cs_report *report);
static inline void cs_report_destroyp(struct cs_report **report)
{
        cs_report_destroy(*report);
}

#endif
