/* SPDX-License-Identifier: Apache-2.0 */
#include "hitstream.h"
#include "render.h"

void cs_render_hits(struct cs_screen *screen, const struct cs_report *report,
                    const struct cs_options *options)
{
        (void)options;
        if (report->hits->n)
                cs_screen_heading(screen, "Hits", NULL);
        for (size_t i = 0; i < report->hits->n; i++)
                cs_hit_print(screen, &report->hits->at[i]);
        cs_hits_print_end(screen, report->hits);
}
