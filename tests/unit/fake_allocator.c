/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_allocator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

const struct cs_heap *fake_heap_of(const struct fake_process *p, const char *allocator)
{
        for (size_t i = 0; i < p->heaps.found.n; i++)
                if (strcmp(p->heaps.found.at[i].allocator, allocator) == 0)
                        return &p->heaps.found.at[i];
        return NULL;
}

uint64_t fake_claimed(const struct fake_process *p, enum cs_kind kind)
{
        uint64_t sum = 0;
        for (size_t i = 0; i < p->claims.at.n; i++)
                if (p->claims.at.at[i].kind == kind)
                        sum += cs_range_size(p->claims.at.at[i].range);
        return sum;
}

void fake_check_refused(struct fake_process *p, const char *allocator)
{
        fake_open(p);
        const struct cs_heap *heap = fake_heap_of(p, allocator);
        assert_non_null(heap);
        assert_non_null(heap->why_not);
        assert_false(heap->measured.known);
        assert_int_equal(p->claims.at.n, 0);
        fake_destroy(p);
}
