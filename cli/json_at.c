/* SPDX-License-Identifier: Apache-2.0 */
/* One address's case as JSON: the keys "at" and "refs". */
#include "json_values.h"

#include <inttypes.h>
#include <stdio.h>

static json_t *string(struct cs_json *j, const char *text)
{
        return cs_json_string(j->pool, text);
}

static json_t *region_value(struct cs_json *j, const struct cs_report_place *p)
{
        if (!p->kind)
                return json_null();
        json_t *object = json_object();
        cs_json_put(j, object, "kind", string(j, p->kind));
        cs_json_put(j, object, "start", cs_json_address(p->start));
        cs_json_put(j, object, "end", cs_json_address(p->end));
        cs_json_put(j, object, "perms", string(j, p->perms));
        cs_json_put(j, object, "path", string(j, p->path));
        cs_json_put(j, object, "detail", string(j, p->detail));
        return object;
}

static json_t *module_value(struct cs_json *j, const struct cs_report_place *p)
{
        if (!p->module)
                return json_null();
        json_t *object = json_object();
        cs_json_put(j, object, "library", string(j, p->module));
        cs_json_put(j, object, "offset", cs_json_address(p->module_offset));
        cs_json_put(j, object, "section", string(j, p->section));
        cs_json_put(j, object, "symbol", string(j, p->symbol));
        return object;
}

static json_t *leak_value(uint8_t leak)
{
        static const char *const names[] = {
                [CS_LEAK_NONE] = "-",
                [CS_LEAK_DIRECT] = "direct",
                [CS_LEAK_INDIRECT] = "indirect",
                [CS_LEAK_POSSIBLE] = "possible",
        };
        return json_string(leak < sizeof(names) / sizeof(names[0]) ? names[leak] : "-");
}

/* How it is held was looked for only where the whole case was asked for. */
static json_t *block_value(struct cs_json *j, const struct cs_report_held *b, bool whole)
{
        if (!b)
                return json_null();
        json_t *object = json_object(), *arena = json_null();
        if (b->has_arena) {
                arena = json_object();
                cs_json_put(j, arena, "address", cs_json_address(b->arena));
                cs_json_put(j, arena, "main", json_boolean(b->main_arena));
        }
        cs_json_put(j, object, "address", cs_json_address(b->address));
        cs_json_put(j, object, "usable", cs_json_number(b->usable));
        cs_json_put(j, object, "size", cs_json_number(b->size));
        cs_json_put(j, object, "offset", json_integer(b->offset));
        cs_json_put(j, object, "state", string(j, b->state));
        cs_json_put(j, object, "mmapped", json_boolean(b->mmapped));
        cs_json_put(j, object, "arena", arena);
        cs_json_put(j, object, "cluster", string(j, b->cluster));
        cs_json_put(j, object, "what", string(j, b->what));
        cs_json_put(j, object, "alike", cs_json_number(b->alike));
        cs_json_put(j, object, "library", string(j, b->library));
        cs_json_put(j, object, "confidence", cs_json_real(b->library ? b->confidence : 0));
        cs_json_put(j, object, "evidence", cs_json_evidence(j->pool, b->evidence, b->n_evidence));
        cs_json_put(j, object, "leak", leak_value(b->leak));
        cs_json_put(j, object, "stale", json_boolean(b->stale));
        if (!whole)
                return object;
        json_t *retains = json_object();
        cs_json_put(j, retains, "count", cs_json_number(b->retains));
        cs_json_put(j, retains, "bytes", cs_json_number(b->retained_bytes));
        cs_json_put(j, object, "reached", json_boolean(b->reached));
        cs_json_put(j, object, "from_root", json_boolean(b->from_root));
        cs_json_put(j, object, "retains", retains);
        return object;
}

static json_t *word_value(struct cs_json *j, const struct cs_report_word *w)
{
        json_t *object = json_object();
        cs_json_put(j, object, "offset", cs_json_number(w->offset));
        cs_json_put(j, object, "size", cs_json_number(w->size));
        cs_json_put(j, object, "kind", string(j, w->kind));
        cs_json_put(j, object, "value", w->value ? cs_json_address(w->value) : json_null());
        cs_json_put(j, object, "note", string(j, w->note));
        cs_json_put(j, object, "to", string(j, w->to));
        cs_json_put(j, object, "library", string(j, w->library));
        if (w->text.len)
                cs_json_put(j, object, "text", cs_json_text(j->pool, w->text));
        return object;
}

static json_t *dump_value(struct cs_json *j, const struct cs_report_dump *d)
{
        char *hex = d ? cs_pool_alloc(j->pool, 2 * d->len + 1, 1) : NULL;
        json_t *object = json_object(), *words = json_array();
        if (!d) {
                json_decref(words);
                json_decref(object);
                return json_null();
        }
        for (size_t i = 0; hex && i < d->len; i++)
                (void)snprintf(hex + 2 * i, 3, "%02x", d->bytes[i]);
        for (size_t i = 0; i < d->n_words; i++)
                cs_json_push(j, words, word_value(j, &d->words[i]));
        cs_json_put(j, object, "start", cs_json_address(d->start));
        cs_json_put(j, object, "before", cs_json_number(d->before));
        cs_json_put(j, object, "behind", cs_json_number(d->behind));
        cs_json_put(j, object, "hex", hex ? json_string(hex) : NULL);
        cs_json_put(j, object, "words", words);
        return object;
}

