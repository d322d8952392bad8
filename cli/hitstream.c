/* SPDX-License-Identifier: Apache-2.0 */
#include "hitstream.h"

#include "json_values.h"
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

static void put_owner(struct cs_screen *s, const struct cs_report_hit *hit)
{
        if (!hit->library)
                return;
        cs_screen_put(s, ", ");
        cs_screen_put(s, cs_screen_safe(s, hit->library));
        if (hit->confidence > 0 && hit->confidence < 1) {
                cs_screen_put(s, " ");
                cs_screen_put(s, cs_units_percent(hit->confidence).text);
        }
}

/* "malloc-used, block 0x55d0c0ffee00 (48 bytes, in use, c12, libfoo.so 90 %)", "stack (thread 12)" */
static void put_place(struct cs_screen *s, const struct cs_report_hit *hit)
{
        cs_screen_put(s, hit->region ? hit->region : "memory");
        if (hit->has_block) {
                cs_screen_put(s, ", block ");
                cs_screen_put_address(s, hit->block, 1);
                cs_screen_put(s, " (");
                cs_screen_put_number(s, hit->block_size);
                cs_screen_put(s, " bytes");
                cs_screen_put(s, state_text(hit));
                if (hit->cluster) {
                        cs_screen_put(s, ", ");
                        cs_screen_put(s, hit->cluster);
                }
                put_owner(s, hit);
                cs_screen_put(s, ")");
                return;
        }
        if (hit->detail) {
                cs_screen_put(s, " (");
                cs_screen_put(s, cs_screen_safe(s, hit->detail));
                cs_screen_put(s, ")");
        }
        put_owner(s, hit);
}

void cs_hit_print(struct cs_screen *s, const struct cs_report_hit *hit)
{
        size_t shown = hit->match.len < MATCH_BYTES ? hit->match.len : MATCH_BYTES;
        const char *match = cs_screen_safe_bytes(s, hit->match.bytes, shown);
        const char *rule = cs_screen_cut(s, cs_screen_safe(s, hit->rule), RULE_COLUMNS);
        cs_screen_begin(s, CS_STYLE_CYAN);
        cs_screen_put_address(s, hit->address, ADDRESS_DIGITS);
        cs_screen_end(s, CS_STYLE_CYAN);
        cs_screen_put(s, "  ");
        cs_screen_styled(s, CS_STYLE_BOLD, rule);
        cs_screen_put(s, "  ");
        put_place(s, hit);
        cs_screen_put(s, "  ");
        cs_screen_styled(s, hit->redacted ? CS_STYLE_DIM : CS_STYLE_PLAIN, match);
        if (!hit->redacted && shown < hit->length)
                cs_screen_styled(s, CS_STYLE_DIM,
                                 cs_screen_text(s, " [%" PRIu64 " bytes more]", hit->length - shown));
        cs_screen_put(s, "\n");
}

void cs_hitstream_deinit(struct cs_hitstream *stream)
{
        cs_pool_deinit(&stream->pool);
}

enum cs_status cs_hitstream_take(void *context, const struct cs_report_hit *hit, struct cs_error *err)
{
        struct cs_hitstream *stream = context;
        if (ferror(stream->out)) /* said at the end; there is nobody to tell it to */
                return CS_OK;
        cs_progress_clear(stream->progress);
        if (stream->json) {
                bool good = cs_json_write_hit(stream->out, hit, true);
                (void)putc('\n', stream->out);
                return good ? CS_OK : cs_fail(err, CS_ENOMEM, "not enough memory for the JSON");
        }
        struct cs_screen screen = { .out = stream->out,
                                    .color = stream->color,
                                    .width = CS_SCREEN_WIDTH_MOST,
                                    .charset = stream->charset,
                                    .pool = stream->pool };
        cs_hit_print(&screen, hit);
        stream->pool = screen.pool;
        cs_pool_reset(&stream->pool);
        return screen.failed ? cs_fail(err, CS_ENOMEM, "not enough memory for the report") : CS_OK;
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
