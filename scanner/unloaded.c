/* SPDX-License-Identifier: Apache-2.0 */
#include "unloaded.h"

#include "cs_limits.h"
#include "leftovers.h"

#include <inttypes.h>
#include <string.h>

enum {
        SAMPLES = 16,     /* blocks of a kind that must agree */
        LEAST = 4,        /* blocks: fewer may agree by accident */
        SPAN = 4 << 10,   /* bytes of a block that are looked at: objects hold other objects */
        CANDIDATES = 16,  /* words of one kind that may be such pointers */
        NEAR = 256 << 20, /* libraries are mapped near to each other */
        MODULES_MOST = 1 << 10,
};

/* A vtable of a library that is known to have been there, and a word that may be one. */
static const double NAMED = 0.85, GUESSED = 0.30;

struct suspect {
        uint32_t cluster;
        uint32_t offset;
        uint64_t target;
};

struct finder {
        const struct cs_unloaded_input *in;
        struct cs_view view;
        CS_VEC(struct suspect) suspects;
        cs_leftover_vec left;
        struct cs_unloaded *out;
        struct cs_error *err;
};

static void finder_deinit(struct finder *f)
{
        cs_view_deinit(&f->view);
        cs_vec_deinit(&f->suspects);
        cs_leftovers_deinit(&f->left);
}

/* ---- words that lead nowhere ------------------------------------------------------------------------------------- */

/* Where libraries are, nothing is. Programs that are not position-independent lie below 4 GiB, where numbers do, too. */
static bool leads_nowhere(const struct cs_space *space, uint64_t value)
{
        return value >> 32 && !(value >> 47) && cs_space_at(space, value).kind == CS_SPACE_NONE;
}

/* The words of the first block that lead nowhere, then those that the others have in the same place. */
static size_t common_words(struct finder *f, uint32_t cluster, struct suspect found[static CANDIDATES])
{
        uint32_t sample[SAMPLES];
        size_t n = cs_members_sample(f->in->members, cluster, SAMPLES, sample), kept = 0;
        for (size_t i = 0; i < n && (i == 0 || kept); i++) {
                struct cs_block block = cs_blocks_get(f->in->blocks, sample[i]);
                struct cs_range payload = cs_block_payload(&block);
                size_t size = cs_range_size(payload) < SPAN ? (size_t)cs_range_size(payload) : SPAN, got,
                       left = 0;
                const uint8_t *at = cs_view_whole(&f->view, payload.start, size, &got);
                for (size_t k = 0; !i && at && k + 8 <= got && kept < CANDIDATES; k += 8)
                        if (leads_nowhere(f->in->space, cs_word(at + k)))
                                found[kept++] = (struct suspect){ cluster, (uint32_t)k, cs_word(at + k) };
                for (size_t k = 0; i && k < kept; k++)
                        if (at && found[k].offset + 8 <= got &&
                            cs_word(at + found[k].offset) == found[k].target)
                                found[left++] = found[k];
                kept = i ? left : kept;
        }
        return kept;
}

static enum cs_status find_suspects(struct finder *f)
{
        const struct cs_clusters *clusters = f->in->clusters;
        enum cs_status st = CS_OK;
        for (uint32_t c = 0; st == CS_OK && c < clusters->at.n; c++) {
                struct suspect found[CANDIDATES];
                /* What points into a module has a better owner. */
                size_t n = clusters->at.at[c].kind == CS_CLUSTER_SHAPE ? common_words(f, c, found) : 0;
                for (size_t i = 0; st == CS_OK && i < n; i++)
                        st = cs_vec_push(&f->suspects, found[i], f->err);
        }
        return st;
}

/* ---- whose they are ---------------------------------------------------------------------------------------------- */

/* Between which mappings nothing is. */
static struct cs_range gap_at(const struct cs_image *image, uint64_t addr)
{
        size_t i = cs_image_mapping_behind(image, addr);
        struct cs_range gap = { i ? image->mappings.at[i - 1].range.end : 0,
                                i < image->mappings.n ? image->mappings.at[i].range.start : UINT64_MAX };
        return gap;
}

static bool library_near(const struct cs_image *image, uint64_t addr)
{
        for (size_t i = 0; i < image->modules.n; i++) {
                const struct cs_module *m = &image->modules.at[i];
                uint64_t away = addr < m->range.start ? m->range.start - addr : addr - m->range.end;
                if (!m->main && away < NEAR)
                        return true;
        }
        return false;
}

