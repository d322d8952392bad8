/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <stdlib.h>

void cs_report_destroy(struct cs_report *report)
{
        if (!report)
                return;
        free(report->blocks);
        if (report->hits)
                free(report->hits->at);
        cs_pool_deinit(&report->pool);
        free(report);
}
