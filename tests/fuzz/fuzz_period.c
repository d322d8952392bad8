/* SPDX-License-Identifier: Apache-2.0 */
/* Periods of any bytes, and what they are as a whole: a period keeps its own bounds, its records can be followed from one end to
 * the other, and there are some; bytes behind the buffer are not read (it is copied to its exact size). */
#include "entropy.h"
#include "period.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 20 };

static void follow(const struct cs_period *p, const uint8_t *bytes, size_t size)
{
        struct cs_period_run run;
        size_t from = 0, records = 0;
        while (cs_period_run(p, bytes, size, from, size, &run)) {
                if (run.first < from || run.last < run.first || run.last >= size || !run.records)
                        abort();
                records += run.records;
                from = run.last + 1;
        }
        if (!records)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct cs_period_finder *finder;
        struct cs_period p;
        struct cs_error err;
        /* The first two bytes say how often the rest is repeated: libFuzzer does not think of long inputs itself. */
        size_t times = size > 2 ? 1 + (size_t)(data[0] | data[1] << 8) % 256 : 0, len = times * (size - 2);
        if (!times || len > MOST || (!finder && cs_period_finder_create(&finder, &err) != CS_OK))
                return 0;
        uint8_t *bytes = malloc(len);
        if (!bytes)
                return 0;
        for (size_t i = 0; i < times; i++)
                memcpy(bytes + i * (size - 2), data + 2, size - 2);
        if ((unsigned)cs_entropy_judge(bytes, len) >= CS_CONTENTS)
                abort();
        for (int far = 0; far < 2; far++) {
                if (!cs_period_find(finder, bytes, len, far, &p))
                        continue;
                if (!cs_period_same(&p, &p) || p.stride < 2 || p.stride > CS_PERIOD_LONG || p.stride > len ||
                    p.phase >= p.stride || !p.n_keys || p.n_keys > CS_PERIOD_KEYS || !p.anchor ||
                    p.anchor > p.n_keys || !(p.share > 0 && p.share <= 1))
                        abort();
                for (uint32_t i = 0; i < p.n_keys; i++)
                        if (p.keys[i].offset >= p.stride || (i && p.keys[i].offset <= p.keys[i - 1].offset) ||
                            (i < p.anchor && p.keys[i].offset != i))
                                abort();
                follow(&p, bytes, len);
        }
        free(bytes);
        return 0;
}
