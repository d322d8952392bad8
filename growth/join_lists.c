/* SPDX-License-Identifier: Apache-2.0 */
#include "join_private.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Upgraded modules whose places are masked in names: an upgrade of all a system's libraries at once names a few in clusters. */
enum { MODULES_MASKED = 64 };

static uint64_t hash(const char *text)
{
        return XXH3_64bits(text ? text : "", text ? strlen(text) : 0);
}

static uint64_t with(uint64_t seed, uint64_t more)
{
        uint64_t pair[2] = { seed, more };
        return XXH3_64bits(pair, sizeof(pair));
}

static bool equal(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

/* ---- kinds of memory --------------------------------------------------------------------------------------------- */

static struct cs_growth_row *kind_row(cs_growth_row_vec *rows, const char *kind)
{
        for (size_t i = 0; i < rows->n; i++)
                if (equal(rows->at[i].kind, kind))
                        return &rows->at[i];
        return NULL;
}

enum cs_status cs_join_kinds(struct cs_growth *g, struct cs_error *err)
{
        cs_growth_row_vec rows = { 0 };
        enum cs_status st = CS_OK;
        for (size_t s = 0; st == CS_OK && s < g->n_snapshots; s++) {
                const struct cs_report_memory *memory = &g->snapshots[s]->memory;
                for (size_t i = 0; st == CS_OK && i < memory->n_kinds; i++) {
                        struct cs_growth_row *row = kind_row(&rows, memory->kinds[i].kind);
                        if (!row && (st = cs_join_row(g, &rows, err)) == CS_OK)
                                row = &rows.at[rows.n - 1];
                        if (!row)
                                continue;
                        row->kind = memory->kinds[i].kind;
                        row->joined = s && row->at[0].there ? CS_JOINED_NAME : row->joined;
                        struct cs_growth_value *v = &row->at[s];
                        *v = (struct cs_growth_value){ .count = v->count + memory->kinds[i].regions,
                                                       .bytes = v->bytes + memory->kinds[i].bytes,
                                                       .resident = v->resident + memory->kinds[i].resident,
                                                       .there = true };
                }
                for (size_t i = 0; st == CS_OK && i < rows.n; i++)
                        rows.at[i].at[s].unlisted = !g->snapshots[s]->has_memory;
        }
        if (st == CS_OK)
                return cs_join_finish(g, &rows, &g->kinds, err);
        cs_vec_deinit(&rows);
        return st;
}

/* ---- what was not listed ----------------------------------------------------------------------------------------- */

/* What is not in a list that was cut there has no more than the least of it, unless the list was chosen otherwise than by
 * size: then those left out have more on the average, and none can have more than all of them. */
static void mark_unlisted(cs_growth_row_vec *rows, size_t s, const struct cs_snapshot_left *left,
                          uint64_t least, bool has)
{
        uint64_t most = left->resident;
        if (left->count && left->resident / left->count <= least && least < most)
                most = least;
        if (!left->count && has)
                return;
        for (size_t i = 0; i < rows->n; i++) {
                struct cs_growth_value *v = &rows->at[i].at[s];
                if (!v->there)
                        *v = (struct cs_growth_value){ .bytes = has ? left->bytes : UINT64_MAX,
                                                       .resident = has ? most : UINT64_MAX,
                                                       .unlisted = true };
        }
}

/* ---- libraries --------------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
        const struct cs_join_key *x = a, *y = b;
        if (x->key != y->key)
                return x->key < y->key ? -1 : 1;
        return x->row < y->row ? -1 : x->row > y->row;
}

static void fill_library(struct cs_growth *g, struct cs_growth_row *row, size_t s,
                         const struct cs_report_library *l)
{
        struct cs_growth_value *v = &row->at[s];
        row->upgraded |= row->build_id && l->build_id && !equal(row->build_id, l->build_id);
        row->joined = s && row->at[0].there ? CS_JOINED_NAME : row->joined;
        row->library = l->library;
        row->build_id = l->build_id ? l->build_id : row->build_id;
        row->confidence = l->confidence;
        v->there = true;
        v->count += l->count;
        v->bytes += l->bytes;
        v->resident += l->resident;
        (void)g;
}

/* All libraries of all snapshots by name: keys are sorted, `row` counts through snapshots and their libraries. */
static enum cs_status rows_by_name(struct cs_growth *g, const cs_join_key_vec *keys,
                                   const struct cs_report_library **all, const size_t *from,
                                   cs_growth_row_vec *rows, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < keys->n; i++) {
                if ((i == 0 || keys->at[i].key != keys->at[i - 1].key) &&
                    (st = cs_join_row(g, rows, err)) != CS_OK)
                        break;
                fill_library(g, &rows->at[rows->n - 1], from[keys->at[i].row], all[keys->at[i].row]);
        }
        return st;
}

