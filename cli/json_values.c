/* SPDX-License-Identifier: Apache-2.0 */
#include "json_values.h"

#include "escape.h"

#include <inttypes.h>
#include <math.h>

void cs_json_put(struct cs_json *json, json_t *object, const char *key, json_t *value)
{
        if (json_object_set_new(object, key, value) != 0)
                json->failed = true;
}

void cs_json_push(struct cs_json *json, json_t *array, json_t *value)
{
        if (json_array_append_new(array, value) != 0)
                json->failed = true;
}

json_t *cs_json_string(struct cs_pool *pool, const char *text)
{
        if (!text)
                return json_null();
        const char *safe = cs_escape_json(pool, text);
        return safe ? json_string(safe) : NULL;
}

json_t *cs_json_number(uint64_t value)
{
        return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

json_t *cs_json_real(double value)
{
        return json_real(isfinite(value) ? value : 0);
}

json_t *cs_json_address(uint64_t value)
{
        return json_sprintf("0x%" PRIx64, value);
}

json_t *cs_json_text(struct cs_pool *pool, struct cs_text value)
{
        if (cs_escape_is_utf8(value.bytes, value.len))
                return json_pack("{s:o}", "text", json_stringn(value.len ? value.bytes : "", value.len));
        const char *base64 = cs_escape_base64(pool, value.bytes, value.len);
        return json_pack("{s:o}", "bytes", base64 ? json_string(base64) : NULL);
}

json_t *cs_json_evidence(struct cs_pool *pool, const struct cs_report_evidence *evidence, size_t n)
{
        struct cs_json j = { .pool = pool };
        json_t *array = json_array();
        for (size_t i = 0; i < n; i++) {
                const struct cs_report_evidence *e = &evidence[i];
                json_t *object = json_object();
                cs_json_put(&j, object, "kind", cs_json_string(pool, e->kind));
                cs_json_put(&j, object, "offset", e->offset < 0 ? json_null() : json_integer(e->offset));
                cs_json_put(&j, object, "module", cs_json_string(pool, e->module));
                cs_json_put(&j, object, "symbol", cs_json_string(pool, e->symbol));
                cs_json_put(&j, object, "share", cs_json_real(e->share));
                cs_json_put(&j, object, "weight", cs_json_real(e->weight));
                cs_json_push(&j, array, object);
        }
        if (!j.failed)
                return array;
        json_decref(array);
        return NULL;
}
