/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include <stdio.h>
#include <string.h>

enum cs_status cs_fail(struct cs_error *err, enum cs_status status, const char *format, ...)
{
        if (!err)
                return status;
        va_list args;
        va_start(args, format);
        (void)vsnprintf(err->text, sizeof(err->text), format, args);
        va_end(args);
        err->status = status;
        return status;
}

enum cs_status cs_fail_sys(struct cs_error *err, int number, const char *format, ...)
{
        if (!err)
                return CS_ESYS;
        va_list args;
        va_start(args, format);
        (void)vsnprintf(err->text, sizeof(err->text), format, args);
        va_end(args);

        size_t used = strnlen(err->text, sizeof(err->text) - 1);
        const char *name = strerrordesc_np(number);
        (void)snprintf(err->text + used, sizeof(err->text) - used, ": %s", name ? name : "unknown error");
        err->status = CS_ESYS;
        return CS_ESYS;
}