static enum cs_status library_rows(struct cs_growth *g, cs_growth_row_vec *rows, struct cs_error *err)
{
        cs_join_key_vec keys = { 0 };
        CS_VEC(const struct cs_report_library *) all = { 0 };
        CS_VEC(size_t) from = { 0 };
        enum cs_status st = CS_OK;
        for (size_t s = 0; st == CS_OK && s < g->n_snapshots; s++)
                for (size_t i = 0; st == CS_OK && i < g->snapshots[s]->n_libraries; i++) {
                        const struct cs_report_library *l = &g->snapshots[s]->libraries[i];
                        struct cs_join_key key = { l->library ? hash(l->library) : 0, all.n };
                        if ((st = cs_vec_push(&keys, key, err)) == CS_OK &&
                            (st = cs_vec_push(&all, l, err)) == CS_OK)
                                st = cs_vec_push(&from, s, err);
                }
        if (st == CS_OK && keys.n) {
                qsort(keys.at, keys.n, sizeof(*keys.at), by_key);
                st = rows_by_name(g, &keys, all.at, from.at, rows, err);
        }
        cs_vec_deinit(&keys);
        cs_vec_deinit(&all);
        cs_vec_deinit(&from);
        return st;
}

/* What is in some snapshots only, and has the name of another version in the others. */
static enum cs_status merge_versions(struct cs_growth *g, cs_growth_row_vec *rows, struct cs_error *err)
{
        cs_join_key_vec keys = { 0 };
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < rows->n; i++) {
                if (!rows->at[i].library || !cs_join_is_part(g, &rows->at[i]))
                        continue;
                const char *stem = cs_names_stem(&g->pool, rows->at[i].library);
                st = stem ? cs_vec_push(&keys, ((struct cs_join_key){ hash(stem), i }), err)
                          : cs_fail(err, CS_ENOMEM, "comparison");
        }
        if (st == CS_OK)
                st = cs_join_merge(g, rows, &keys, CS_JOINED_NAME, false, err);
        cs_vec_deinit(&keys);
        return st;
}

enum cs_status cs_join_libraries(struct cs_growth *g, struct cs_error *err)
{
        cs_growth_row_vec rows = { 0 };
        enum cs_status st = library_rows(g, &rows, err);
        if (st == CS_OK)
                st = merge_versions(g, &rows, err);
        for (size_t i = 0; st == CS_OK && i < rows.n; i++) {
                struct cs_growth_row *row = &rows.at[i];
                if (equal(row->was, row->library))
                        row->was = NULL;
                row->upgraded |= row->was != NULL;
        }
        for (size_t s = 0; st == CS_OK && s < g->n_snapshots; s++) {
                const struct cs_snapshot *here = g->snapshots[s];
                uint64_t least = UINT64_MAX;
                for (size_t i = 0; i < here->n_libraries; i++)
                        least = here->libraries[i].resident < least ? here->libraries[i].resident : least;
                mark_unlisted(&rows, s, &here->libraries_left, least, here->has_libraries);
        }
        if (st == CS_OK)
                return cs_join_finish(g, &rows, &g->libraries, err);
        cs_vec_deinit(&rows);
        return st;
}

/* ---- clusters ---------------------------------------------------------------------------------------------------- */

struct joiner {
        struct cs_growth *g;
        const char *modules[2 * MODULES_MASKED]; /* that were upgraded, by both names */
        size_t n_modules;
        cs_growth_row_vec rows;
};

static bool is_upgraded(const struct joiner *j, const char *library)
{
        for (size_t i = 0; library && i < j->n_modules; i++)
                if (strcmp(j->modules[i], library) == 0)
                        return true;
        return false;
}

static void collect_upgraded(struct joiner *j)
{
        for (size_t i = 0; i < j->g->libraries.n && j->n_modules + 2 <= 2 * MODULES_MASKED; i++) {
                const struct cs_growth_row *row = &j->g->libraries.at[i];
                if (row->upgraded && row->library)
                        j->modules[j->n_modules++] = row->library;
                if (row->upgraded && row->was)
                        j->modules[j->n_modules++] = row->was;
        }
}

static void fill_cluster(struct cs_growth_row *row, size_t s, const struct cs_snapshot_cluster *c)
{
        struct cs_growth_value *v = &row->at[s];
        bool first = !v->there || c->resident > v->resident;
        row->joined = row->what && !v->there ? CS_JOINED_SIGNATURE : row->joined;
        if (v->there)
                row->unreferenced += c->unreferenced;
        if (first) {
                row->id = c->id;
                row->kind = c->kind;
                row->what = c->what;
                row->library = c->library;
                row->signature = c->signature;
                row->template = c->template;
                row->has_template = c->has_template;
                row->confidence = c->confidence;
                row->block_min = c->block_min;
                row->block_max = c->block_max;
                row->unreferenced = v->there ? row->unreferenced : c->unreferenced;
        }
        v->there = true;
        v->count += c->count;
        v->bytes += c->bytes;
        v->resident += c->resident;
        v->leaked += c->leak_bytes;
}

/* What says that two clusters are one. A place in a module that was built anew may be another thing now: there the signature
 * says nothing. 0: it has no such key. */
