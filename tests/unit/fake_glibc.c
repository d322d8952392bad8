/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_glibc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

void fake_expect(const struct fake_process *p, const char *what, uint64_t chunk, int want)
{
        int got = fake_state(p, chunk);
        if (got != want)
                fail_msg("%s: state %d, not %d", what, got, want);
}

void fake_expect_sound(const struct fake_process *p)
{
        if (p->heaps.corrupt.n)
                fail_msg("damage at %lx: %s", (unsigned long)p->heaps.corrupt.at[0].address,
                         p->heaps.corrupt.at[0].what);
}
