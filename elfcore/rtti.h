/* SPDX-License-Identifier: Apache-2.0 */
/* C++ classes from vtable addresses (Itanium C++ ABI, sections 2.5.2 and 2.9): by the _ZTV symbol, or, where that is
 * hidden or stripped, from the type information in memory. Main thread only (asks cs_symbols). */
#ifndef CS_RTTI_H
#define CS_RTTI_H

#include "symbols.h"

struct cs_vtable {
        const char *
                class_name; /* demangled; lives in the pool given; NULL: it is a vtable, but without a name */
        const char *symbol; /* "vtable for X" where a symbol said so, else NULL; lives in the pool */
        bool by_symbol;     /* else: by type information in memory */
        int64_t offset_to_top; /* 0 for the primary vtable; negative: a secondary base at that distance */
};

/* Does addr look like what a C++ object's vptr holds, an address point inside a vtable? */
bool cs_rtti_vtable(const struct cs_image *image, struct cs_symbols *symbols, struct cs_pool *pool,
                    uint64_t addr, struct cs_vtable *out);

#endif
