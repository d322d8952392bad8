/* SPDX-License-Identifier: Apache-2.0 */
/* Modules of a core whose notes are missing (gdb writes them last, so a core that is cut has none) or lie: found by what
 * memory itself says. Main thread only. */
#ifndef CS_FINDMODULE_H
#define CS_FINDMODULE_H

#include "corefile.h"
#include "module.h"
#include "notes.h"

struct cs_module_search {
        struct cs_source *source;
        struct cs_pool *pool;
        const struct cs_corefile *core;
        cs_module_open_fn open_file; /* for modules whose headers the core does not hold */
        void *context;
};

/* Should memory be asked? Where the notes name no files, are damaged, or name none where the program begins. */
bool cs_findmodule_needed(const struct cs_notes *notes);

/* Looks for the auxiliary vector on the stack if the notes have none, for ELF headers at the starts of segments and at the
 * pages of those that are not writable, and in the loader's list. The noted files must be sorted and disjoint; afterwards they
 * need not be. What is found replaces the noted files that lie there; each
 * keeps the name that the notes have for it, or has the loader's, or its own (DT_SONAME). *found is how many. *skipped is set
 * where there was too much memory to look at all of it. */
CS_CHECK enum cs_status cs_findmodule(const struct cs_module_search *search, struct cs_notes *notes,
                                      size_t *found, bool *skipped, struct cs_error *err);

#endif
