/* SPDX-License-Identifier: Apache-2.0 */
/* What each byte of a module is for: section headers where there are any, program headers and the mappings' permissions
 * for the rest. Facts in, facts out: no I/O. Thread-safe. */
#ifndef CS_SECTIONS_H
#define CS_SECTIONS_H

#include "elffile.h"
#include "symbols.h"

/* What is known about a module besides its mappings; borrowed. */
struct cs_section_facts {
        const struct cs_elf_section *sections;
        size_t sections_n;
        const struct cs_elf_segment *segments;
        size_t segments_n;
        bool debug_file; /* the sections are a debug file's: NOBITS there says nothing */
};

/* What a section is for, by name, type and flags. */
enum cs_part cs_sections_part(const struct cs_elf_section *section, bool debug_file);

/* Sorted, disjoint ranges of target addresses that cover all mapped bytes of image->modules.at[module]; malloc'ed. Names
 * are those of the facts. */
CS_CHECK enum cs_status cs_sections_build(const struct cs_image *image, size_t module,
                                          const struct cs_section_facts *facts, struct cs_section **out,
                                          size_t *n, struct cs_error *err);

#endif
