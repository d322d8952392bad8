/* SPDX-License-Identifier: Apache-2.0 */
/* A process in which a library is a managed runtime, and what its recogniser should claim. */
#ifndef CS_FAKE_RUNTIME_H
#define CS_FAKE_RUNTIME_H

#include "fake_process.h"

#define FAKE_LIB FAKE_WIDGET
#define FAKE_VARIABLES (FAKE_LIB + FAKE_DATA)
#define FAKE_MEMORY UINT64_C(0x7f5000000000) /* aligned to whatever a runtime aligns to */
#define FAKE_RECORDS UINT64_C(0x7f6000000000)

enum { FAKE_RECORDS_BYTES = 0x8000 };

/* The library exports words of these names, one behind the other from FAKE_VARIABLES on; so many bytes are mapped at FAKE_MEMORY, and
 * FAKE_RECORDS_BYTES at FAKE_RECORDS. */
struct fake_process *fake_runtime(const char *const *names, size_t n, uint64_t memory);

enum { FAKE_WITHIN = 1 << 8 }; /* a block of malloc's */

struct fake_claim {
        int kind; /* a cs_kind, perhaps with FAKE_WITHIN */
        uint64_t start, end;
        const char *detail;
};

/* These claims of the library's and no others, by address, those within blocks in a sequence of their own; the process is done with. */
void fake_runtime_check(struct fake_process *p, const struct fake_claim *want, size_t n);

#define FAKE_RUNTIME_CHECK(p, ...)                                           \
        do {                                                                 \
                const struct fake_claim want[] = { __VA_ARGS__ };            \
                fake_runtime_check(p, want, sizeof(want) / sizeof(want[0])); \
        } while (0)

#endif
