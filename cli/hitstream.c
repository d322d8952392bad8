/* SPDX-License-Identifier: Apache-2.0 */
#include "hitstream.h"

#include "json_values.h"
#include "line.h"
#include "units.h"

#include <inttypes.h>
#include <string.h>

enum { RULE_COLUMNS = 40, MATCH_BYTES = 512, ADDRESS_DIGITS = 12 };

static const char *state_text(const struct cs_report_hit *hit)
{
        return !hit->state                         ? ""
               : strcmp(hit->state, "in-use") == 0 ? ", in use"
               : hit->state[0] == 'f'              ? ", free"
                                                   : ", freed, in a cache";
}

static void put_owner(struct cs_line *line, struct cs_screen *s, const struct cs_report_hit *hit)
{
        if (!hit->library)
                return;
        cs_line_put(line, ", ");
        cs_line_put(line, cs_screen_safe(s, hit->library));
        if (hit->confidence > 0 && hit->confidence < 1) {
                cs_line_put(line, " ");
                cs_line_put(line, cs_units_percent(hit->confidence).text);
        }
}

/* "malloc-used, block 0x55d0c0ffee00 (48 bytes, in use, c12, libfoo.so 90 %)", "stack (thread 12)" */
static void put_place(struct cs_line *line, struct cs_screen *s, const struct cs_report_hit *hit)
{
        cs_line_put(line, hit->region ? hit->region : "memory");
        if (hit->has_block) {
                cs_line_put(line, ", block ");
                cs_line_address(line, hit->block, 1);
                cs_line_put(line, " (");
                cs_line_number(line, hit->block_size);
                cs_line_put(line, " bytes");
                cs_line_put(line, state_text(hit));
                if (hit->cluster) {
                        cs_line_put(line, ", ");
                        cs_line_put(line, hit->cluster);
                }
                put_owner(line, s, hit);
                cs_line_put(line, ")");
                return;
        }
        if (hit->detail) {
                cs_line_put(line, " (");
                cs_line_put(line, cs_screen_safe(s, hit->detail));
                cs_line_put(line, ")");
        }
        put_owner(line, s, hit);
}

static void put_styled(struct cs_line *line, const struct cs_screen *s, enum cs_style style, const char *text)
{
        cs_line_put(line, cs_screen_style_on(s, style));
        cs_line_put(line, text);
        cs_line_put(line, cs_screen_style_off(s, style));
}

void cs_hit_print(struct cs_screen *s, const struct cs_report_hit *hit)
{
        struct cs_line line;
        size_t shown = hit->match.len < MATCH_BYTES ? hit->match.len : MATCH_BYTES;
        cs_line_begin(&line, s->out);
        cs_line_put(&line, cs_screen_style_on(s, CS_STYLE_CYAN));
        cs_line_address(&line, hit->address, ADDRESS_DIGITS);
        cs_line_put(&line, cs_screen_style_off(s, CS_STYLE_CYAN));
        cs_line_put(&line, "  ");
        put_styled(&line, s, CS_STYLE_BOLD, cs_screen_cut(s, cs_screen_safe(s, hit->rule), RULE_COLUMNS));
        cs_line_put(&line, "  ");
        put_place(&line, s, hit);
        cs_line_put(&line, "  ");
        put_styled(&line, s, hit->redacted ? CS_STYLE_DIM : CS_STYLE_PLAIN,
                   cs_screen_safe_bytes(s, hit->match.bytes, shown));
        if (!hit->redacted && shown < hit->length)
                put_styled(&line, s, CS_STYLE_DIM,
                           cs_screen_text(s, " [%" PRIu64 " bytes more]", hit->length - shown));
        cs_line_put(&line, "\n");
        cs_line_flush(&line);
}

enum cs_status cs_hitstream_write(const void *context, const struct cs_report_hit *hit, struct cs_pool *pool,
                                  FILE *to, struct cs_error *err)
{
        const struct cs_hitstream *stream = context;
        if (stream->json) {
                bool good = cs_json_write_hit(to, hit, true);
                (void)putc_unlocked('\n', to);
                return good ? CS_OK : cs_fail(err, CS_ENOMEM, "not enough memory for the JSON");
        }
        struct cs_screen screen = { .out = to,
                                    .color = stream->color,
                                    .width = CS_SCREEN_WIDTH_MOST,
                                    .charset = stream->charset,
                                    .pool = *pool };
        cs_hit_print(&screen, hit);
        *pool = screen.pool;
        return screen.failed ? cs_fail(err, CS_ENOMEM, "not enough memory for the report") : CS_OK;
}

enum cs_status cs_hitstream_take(void *context, const char *text, size_t len, size_t n, struct cs_error *err)
{
        struct cs_hitstream *stream = context;
        (void)n;
        (void)err;
        if (ferror(stream->out)) /* said at the end; there is nobody to tell it to */
                return CS_OK;
        cs_progress_clear(stream->progress);
        (void)fwrite(text, 1, len, stream->out);
        return CS_OK;
}

void cs_hits_print_end(struct cs_screen *s, const struct cs_report_hits *hits)
{
        size_t found = 0;
        for (size_t i = 0; i < hits->n_rules; i++)
                found += hits->rules[i].hits > 0;
        cs_screen_printf(s, "%s hit%s", cs_units_count(hits->count).text, hits->count == 1 ? "" : "s");
        if (hits->asked > 1)
                cs_screen_printf(s, " of %s of %s rules", cs_units_count(found).text,
                                 cs_units_count(hits->asked).text);
        cs_screen_printf(s, " in %s of memory\n", cs_units_bytes(hits->bytes).text);
        if (hits->near)
                cs_screen_printf(
                        s, "owners by what lies around each hit, for the heap is large; add --libraries for\n"
                           "clusters, and owners by all that leads there\n");
        for (size_t i = 0; hits->asked > 1 && i < hits->n_rules; i++) {
                const struct cs_report_hit_rule *r = &hits->rules[i];
                const char *id = cs_screen_cut(s, cs_screen_safe(s, r->rule), RULE_COLUMNS);
                const char *words = r->description ? cs_screen_safe(s, r->description) : "";
                size_t rest = s->width > 56 ? s->width - 56 : 1;
                cs_screen_printf(s, "  %10s  %s%s%s%s\n", cs_units_count(r->hits).text, id,
                                 *words ? ": " : "", *words ? cs_screen_cut_end(s, words, rest) : "",
                                 r->limited ? " (ran into a limit)" : "");
        }
}
