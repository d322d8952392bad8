/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_runtime.h"

#include "runtimes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void export_all(struct fake_process *p, const char *const *names, size_t n)
{
        for (size_t i = 0; i < n; i++)
                fake_export(p, FAKE_LIB, names[i], FAKE_DATA + 8 * i, 8);
}

struct fake_process *fake_runtime(const char *const *names, size_t n, uint64_t memory)
{
        struct fake_process *p = fake_create();
        export_all(p, names, n);
        fake_map(p, FAKE_MEMORY, memory, PF_R | PF_W);
        fake_map(p, FAKE_RECORDS, FAKE_RECORDS_BYTES, PF_R | PF_W);
        return p;
}

void fake_runtime_check(struct fake_process *p, const struct fake_claim *want, size_t n)
{
        struct cs_claims claims = { 0 };
        fake_open(p);
        assert_int_equal(cs_runtimes_find(p->image, p->symbols, &claims, NULL), CS_OK);
        cs_claims_seal(&claims);
        size_t done[2] = { 0, 0 };
        for (size_t i = 0; i < n; i++) {
                bool within = want[i].kind & FAKE_WITHIN;
                const cs_claim_vec *in = within ? &claims.within : &claims.at;
                size_t at = done[within]++;
                assert_true(at < in->n);
                const struct cs_claim *c = &in->at[at];
                assert_int_equal(c->kind, want[i].kind & ~FAKE_WITHIN);
                assert_int_equal(c->range.start, want[i].start);
                assert_int_equal(c->range.end, want[i].end);
                assert_string_equal(c->detail, want[i].detail);
                assert_string_equal(p->image->modules.at[c->module].name, "libwidget.so.1");
        }
        assert_int_equal(claims.at.n, done[0]);
        assert_int_equal(claims.within.n, done[1]);
        cs_claims_deinit(&claims);
        fake_destroy(p);
}
