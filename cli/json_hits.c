/* SPDX-License-Identifier: Apache-2.0 */
/* Hits may be millions: they are written without a tree of values first. */
#include "escape.h"
#include "json_values.h"
#include "line.h"

#include <stdlib.h>
#include <string.h>

/* The bytes as a JSON string of ASCII; they are valid UTF-8. False: our memory ran out. */
static bool put_string(struct cs_line *line, const char *bytes, size_t len)
{
        size_t plain = 0;
        while (plain < len && (unsigned char)bytes[plain] >= ' ' && (unsigned char)bytes[plain] < 127 &&
               bytes[plain] != '"' && bytes[plain] != '\\')
                plain++;
        if (plain == len) {
                cs_line_put(line, "\"");
                cs_line_bytes(line, bytes, len);
                cs_line_put(line, "\"");
                return true;
        }
        json_t *value = json_stringn(bytes, len);
        char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
        if (text)
                cs_line_put(line, text);
        json_decref(value);
        free(text);
        return text != NULL;
}

/* ,"key":"text", or null. What is no UTF-8 is escaped. */
static bool put_member(struct cs_line *line, const char *key, const char *text)
{
        struct cs_pool pool = { 0 };
        cs_line_put(line, ",\"");
        cs_line_put(line, key);
        cs_line_put(line, "\":");
        if (!text) {
                cs_line_put(line, "null");
                return true;
        }
        const char *safe = cs_escape_json(&pool, text);
        bool good = safe && put_string(line, safe, strlen(safe));
        cs_pool_deinit(&pool);
        return good;
}

static bool put_match(struct cs_line *line, struct cs_text match)
{
        struct cs_pool pool = { 0 };
        if (cs_escape_is_utf8(match.bytes, match.len)) {
                cs_line_put(line, ",\"match\":{\"text\":");
                bool good = put_string(line, match.bytes, match.len);
                cs_line_put(line, "}");
                return good;
        }
        const char *base64 = cs_escape_base64(&pool, match.bytes, match.len);
        if (base64) {
                cs_line_put(line, ",\"match\":{\"bytes\":\"");
                cs_line_put(line, base64);
                cs_line_put(line, "\"}");
        }
        cs_pool_deinit(&pool);
        return base64 != NULL;
}

static bool put_secret(struct cs_line *line, const struct cs_report_hit *hit)
{
        bool good = true;
        if (!hit->redacted && hit->secret_length == hit->length)
                return true;
        cs_line_put(line, ",\"secret\":{\"address\":\"");
        cs_line_address(line, hit->secret_address, 1);
        cs_line_put(line, "\",\"length\":");
        cs_line_number(line, hit->secret_length);
        if (hit->redacted)
                good = put_member(line, "class", hit->secret_class) &&
                       put_member(line, "sha256_prefix", hit->secret_hash);
        cs_line_put(line, "}");
        return good;
}

/* In thousandths: no more is known. */
static void put_confidence(struct cs_line *line, double confidence)
{
        unsigned thousandths = confidence > 0 && confidence < 1 ? (unsigned)(confidence * 1000) : 0;
        char room[CS_DIGITS];
        cs_line_put(line, ",\"confidence\":");
        if (!thousandths) {
                cs_line_put(line, confidence >= 1 ? "1.0" : "0.0");
                return;
        }
        cs_line_put(line, "0.");
        cs_line_put(line, cs_digits(room, thousandths, 10, 3));
}

bool cs_json_write_hit(FILE *out, const struct cs_report_hit *hit, bool typed)
{
        struct cs_line line;
        cs_line_begin(&line, out);
        cs_line_put(&line, typed ? "{\"type\":\"hit\",\"address\":\"" : "{\"address\":\"");
        cs_line_address(&line, hit->address, 1);
        cs_line_put(&line, "\",\"length\":");
        cs_line_number(&line, hit->length);
        bool good = put_member(&line, "rule", hit->rule) && put_match(&line, hit->match);
        cs_line_put(&line, hit->redacted ? ",\"redacted\":true" : ",\"redacted\":false");
        good = good && put_secret(&line, hit) && put_member(&line, "region", hit->region) &&
               put_member(&line, "detail", hit->detail);
        cs_line_put(&line, ",\"block\":");
        if (hit->has_block) {
                cs_line_put(&line, "\"");
                cs_line_address(&line, hit->block, 1);
                cs_line_put(&line, "\"");
        } else {
                cs_line_put(&line, "null");
        }
        cs_line_put(&line, ",\"block_size\":");
        cs_line_number(&line, hit->block_size);
        good = good && put_member(&line, "state", hit->state) && put_member(&line, "cluster", hit->cluster) &&
               put_member(&line, "library", hit->library);
        put_confidence(&line, hit->confidence);
        cs_line_put(&line, "}");
        cs_line_flush(&line);
        return good;
}

json_t *cs_json_hit_rules(struct cs_pool *pool, const struct cs_report_hits *hits)
{
        struct cs_json j = { .pool = pool };
        json_t *array = json_array();
        for (size_t i = 0; i < hits->n_rules; i++) {
                const struct cs_report_hit_rule *rule = &hits->rules[i];
                json_t *object = json_object();
                cs_json_put(&j, object, "rule", cs_json_string(pool, rule->rule));
                cs_json_put(&j, object, "description", cs_json_string(pool, rule->description));
                cs_json_put(&j, object, "hits", cs_json_number(rule->hits));
                cs_json_put(&j, object, "limited", json_boolean(rule->limited));
                cs_json_push(&j, array, object);
        }
        if (!j.failed)
                return array;
        json_decref(array);
        return NULL;
}
