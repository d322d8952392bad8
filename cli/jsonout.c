/* SPDX-License-Identifier: Apache-2.0 */
#include "jsonout.h"

#include <string.h>

enum { DIGITS = 6 }; /* of shares and seconds: all that they are good for */

/* jansson leaves DEL alone. It can only stand inside strings, where its escaped form means the same. */
static int write_chunk(const char *bytes, size_t len, void *to)
{
        while (len) {
                const char *del = memchr(bytes, 0x7f, len);
                size_t plain = del ? (size_t)(del - bytes) : len;
                (void)fwrite(bytes, 1, plain, to);
                if (!del)
                        break;
                (void)fputs("\\u007f", to);
                bytes += plain + 1;
                len -= plain + 1;
        }
        return 0;
}

bool cs_jsonout_dump(FILE *out, json_t *value)
{
        size_t flags =
                JSON_ENSURE_ASCII | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY | JSON_REAL_PRECISION(DIGITS);
        bool done = value && json_dump_callback(value, write_chunk, out, flags) == 0;
        json_decref(value);
        return done;
}

void cs_jsonout_value(struct cs_jsonout *out, json_t *value)
{
        if (!cs_jsonout_dump(out->out, value))
                out->json.failed = true;
        cs_pool_deinit(&out->pool);
}

static void key(struct cs_jsonout *out, const char *name)
{
        (void)fprintf(out->out, "%s%s\"%s\": ", out->begun ? "," : "{",
                      out->line ? (out->begun ? " " : "") : "\n", name);
        out->begun = true;
}

void cs_jsonout_member(struct cs_jsonout *out, const char *name, json_t *value)
{
        key(out, name);
        cs_jsonout_value(out, value);
}

void cs_jsonout_begin(struct cs_jsonout *out, const char *name)
{
        key(out, name);
        out->filled = false;
        (void)fputs("[", out->out);
}

void cs_jsonout_element(struct cs_jsonout *out, json_t *value)
{
        (void)fprintf(out->out, "%s%s", out->filled ? "," : "", out->line ? (out->filled ? " " : "") : "\n");
        out->filled = true;
        cs_jsonout_value(out, value);
}

void cs_jsonout_end(struct cs_jsonout *out)
{
        (void)fputs("]", out->out);
}

void cs_jsonout_finish(struct cs_jsonout *out)
{
        (void)fputs(out->line ? "}\n" : "\n}\n", out->out);
        cs_pool_deinit(&out->pool);
}