static json_t *left_out_value(struct cs_json *j, uint64_t groups, uint64_t references)
{
        json_t *object = json_object();
        cs_json_put(j, object, "groups", cs_json_number(groups));
        cs_json_put(j, object, "references", cs_json_number(references));
        return object;
}

static json_t *group_value(struct cs_json *j, const struct cs_report_group *g)
{
        json_t *object = json_object(), *places = json_array(), *examples = json_array();
        for (size_t i = 0; i < g->n_places; i++) {
                json_t *place = json_object();
                cs_json_put(j, place, "offset", cs_json_number(g->places[i].offset));
                cs_json_put(j, place, "count", cs_json_number(g->places[i].count));
                cs_json_push(j, places, place);
        }
        for (size_t i = 0; i < g->n_examples; i++) {
                json_t *example = json_object();
                cs_json_put(j, example, "address", cs_json_address(g->examples[i].address));
                cs_json_put(j, example, "name", string(j, g->examples[i].name));
                cs_json_push(j, examples, example);
        }
        cs_json_put(j, object, "id", cs_json_number(g->id));
        cs_json_put(j, object, "parent", cs_json_number(g->parent));
        cs_json_put(j, object, "level", cs_json_number(g->level));
        cs_json_put(j, object, "kind", json_string(g->blocks ? "blocks" : "root"));
        cs_json_put(j, object, "cluster", string(j, g->cluster));
        cs_json_put(j, object, "what", string(j, g->what));
        cs_json_put(j, object, "library", string(j, g->library));
        cs_json_put(j, object, "blocks", cs_json_number(g->blocks));
        cs_json_put(j, object, "references", cs_json_number(g->references));
        cs_json_put(j, object, "offsets", places);
        cs_json_put(j, object, "elsewhere", cs_json_number(g->elsewhere));
        cs_json_put(j, object, "unread", cs_json_number(g->unread));
        cs_json_put(j, object, "stale", json_boolean(g->stale));
        cs_json_put(j, object, "cycle", json_boolean(g->cycle));
        cs_json_put(j, object, "same", g->again ? cs_json_number(g->same) : json_null());
        cs_json_put(j, object, "examples", examples);
        cs_json_put(j, object, "left_out", left_out_value(j, g->left_groups, g->left_references));
        return object;
}

static json_t *referrers_value(struct cs_json *j, const struct cs_report_case *c)
{
        json_t *object = json_object(), *groups = json_array();
        for (size_t i = 0; i < c->n_groups; i++)
                cs_json_push(j, groups, group_value(j, &c->groups[i]));
        cs_json_put(j, object, "blocks", cs_json_number(c->referrers));
        cs_json_put(j, object, "root_words", cs_json_number(c->slots));
        cs_json_put(j, object, "groups", groups);
        cs_json_put(j, object, "left_out", left_out_value(j, c->left_groups, c->left_references));
        return object;
}

static json_t *chain_value(struct cs_json *j, const struct cs_report_chain *chain)
{
        json_t *object = json_object(), *links = json_array();
        for (size_t i = 0; i < chain->n_links; i++) {
                const struct cs_report_link *l = &chain->links[i];
                json_t *link = json_object();
                cs_json_put(j, link, "kind", json_string(l->root ? "root" : "block"));
                cs_json_put(j, link, "address", l->address ? cs_json_address(l->address) : json_null());
                cs_json_put(j, link, "offset", l->offset < 0 ? json_null() : json_integer(l->offset));
                cs_json_put(j, link, "cluster", string(j, l->cluster));
                cs_json_put(j, link, "what", string(j, l->what));
                cs_json_put(j, link, "library", string(j, l->library));
                cs_json_put(j, link, "stale", json_boolean(l->stale));
                cs_json_push(j, links, link);
        }
        cs_json_put(j, object, "to", json_string(chain->to_head ? "leak-head" : "root"));
        cs_json_put(j, object, "links", links);
        cs_json_put(j, object, "left_out", cs_json_number(chain->left_out));
        cs_json_put(j, object, "left_out_behind",
                    chain->left_out ? cs_json_number(chain->left_at) : json_null());
        return object;
}

json_t *cs_json_case(struct cs_pool *pool, const struct cs_report_case *c, bool whole)
{
        struct cs_json j = { .pool = pool };
        json_t *object = json_object(), *notes = json_array();
        cs_json_put(&j, object, "address", cs_json_address(c->place.address));
        cs_json_put(&j, object, "what", string(&j, c->place.what));
        cs_json_put(&j, object, "region", region_value(&j, &c->place));
        cs_json_put(&j, object, "gap", string(&j, c->place.gap));
        cs_json_put(&j, object, "module", module_value(&j, &c->place));
        cs_json_put(&j, object, "block", block_value(&j, c->block, whole));
        if (whole) {
                json_t *chains = json_array();
                for (size_t i = 0; i < c->n_chains; i++)
                        cs_json_push(&j, chains, chain_value(&j, &c->chains[i]));
                cs_json_put(&j, object, "chains", chains);
                cs_json_put(&j, object, "dump", dump_value(&j, c->dump));
        } else {
                cs_json_put(&j, object, "depth", cs_json_number(c->depth));
        }
        cs_json_put(&j, object, "referrers", referrers_value(&j, c));
        for (size_t i = 0; i < c->n_notes; i++)
                cs_json_push(&j, notes, string(&j, c->notes[i]));
        cs_json_put(&j, object, "notes", notes);
        if (!j.failed)
                return object;
        json_decref(object);
        return NULL;
}
