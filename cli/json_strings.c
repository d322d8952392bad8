/* SPDX-License-Identifier: Apache-2.0 */
#include "json_values.h"

static json_t *counted(struct cs_pool *pool, uint64_t count, uint64_t bytes)
{
        struct cs_json json = { .pool = pool };
        json_t *object = json_object();
        cs_json_put(&json, object, "count", cs_json_number(count));
        cs_json_put(&json, object, "bytes", cs_json_number(bytes));
        if (!json.failed)
                return object;
        json_decref(object);
        return NULL;
}

json_t *cs_json_string_row(struct cs_pool *pool, const struct cs_report_string *row)
{
        struct cs_json json = { .pool = pool };
        json_t *object = json_object(), *examples = json_array();
        for (size_t i = 0; i < row->n_examples; i++)
                cs_json_push(&json, examples, cs_json_address(row->examples[i]));
        cs_json_put(&json, object, "template", cs_json_text(pool, row->template));
        cs_json_put(&json, object, "cut", json_boolean(row->cut));
        cs_json_put(&json, object, "encoding", cs_json_string(pool, row->encoding));
        cs_json_put(&json, object, "count", cs_json_number(row->count));
        cs_json_put(&json, object, "bytes", cs_json_number(row->bytes));
        cs_json_put(&json, object, "distinct", cs_json_number(row->distinct));
        cs_json_put(&json, object, "missing", counted(pool, row->missing_count, row->missing_bytes));
        cs_json_put(&json, object, "blocks", cs_json_number(row->blocks));
        cs_json_put(&json, object, "in_use", cs_json_number(row->in_use));
        cs_json_put(&json, object, "free", cs_json_number(row->free));
        cs_json_put(&json, object, "cluster", cs_json_string(pool, row->cluster));
        cs_json_put(&json, object, "library", cs_json_string(pool, row->library));
        cs_json_put(&json, object, "region", cs_json_string(pool, row->region));
        cs_json_put(&json, object, "examples", examples);
        if (!json.failed)
                return object;
        json_decref(object);
        return NULL;
}

json_t *cs_json_strings_found(struct cs_pool *pool, const struct cs_report_strings *strings)
{
        struct cs_json json = { .pool = pool };
        json_t *object = json_object();
        cs_json_put(&json, object, "templates", cs_json_number(strings->n));
        cs_json_put(&json, object, "count", cs_json_number(strings->all.count));
        cs_json_put(&json, object, "bytes", cs_json_number(strings->all.bytes));
        cs_json_put(&json, object, "dropped", counted(pool, strings->lost.count, strings->lost.bytes));
        cs_json_put(&json, object, "error_bytes", cs_json_number(strings->error));
        cs_json_put(&json, object, "searched", cs_json_number(strings->searched));
        cs_json_put(&json, object, "mapped_twice", cs_json_number(strings->twice));
        cs_json_put(&json, object, "owners", json_string(strings->near ? "near" : "all"));
        cs_json_put(&json, object, "seconds", cs_json_real(strings->seconds));
        if (!json.failed)
                return object;
        json_decref(object);
        return NULL;
}
