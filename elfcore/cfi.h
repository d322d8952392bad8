/* SPDX-License-Identifier: Apache-2.0 */
/* Call frame information: where a function's caller left its registers, by the tables that exceptions are thrown with
 * (.eh_frame, which stripped programs keep). Pure bytes in, facts out; every byte is hostile, nothing is evaluated that could
 * loop. DWARF 5, 6.4, and the Linux Standard Base 5, Core, 10.6 (what .eh_frame has differently); registers as the System V
 * psABI for x86-64 numbers them (figure 3.36). Thread-safe once opened. */
#ifndef CS_CFI_H
#define CS_CFI_H

#include "range.h"
#include "vec.h"

#include <stddef.h>

enum {
        CS_CFI_RBX = 3,
        CS_CFI_RBP = 6,
        CS_CFI_RSP = 7,
        CS_CFI_PC = 16, /* the return address */
        CS_CFI_REGISTERS = 17,
};

enum cs_cfi_kind {
        CS_CFI_SAME,
        CS_CFI_UNDEFINED,
        CS_CFI_SAVED,      /* at CFA + offset; of the CFA itself: register + offset */
        CS_CFI_OFFSET,     /* is CFA + offset */
        CS_CFI_MOVED,      /* in another register */
        CS_CFI_SAVED_AT,   /* where the expression says */
        CS_CFI_EXPRESSION, /* what the expression says */
};

struct cs_cfi_rule {
        enum cs_cfi_kind kind;
        uint32_t reg;
        int64_t offset;
        const uint8_t *expression; /* borrowed from the tables */
        size_t len;
};

/* What holds at one instruction. */
struct cs_cfi_row {
        bool signal;            /* the frame of a signal: its caller was interrupted, and did not call */
        struct cs_cfi_rule cfa; /* CS_CFI_SAVED or CS_CFI_EXPRESSION */
        struct cs_cfi_rule at[CS_CFI_REGISTERS];
};

/* One function's entry. */
struct cs_cfi_entry {
        uint64_t start; /* target addresses */
        uint64_t end;
        size_t at; /* of the entry in the table */
};

struct cs_cfi {
        const uint8_t *bytes; /* of .eh_frame; borrowed */
        size_t len;
        uint64_t addr;                       /* target address of the first of them */
        CS_VEC(struct cs_cfi_entry) entries; /* by start */
};

/* Looks through the table up to its end, or to what is none of its entries. CS_ENOMEM only. */
CS_CHECK enum cs_status cs_cfi_open(const uint8_t *bytes, size_t len, uint64_t addr, struct cs_cfi *out,
                                    struct cs_error *err);
void cs_cfi_deinit(struct cs_cfi *cfi);

/* The row for the instruction at pc; false where there is none, or none that can be believed. *steps counts what it took. */
bool cs_cfi_row(const struct cs_cfi *cfi, uint64_t pc, struct cs_cfi_row *out, uint64_t *steps);

/* What an expression needs to know. Either returns false where that is not known. */
struct cs_cfi_world {
        bool (*reg)(void *context, uint32_t number, uint64_t *value);
        bool (*word)(void *context, uint64_t addr, uint64_t *value);
        void *context;
};

/* Evaluates an expression of constants, registers, words in memory, sums and comparisons (what compilers and linkers write into
 * these tables); with_cfa: it begins with the CFA on its stack. False for any other. */
bool cs_cfi_evaluate(const struct cs_cfi_rule *rule, const uint64_t *with_cfa,
                     const struct cs_cfi_world *world, uint64_t *value);

/* Where the header of the table (PT_GNU_EH_FRAME), whose first bytes these are, says that the table is; 0: not told. */
uint64_t cs_cfi_table(const uint8_t *header, size_t len, uint64_t addr);

#endif
