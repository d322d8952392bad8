/* SPDX-License-Identifier: Apache-2.0 */
#include "runtimes.h"

#include "runtimes_all.h"

/* One row per runtime; NULL ends the table. */
static const cs_runtime_fn recognisers[] = {
        cs_java_find, cs_ruby_find, cs_python_find, cs_v8_find, cs_beam_find, cs_go_find, NULL,
};

enum cs_status cs_runtimes_find(const struct cs_image *image, struct cs_symbols *symbols,
                                struct cs_claims *claims, struct cs_error *err)
{
        const struct cs_runtime_input in = { image, symbols };
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && recognisers[i]; i++)
                st = recognisers[i](&in, claims, err);
        return st;
}
