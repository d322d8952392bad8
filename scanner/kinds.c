/* SPDX-License-Identifier: Apache-2.0 */
#include "kinds.h"

#include <string.h>

static const char *const names[CS_KINDS] = {
        [CS_KIND_MALLOC_USED] = "malloc-used",
        [CS_KIND_MALLOC_FREE] = "malloc-free",
        [CS_KIND_MALLOC_OVERHEAD] = "malloc-overhead",
        [CS_KIND_JAVA_HEAP] = "java-heap",
        [CS_KIND_JAVA_METASPACE] = "java-metaspace",
        [CS_KIND_JAVA_CODE_CACHE] = "java-code-cache",
        [CS_KIND_RUBY_HEAP] = "ruby-heap",
        [CS_KIND_PYTHON_HEAP] = "python-heap",
        [CS_KIND_BEAM_CARRIER] = "beam-carrier",
        [CS_KIND_V8_HEAP] = "v8-heap",
        [CS_KIND_GO_HEAP] = "go-heap",
        [CS_KIND_STACK] = "stack",
        [CS_KIND_MODULE_CODE] = "module-code",
        [CS_KIND_MODULE_DATA] = "module-data",
        [CS_KIND_FILE] = "file",
        [CS_KIND_SHARED] = "shared",
        [CS_KIND_VDSO] = "vdso",
        [CS_KIND_RESERVED] = "reserved",
        [CS_KIND_ANONYMOUS] = "anonymous",
};

const char *cs_kind_name(enum cs_kind kind)
{
        return names[kind];
}

enum cs_kind cs_kind_named(const char *name)
{
        for (enum cs_kind kind = 0; kind < CS_KINDS; kind++)
                if (strcmp(names[kind], name) == 0)
                        return kind;
        return CS_KINDS;
}

bool cs_kind_managed(enum cs_kind kind)
{
        return kind >= CS_KIND_JAVA_HEAP && kind <= CS_KIND_GO_HEAP;
}
