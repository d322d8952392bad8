/* SPDX-License-Identifier: Apache-2.0 */
#include "json_values.h"

json_t *cs_json_hit(struct cs_pool *pool, const struct cs_report_hit *hit, bool typed)
{
        struct cs_json j = { .pool = pool };
        json_t *object = json_object();
        if (typed)
                cs_json_put(&j, object, "type", json_string("hit"));
        cs_json_put(&j, object, "rule", cs_json_string(pool, hit->rule));
        cs_json_put(&j, object, "address", cs_json_address(hit->address));
        cs_json_put(&j, object, "length", cs_json_number(hit->length));
        cs_json_put(&j, object, "match", cs_json_text(pool, hit->match));
        cs_json_put(&j, object, "redacted", json_boolean(hit->redacted));
        if (hit->redacted || hit->secret_length != hit->length) {
                json_t *secret = json_object();
                cs_json_put(&j, secret, "address", cs_json_address(hit->secret_address));
                cs_json_put(&j, secret, "length", cs_json_number(hit->secret_length));
                if (hit->redacted) {
                        cs_json_put(&j, secret, "class", cs_json_string(pool, hit->secret_class));
                        cs_json_put(&j, secret, "sha256_prefix", cs_json_string(pool, hit->secret_hash));
                }
                cs_json_put(&j, object, "secret", secret);
        }
        cs_json_put(&j, object, "region", cs_json_string(pool, hit->region));
        cs_json_put(&j, object, "detail", cs_json_string(pool, hit->detail));
        cs_json_put(&j, object, "block", hit->has_block ? cs_json_address(hit->block) : json_null());
        cs_json_put(&j, object, "block_size", cs_json_number(hit->block_size));
        cs_json_put(&j, object, "state", cs_json_string(pool, hit->state));
        cs_json_put(&j, object, "cluster", cs_json_string(pool, hit->cluster));
        cs_json_put(&j, object, "library", cs_json_string(pool, hit->library));
        cs_json_put(&j, object, "confidence", cs_json_real(hit->confidence));
        if (!j.failed)
                return object;
        json_decref(object);
        return NULL;
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