static enum cs_status add_module(struct finder *f, struct cs_range range, const struct cs_leftover *left,
                                 uint32_t *out)
{
        struct cs_unloaded_module m = { .range = range,
                                        .named = left != NULL,
                                        .trust = left ? NAMED : GUESSED };
        const char *name = left && *left->name ? left->name : NULL;
        *out = (uint32_t)f->out->modules.n;
        m.name = name ? cs_pool_printf(&f->out->pool, left->whole ? "%s (unloaded)" : "%s… (unloaded)", name)
                      : cs_pool_printf(&f->out->pool, "unloaded module at 0x%" PRIx64, range.start);
        if (!m.name)
                return cs_fail(f->err, CS_ENOMEM, "unloaded modules");
        return cs_vec_push(&f->out->modules, m, f->err);
}

/* The number of the module that was at the target; *found is false where none can be believed to have been there. */
static enum cs_status module_of(struct finder *f, const struct suspect *s, uint32_t *module, bool *found)
{
        const struct cs_leftover *left = cs_leftover_at(&f->left, s->target);
        struct cs_range gap = gap_at(f->in->image, s->target);
        *found = true;
        for (uint32_t i = 0; i < f->out->modules.n; i++) {
                struct cs_unloaded_module *m = &f->out->modules.at[i];
                if (m->named ? cs_range_has(m->range, s->target)
                             : !left && cs_range_has(gap, m->range.start)) {
                        *module = i;
                        return CS_OK;
                }
        }
        /* Without a name: an object begins with its vtable, and many have it. */
        *found = f->out->modules.n < MODULES_MOST &&
                 (left || (s->offset == 0 && s->target % 8 == 0 && library_near(f->in->image, s->target) &&
                           f->in->clusters->at.at[s->cluster].count >= LEAST));
        if (!*found)
                return CS_OK;
        uint64_t page = cs_page_down(s->target);
        return left ? add_module(f, left->range, left, module)
                    : add_module(f, (struct cs_range){ page, page + CS_PAGE }, NULL, module);
}

static int by_target(const void *a, const void *b)
{
        const struct suspect *x = a, *y = b;
        if (x->target != y->target)
                return x->target < y->target ? -1 : 1;
        return x->cluster < y->cluster ? -1 : x->cluster > y->cluster;
}

/* By cluster; of one, what has a name first. */
static int by_cluster(const void *a, const void *b, void *context)
{
        const struct cs_unloaded_kind *x = a, *y = b;
        const struct cs_unloaded *u = context;
        bool named = u->modules.at[x->module].named;
        if (x->cluster != y->cluster)
                return x->cluster < y->cluster ? -1 : 1;
        if (named != u->modules.at[y->module].named)
                return named ? -1 : 1;
        return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Of several words of one kind the best stays. */
static void keep_best(struct cs_unloaded *u)
{
        size_t kept = 0;
        if (u->kinds.n)
                qsort_r(u->kinds.at, u->kinds.n, sizeof(*u->kinds.at), by_cluster, u);
        for (size_t i = 0; i < u->kinds.n; i++)
                if (!kept || u->kinds.at[kept - 1].cluster != u->kinds.at[i].cluster)
                        u->kinds.at[kept++] = u->kinds.at[i];
        u->kinds.n = kept;
}

static enum cs_status name_suspects(struct finder *f)
{
        enum cs_status st = CS_OK;
        qsort(f->suspects.at, f->suspects.n, sizeof(*f->suspects.at), by_target);
        for (size_t i = 0; st == CS_OK && i < f->suspects.n; i++) {
                const struct suspect *s = &f->suspects.at[i];
                struct cs_unloaded_kind kind = { .cluster = s->cluster,
                                                 .offset = s->offset,
                                                 .target = s->target };
                bool found;
                st = module_of(f, s, &kind.module, &found);
                if (st != CS_OK || !found)
                        continue;
                st = cs_vec_push(&f->out->kinds, kind, f->err);
        }
        keep_best(f->out);
        return st;
}

enum cs_status cs_unloaded_find(const struct cs_unloaded_input *in, struct cs_unloaded *out,
                                struct cs_error *err)
{
        cs_cleanup(finder_deinit) struct finder f = { .in = in, .out = out, .err = err };
        cs_view_init_hopping(&f.view, in->image->source);
        enum cs_status st = find_suspects(&f);
        if (st != CS_OK || !f.suspects.n)
                return st;
        st = cs_leftovers_find(in->image, in->blocks, &f.left, &out->limited, err);
        return st == CS_OK ? name_suspects(&f) : st;
}

void cs_unloaded_deinit(struct cs_unloaded *unloaded)
{
        cs_vec_deinit(&unloaded->modules);
        cs_vec_deinit(&unloaded->kinds);
        cs_pool_deinit(&unloaded->pool);
}

const char *cs_unloaded_name(const struct cs_image *image, const struct cs_unloaded *unloaded, size_t module)
{
        if (module < image->modules.n)
                return image->modules.at[module].name;
        module -= image->modules.n;
        return unloaded && module < unloaded->modules.n ? unloaded->modules.at[module].name : NULL;
}
