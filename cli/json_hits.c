/* SPDX-License-Identifier: Apache-2.0 */
/* Hits may be millions: they are written without a tree of values first. */
#include "digits.h"
#include "escape.h"
#include "json_values.h"

#include <string.h>

static void put(FILE *out, const char *text)
{
        (void)fputs_unlocked(text, out);
}

static void put_number(FILE *out, const char *before, uint64_t value, unsigned base, const char *behind)
{
        char room[CS_DIGITS];
        put(out, before);
        put(out, cs_digits(room, value, base, 1));
        put(out, behind);
}

/* The bytes as a JSON string of ASCII; they are valid UTF-8. False: our memory ran out. */
static bool write_string(FILE *out, const char *bytes, size_t len)
{
        size_t plain = 0;
        while (plain < len && (unsigned char)bytes[plain] >= ' ' && (unsigned char)bytes[plain] < 127 &&
               bytes[plain] != '"' && bytes[plain] != '\\')
                plain++;
        if (plain == len) {
                (void)putc_unlocked('"', out);
                (void)fwrite_unlocked(bytes, 1, len, out);
                (void)putc_unlocked('"', out);
                return true;
        }
        json_t *value = json_stringn(bytes, len);
        bool good =
                value && (json_dumpf(value, out, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) == 0 || ferror(out));
        json_decref(value);
        return good;
}

/* ,"key":"text", or null. What is no UTF-8 is escaped. */
static bool write_member(FILE *out, const char *key, const char *text)
{
        struct cs_pool pool = { 0 };
        put(out, ",\"");
        put(out, key);
        put(out, "\":");
        if (!text) {
                put(out, "null");
                return true;
        }
        const char *safe = cs_escape_json(&pool, text);
        bool good = safe && write_string(out, safe, strlen(safe));
        cs_pool_deinit(&pool);
        return good;
}

static bool write_match(FILE *out, struct cs_text match)
{
        struct cs_pool pool = { 0 };
        if (cs_escape_is_utf8(match.bytes, match.len)) {
                put(out, ",\"match\":{\"text\":");
                bool good = write_string(out, match.bytes, match.len);
                put(out, "}");
                return good;
        }
        const char *base64 = cs_escape_base64(&pool, match.bytes, match.len);
        if (base64)
                (void)fprintf(out, ",\"match\":{\"bytes\":\"%s\"}", base64);
        cs_pool_deinit(&pool);
        return base64 != NULL;
}

static bool write_secret(FILE *out, const struct cs_report_hit *hit)
{
        bool good = true;
        if (!hit->redacted && hit->secret_length == hit->length)
                return true;
        put_number(out, ",\"secret\":{\"address\":\"0x", hit->secret_address, 16, "\"");
        put_number(out, ",\"length\":", hit->secret_length, 10, "");
        if (hit->redacted)
                good = write_member(out, "class", hit->secret_class) &&
                       write_member(out, "sha256_prefix", hit->secret_hash);
        put(out, "}");
        return good;
}

bool cs_json_write_hit(FILE *out, const struct cs_report_hit *hit, bool typed)
{
        put(out, typed ? "{\"type\":\"hit\"," : "{");
        put_number(out, "\"address\":\"0x", hit->address, 16, "\"");
        put_number(out, ",\"length\":", hit->length, 10, "");
        bool good = write_member(out, "rule", hit->rule) && write_match(out, hit->match);
        put(out, hit->redacted ? ",\"redacted\":true" : ",\"redacted\":false");
        good = good && write_secret(out, hit) && write_member(out, "region", hit->region) &&
               write_member(out, "detail", hit->detail);
        if (hit->has_block)
                put_number(out, ",\"block\":\"0x", hit->block, 16, "\"");
        else
                put(out, ",\"block\":null");
        put_number(out, ",\"block_size\":", hit->block_size, 10, "");
        good = good && write_member(out, "state", hit->state) && write_member(out, "cluster", hit->cluster) &&
               write_member(out, "library", hit->library);
        /* In thousandths: no more is known. */
        unsigned thousandths =
                hit->confidence > 0 && hit->confidence < 1 ? (unsigned)(hit->confidence * 1000) : 0;
        if (thousandths)
                put_number(out,
                           thousandths < 10    ? ",\"confidence\":0.00"
                           : thousandths < 100 ? ",\"confidence\":0.0"
                                               : ",\"confidence\":0.",
                           thousandths, 10, "}");
        else
                put(out, hit->confidence >= 1 ? ",\"confidence\":1.0}" : ",\"confidence\":0.0}");
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
