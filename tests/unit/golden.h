/* SPDX-License-Identifier: Apache-2.0 */
/* Reports as text, against what is kept in tests/cli/golden; CS_UPDATE_GOLDEN=1 rewrites it. */
#ifndef CS_TEST_GOLDEN_H
#define CS_TEST_GOLDEN_H

#include "render.h"

struct golden_look {
        size_t width;
        bool color;
        enum cs_charset charset;
};

extern const struct golden_look golden_usual;

/* malloc'ed. */
char *golden_render(const struct cs_report *report, const struct cs_options *options,
                    struct golden_look look);
void golden_assert(const char *text, const char *name);
void golden_check(const struct cs_report *report, const struct cs_options *options, struct golden_look look,
                  const char *name);

#endif