static enum cs_status signature_key(const struct joiner *j, const struct cs_snapshot_cluster *c,
                                    uint64_t *key, struct cs_error *err)
{
        *key = 0;
        if (!c->signature)
                return CS_OK;
        if (!c->has_template && j->n_modules) {
                const char *masked = cs_names_masked(&j->g->pool, c->what, j->modules, j->n_modules);
                if (!masked)
                        return cs_fail(err, CS_ENOMEM, "comparison");
                if (masked != c->what && strstr(c->what, "+0x"))
                        return CS_OK;
        }
        *key = with(1, hash(c->signature)) | 1;
        return CS_OK;
}

/* One row for each signature. */
static enum cs_status rows_by_signature(struct joiner *j, struct cs_error *err)
{
        cs_join_key_vec keys = { 0 };
        CS_VEC(const struct cs_snapshot_cluster *) all = { 0 };
        CS_VEC(size_t) from = { 0 };
        enum cs_status st = CS_OK;
        for (size_t s = 0; st == CS_OK && s < j->g->n_snapshots; s++)
                for (size_t i = 0; st == CS_OK && i < j->g->snapshots[s]->n_clusters; i++) {
                        const struct cs_snapshot_cluster *c = &j->g->snapshots[s]->clusters[i];
                        struct cs_join_key key = { 0, all.n };
                        if ((st = signature_key(j, c, &key.key, err)) == CS_OK &&
                            (st = cs_vec_push(&keys, key, err)) == CS_OK &&
                            (st = cs_vec_push(&all, c, err)) == CS_OK)
                                st = cs_vec_push(&from, s, err);
                }
        if (keys.n)
                qsort(keys.at, keys.n, sizeof(*keys.at), by_key);
        for (size_t i = 0; st == CS_OK && i < keys.n; i++) {
                bool begins = i == 0 || !keys.at[i].key || keys.at[i].key != keys.at[i - 1].key;
                if (begins && (st = cs_join_row(j->g, &j->rows, err)) != CS_OK)
                        break;
                fill_cluster(&j->rows.at[j->rows.n - 1], from.at[keys.at[i].row], all.at[keys.at[i].row]);
        }
        cs_vec_deinit(&keys);
        cs_vec_deinit(&all);
        cs_vec_deinit(&from);
        return st;
}

/* Texts by template, the others by kind, name and, unless an upgrade may have changed them, sizes. 0: it is not asked for. */
static enum cs_status name_key(struct joiner *j, const struct cs_growth_row *row, bool sized, uint64_t *key,
                               struct cs_error *err)
{
        *key = 0;
        if (row->has_template) {
                *key = sized ? with(2, XXH3_64bits(row->template.bytes, row->template.len)) | 1 : 0;
                return CS_OK;
        }
        const char *what = cs_names_masked(&j->g->pool, row->what, j->modules, j->n_modules);
        const char *stem = row->library ? cs_names_stem(&j->g->pool, row->library) : "";
        if (!what || !stem)
                return cs_fail(err, CS_ENOMEM, "comparison");
        uint64_t made = with(with(3, hash(row->kind)), hash(what));
        if (sized)
                *key = with(with(made, row->block_min), row->block_max) | 1;
        else if (what != row->what || is_upgraded(j, row->library))
                *key = with(with(made, 4), hash(stem)) | 1;
        return CS_OK;
}

static enum cs_status merge_by_name(struct joiner *j, bool texts, bool sized, struct cs_error *err)
{
        cs_join_key_vec keys = { 0 };
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < j->rows.n; i++) {
                const struct cs_growth_row *row = &j->rows.at[i];
                uint64_t key;
                if (!row->what || row->has_template != texts || !cs_join_is_part(j->g, row))
                        continue;
                if ((st = name_key(j, row, sized, &key, err)) == CS_OK && key)
                        st = cs_vec_push(&keys, ((struct cs_join_key){ key, i }), err);
        }
        if (st == CS_OK)
                st = cs_join_merge(j->g, &j->rows, &keys, texts ? CS_JOINED_TEMPLATE : CS_JOINED_NAME, true,
                                   err);
        cs_vec_deinit(&keys);
        return st;
}

enum cs_status cs_join_clusters(struct cs_growth *g, struct cs_error *err)
{
        struct joiner j = { .g = g };
        collect_upgraded(&j);
        enum cs_status st = rows_by_signature(&j, err);
        if (st == CS_OK && (st = merge_by_name(&j, true, true, err)) == CS_OK &&
            (st = merge_by_name(&j, false, true, err)) == CS_OK && j.n_modules)
                st = merge_by_name(&j, false, false, err);
        for (size_t s = 0; st == CS_OK && s < g->n_snapshots; s++) {
                const struct cs_snapshot *here = g->snapshots[s];
                uint64_t least = UINT64_MAX;
                for (size_t i = 0; i < here->n_clusters; i++)
                        least = here->clusters[i].resident < least ? here->clusters[i].resident : least;
                mark_unlisted(&j.rows, s, &here->clusters_left, least, here->has_clusters);
        }
        for (size_t i = 0; st == CS_OK && i < j.rows.n; i++)
                if (equal(j.rows.at[i].was, j.rows.at[i].library))
                        j.rows.at[i].was = NULL;
        if (st == CS_OK)
                return cs_join_finish(g, &j.rows, &g->clusters, err);
        cs_vec_deinit(&j.rows);
        return st;
}
