/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a saved report; what is read of it is joined with itself and with one that it has little in common with, and written
 * out in all ways. What is written as JSON is read again. */
#include "join.h"
#include "json.h"
#include "render.h"
#include "snapshotfile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char other[] =
        "{\"schema\":1,\"target\":{\"kind\":\"live\",\"pid\":1,\"exe\":\"/usr/bin/a\",\"time_ms\":50000},"
        "\"memory\":{\"resident\":4096,\"anonymous\":4096,\"by_kind\":[{\"kind\":\"stack\",\"bytes\":4096}]},"
        "\"clusters\":[{\"id\":\"c1\",\"kind\":\"object\",\"what\":\"object with liba.so.1+0x10 at +0\",\"count\":5,"
        "\"bytes\":80,\"resident\":80,\"library\":\"liba.so.1\",\"signature\":\"0123456789abcdef\"}],"
        "\"libraries\":[{\"library\":\"liba.so.1\",\"build_id\":\"aa\",\"count\":5,\"bytes\":80,\"resident\":80}]}";

static void must(bool holds)
{
        if (!holds)
                abort();
}

static void write_out(const struct cs_growth *growth)
{
        const struct cs_options options = { .show = CS_SHOW_SUMMARY, .top_given = true };
        char *text = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&text, &len);
        must(f != NULL);
        must(cs_json_write_growth(f, growth, &options, NULL) == CS_OK);
        must(fclose(f) == 0);
        struct cs_snapshot *again = NULL;
        struct cs_error err = { 0 };
        if (cs_snapshotfile_parse(text, len, "again", &again, &err) != CS_OK)
                abort();
        cs_snapshot_destroy(again);
        free(text);
        f = open_memstream(&text, &len);
        must(f != NULL);
        struct cs_screen screen = { .out = f, .width = 80 };
        cs_render_growth(&screen, growth, &options);
        must(!screen.failed);
        cs_screen_deinit(&screen);
        must(fclose(f) == 0);
        for (size_t i = 0; i < len; i++)
                must(text[i] == '\n' || (text[i] >= ' ' && text[i] < 0x7f));
        free(text);
}

static void compare(const uint8_t *data, size_t size, size_t others)
{
        struct cs_snapshot *all[8];
        size_t n = 0;
        for (size_t i = 0; i < 6; i++, n++) {
                const char *bytes = i < others ? other : (const char *)data;
                if (cs_snapshotfile_parse(bytes, i < others ? sizeof(other) - 1 : size, "x", &all[n], NULL) !=
                    CS_OK)
                        abort();
                if (others == 0 && all[n]->time_ms)
                        all[n]->time_ms += 60000 * (int64_t)i;
        }
        struct cs_growth *growth = NULL;
        must(cs_growth_build(all, n, &growth, NULL) == CS_OK);
        write_out(growth);
        cs_growth_destroy(growth);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct cs_snapshot *s = NULL;
        struct cs_error err = { 0 };
        enum cs_status st = cs_snapshotfile_parse((const char *)data, size, "x", &s, &err);
        must(st == CS_OK || err.text[0]);
        if (st != CS_OK)
                return 0;
        for (size_t i = 0; i < s->n_clusters; i++)
                must(s->clusters[i].what && s->clusters[i].kind);
        cs_snapshot_destroy(s);
        compare(data, size, 0);
        compare(data, size, 1);
        return 0;
}
