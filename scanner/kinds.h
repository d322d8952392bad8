/* SPDX-License-Identifier: Apache-2.0 */
/* What a range of memory is for: the words of reports. Every byte is of exactly one kind. */
#ifndef CS_KINDS_H
#define CS_KINDS_H

#include <stdbool.h>

enum cs_kind {
        CS_KIND_MALLOC_USED,     /* blocks in use, of whichever allocator */
        CS_KIND_MALLOC_FREE,     /* freed, kept by the allocator */
        CS_KIND_MALLOC_OVERHEAD, /* the allocator's own records */
        CS_KIND_JAVA_HEAP,
        CS_KIND_JAVA_METASPACE,
        CS_KIND_JAVA_CODE_CACHE,
        CS_KIND_RUBY_HEAP,
        CS_KIND_PYTHON_HEAP,
        CS_KIND_BEAM_CARRIER,
        CS_KIND_V8_HEAP,
        CS_KIND_GO_HEAP,
        CS_KIND_STACK,
        CS_KIND_MODULE_CODE,
        CS_KIND_MODULE_DATA,
        CS_KIND_FILE,
        CS_KIND_SHARED,
        CS_KIND_VDSO,
        CS_KIND_RESERVED,  /* address space without memory: PROT_NONE, guard pages */
        CS_KIND_ANONYMOUS, /* unexplained */
        CS_KINDS,
};

/* "malloc-used", …: static text. */
const char *cs_kind_name(enum cs_kind kind);

/* The kind of that name, or CS_KINDS. */
enum cs_kind cs_kind_named(const char *name);

/* Does a runtime with a collector of its own manage it? */
bool cs_kind_managed(enum cs_kind kind);

#endif
