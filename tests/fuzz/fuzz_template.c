/* Masks and merges any bytes: each line is a text (a line beginning with '!' is taken as masked and cut).
 * Groups must hold every text once, masking must keep within its room, and a skeleton is one with its fields
 * or without. */
#include "fields.h"
#include "template.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t read_texts(const uint8_t *data, size_t size, struct cs_template *masked,
                         struct cs_template_count *counts)
{
        size_t n = 0;
        for (size_t at = 0; at < size && n < TEXTS; n++) {
                const uint8_t *newline = memchr(data + at, '\n', size - at);
                size_t len = newline ? (size_t)(newline - data) - at : size - at;
                counts[n].count = 1 + n % 7;
                if (len && data[at] == '!') {
                        counts[n].text = (const char *)data + at + 1;
                        counts[n].len = (uint32_t)(len - 1);
                        counts[n].cut = true;
                } else {
                        cs_template_mask(data + at, len, &masked[n]);
                        if (masked[n].len > CS_TEMPLATE_BYTES ||
                            masked[n].cut != (masked[n].cut || len > CS_TEMPLATE_INPUT))
                                abort();
                        counts[n].text = masked[n].text;
                        counts[n].len = (uint32_t)masked[n].len;
                        counts[n].cut = masked[n].cut;
                }
                at += len + 1;
        }
        return n;
}

static void check_skeleton(const struct cs_template_count *t)
{
        struct cs_fields f;
        cs_fields_split(t->text, t->len, t->cut, &f);
        if (cs_fields_skeleton(t->text, t->len, t->cut) != cs_fields_hash(f.skeleton, f.skeleton_len))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct cs_template masked[TEXTS];
        static struct cs_template_count counts[TEXTS];
        static uint32_t group_of[TEXTS];
        struct cs_template_groups *groups = NULL;
        size_t n = read_texts(data, size, masked, counts);
        uint64_t in = 0, out = 0;
        for (size_t i = 0; i < n; i++)
                check_skeleton(&counts[i]);
        if (cs_template_merge(counts, n, 1, group_of, &groups, NULL) != CS_OK)
                return 0;
        for (size_t i = 0; i < n; i++) {
                in += counts[i].count;
                if (group_of[i] >= cs_template_groups_count(groups))
                        abort();
        }
        for (size_t i = 0; i < cs_template_groups_count(groups); i++)
                out += cs_template_groups_at(groups, i)->count;
        if (in != out)
                abort();
        cs_template_groups_destroy(groups);
        return 0;
}
