/* SPDX-License-Identifier: Apache-2.0 */
/* The halves of the reader of call frame information: entries (cfi.c) and their programs (cfi_program.c). */
#ifndef CS_CFI_PRIVATE_H
#define CS_CFI_PRIVATE_H

#include "cfi.h"
#include "cursor.h"

/* What leads to the row of one instruction. */
struct cs_cfi_program {
        struct cs_cursor common; /* the instructions that all functions of the common entry begin with */
        struct cs_cursor own;
        uint64_t start; /* of the function */
        uint64_t pc;    /* up to where it is followed */
        uint64_t code_align;
        int64_t data_align;
};

/* LEB128 (DWARF 5, 7.6); bits beyond the 64th are dropped, bad where there is no end. */
uint64_t cs_cfi_unsigned(struct cs_cursor *c);
int64_t cs_cfi_signed(struct cs_cursor *c);

/* Fills in the row's rules; false where an instruction is not understood. *steps counts instructions. */
bool cs_cfi_execute(const struct cs_cfi_program *program, struct cs_cfi_row *out, uint64_t *steps);

#endif
