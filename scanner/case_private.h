/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of case.h share. */
#ifndef CS_CASE_PRIVATE_H
#define CS_CASE_PRIVATE_H

#include "case.h"

/* ---- in words (case_place.c, case_names.c) ---- */

/* Fills everything of the place; block: the one that holds the address, or CS_NO_BLOCK. */
CS_CHECK enum cs_status cs_case_place(const struct cs_case *c, uint64_t address, uint32_t block,
                                      struct cs_report_place *out, struct cs_error *err);

/* What an address in a module is: "vtable for Thing (libthing.so)", "\"a text\" (libthing.so .rodata)", "table+0x10
 * (libthing.so .bss)", "libthing.so+0x4010 (.data)". */
const char *cs_case_name(const struct cs_case *c, size_t module, uint64_t addr);

/* What memory it is that is neither a module's nor a block: "stack of thread 12", "java heap", … */
const char *cs_case_name_memory(const struct cs_case *c, uint64_t addr);

const char *cs_case_name_kind(enum cs_kind kind);

/* "name" or "name+0x10" within the symbol's size, or NULL. */
const char *cs_case_symbol(const struct cs_case *c, size_t module, uint64_t addr);

/* ".bss", or NULL where no section headers are at hand. */
const char *cs_case_section(const struct cs_case *c, size_t module, uint64_t addr);

/* The text at addr in quotes, or NULL where there is none. */
const char *cs_case_literal(const struct cs_case *c, uint64_t addr);

const char *cs_case_keep(const struct cs_case *c, const char *text);

/* The block that malloc returned, from its index. */
uint64_t cs_case_user(const struct cs_case *c, uint32_t block);

/* Its cluster in words, or NULL. */
const struct cs_report_cluster *cs_case_cluster(const struct cs_case *c, uint32_t block);

/* Do a block's pointers stand behind the end of a text? Then an earlier tenant left them. */
bool cs_case_stale(const struct cs_case *c, uint32_t block);

/* Whose a block is. */
struct cs_case_owner {
        const char *library; /* or NULL */
        double confidence;
        const struct cs_report_evidence *evidence;
        size_t n_evidence;
};
struct cs_case_owner cs_case_owner(const struct cs_case *c, uint32_t block);

/* The block in use that a word points into, as the graph sees it; or CS_NO_BLOCK. */
uint32_t cs_case_pointee(const struct cs_case *c, uint64_t value);

CS_CHECK enum cs_status cs_case_note(const struct cs_case *c, struct cs_report_case *out, const char *note,
                                     struct cs_error *err);

/* ---- what is written there (case_words.c) ---- */

/* block may be CS_NO_BLOCK: then what lies around the address is shown. */
CS_CHECK enum cs_status cs_case_dump(const struct cs_case *c, uint64_t address, uint32_t block,
                                     struct cs_report_dump **out, struct cs_error *err);

/* ---- who points there (case_roots.c, case_tree.c, case_paths.c) ---- */

enum { CS_CASE_SLOTS = 8, CS_CASE_EPOLL = 14, CS_CASE_REGISTERS = 15 };

struct cs_case_slot {
        uint64_t address;
        uint32_t block; /* that it points at */
};

/* Words of one root that point at blocks of one interest. */
struct cs_case_root {
        uint32_t interest;
        uint32_t root; /* see cs_root(); of kind CS_CASE_REGISTERS: index: thread, addresses: register; of
                        * CS_CASE_EPOLL: index: epoll descriptor, addresses: those that it watches */
        uint64_t count;
        size_t n_slots;
        struct cs_case_slot slots[CS_CASE_SLOTS]; /* the lowest */
};

typedef CS_VEC(struct cs_case_root) cs_case_root_vec;

/* Looks through all root memory for pointers to blocks of interest: interest[block] != 0. By interest, then by root. */
CS_CHECK enum cs_status cs_case_roots(const struct cs_case *c, const uint32_t *interest,
                                      cs_case_root_vec *out, struct cs_error *err);

/* What a root as a whole is called, and one of its words. */
const char *cs_case_root_name(const struct cs_case *c, const struct cs_case_root *root);
const char *cs_case_slot_name(const struct cs_case *c, uint32_t root, uint64_t address);

/* Fills referrers, slots and groups. */
CS_CHECK enum cs_status cs_case_tree(const struct cs_case *c, uint32_t block, unsigned depth,
                                     struct cs_report_case *out, struct cs_error *err);

/* Fills chains, and of the block what it retains and whether it is reached. */
CS_CHECK enum cs_status cs_case_paths(const struct cs_case *c, uint32_t block, struct cs_report_case *out,
                                      struct cs_error *err);

/* What speaks for the block's owner, of what is known of its words and its referrers; where nothing does, what its cluster's
 * blocks have in common stays (case_evidence.c). */
CS_CHECK enum cs_status cs_case_evidence(const struct cs_case *c, struct cs_report_case *r,
                                         struct cs_error *err);

/* The offset of the first pointer to block `to` in block `from`, or -1. */
int64_t cs_case_offset(const struct cs_case *c, struct cs_view *view, uint32_t from, uint32_t to);

#endif
