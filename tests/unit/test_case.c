/* SPDX-License-Identifier: Apache-2.0 */
/* One address's case: what is there, who points there, how it is held, what it retains. Cases are drawings of blocks and
 * arrows, where they can be. */
#include "case.h"
#include "describe.h"
#include "fake_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA (FAKE_LIBC + FAKE_ARENA)

enum { HEAP_BYTES = 0x10000, SIZE = 0x60, BLOCKS = 12 };

/* A process, and what the report would say of its clusters. */
struct world {
        struct fake_process *p;
        uint64_t at;
        struct cs_regions regions;
        struct cs_pool pool;
        struct cs_report_cluster *named;
        struct cs_case c;
};

static int set_up(void **state)
{
        struct world *w = calloc(1, sizeof(*w));
        if (!w)
                return -1;
        *state = w;
        w->p = fake_create();
        w->at = FAKE_HEAP;
        return 0;
}

static int tear_down(void **state)
{
        struct world *w = *state;
        cs_regions_deinit(&w->regions);
        cs_pool_deinit(&w->pool);
        free(w->named);
        fake_destroy(w->p);
        free(w);
        return 0;
}

static void relate(struct world *w, unsigned workers)
{
        struct fake_process *p = w->p;
        fake_open(p);
        fake_relate(p, workers);
        struct cs_regions_input regions = {
                p->image, p->symbols, &p->heaps, &p->claims, p->residency, false
        };
        assert_int_equal(cs_regions_build(&regions, &w->regions, NULL), CS_OK);
        struct cs_describe d = { p->image,           p->symbols,  p->space,  &p->heaps.blocks,
                                 &p->clusters,       &p->members, &p->graph, &p->leaks,
                                 p->owners.clusters, &w->pool,    NULL,      NULL };
        w->named = calloc(p->clusters.at.n + 1, sizeof(*w->named));
        assert_non_null(w->named);
        for (uint32_t i = 0; i < p->clusters.at.n; i++)
                assert_int_equal(cs_describe_cluster(&d, i, &w->named[i], NULL), CS_OK);
        w->c = (struct cs_case){ .image = p->image,
                                 .symbols = p->symbols,
                                 .space = p->space,
                                 .heaps = &p->heaps,
                                 .regions = &w->regions,
                                 .clusters = &p->clusters,
                                 .members = &p->members,
                                 .graph = &p->graph,
                                 .claims = &p->claims,
                                 .labels = &p->owners.blocks,
                                 .named = w->named,
                                 .workers = workers,
                                 .pool = &w->pool };
}

static const struct cs_report_case *look(const struct world *w, uint64_t address)
{
        struct cs_report_case *r = NULL;
        struct cs_error err = { 0 };
        if (cs_case_at(&w->c, address, &r, &err) != CS_OK)
                fail_msg("%s", err.text);
        assert_true(r->place.address == address);
        return r;
}

static const struct cs_report_case *refs(const struct world *w, uint64_t address, unsigned depth)
{
        struct cs_report_case *r = NULL;
        assert_int_equal(cs_case_refs(&w->c, address, depth, &r, NULL), CS_OK);
        for (size_t i = 0; i < r->n_groups; i++) {
                const struct cs_report_group *g = &r->groups[i];
                uint64_t places = g->elsewhere + g->unread;
                assert_int_equal(g->id, i + 1);
                assert_true(g->parent < g->id);
                assert_int_equal(g->level, g->parent ? r->groups[g->parent - 1].level + 1 : 1);
                for (size_t k = 0; k < g->n_places; k++)
                        places += g->places[k].count;
                assert_true(places == (g->blocks ? g->references : 0));
        }
        return r;
}

/* ---- drawings ---------------------------------------------------------------------------------------------------- */

/* "ab" is an arrow from block a to block b, "*a" one from a module's data. Of the block `of`: its referrers, the words of
 * roots, the blocks it retains, and its shortest chain from its end to what points at it ("*" a root). */
struct drawing {
        const char *what, *arrows;
        char of;
        size_t referrers, slots, retains;
        const char *chain; /* NULL: none */
};

static void draw(struct world *w, const char *arrows, size_t n, uint64_t *user)
{
        uint64_t root = FAKE_APP + FAKE_DATA;
        size_t used[BLOCKS] = { 0 };
        fake_heap(w->p, HEAP_BYTES);
        for (size_t i = 0; i < n; i++)
                user[i] = fake_object(w->p, &w->at, SIZE, NULL, 0);
        fake_top(w->p, ARENA, w->at, FAKE_HEAP + HEAP_BYTES);
        for (const char *a = arrows; *a; a += a[2] ? 3 : 2) {
                size_t to = (size_t)(a[1] - 'a');
                if (a[0] == '*') {
                        fake_put(w->p, root, user[to]);
                        root += 8;
                } else {
                        size_t from = (size_t)(a[0] - 'a');
                        fake_put(w->p, user[from] + 8 * used[from]++, user[to]);
                }
        }
}

static void chain_text(const struct cs_report_case *r, const uint64_t *user, size_t n, char *text)
{
        size_t used = 0;
        for (size_t i = r->n_chains ? r->chains[0].n_links : 0; i-- > 0;) {
                const struct cs_report_link *l = &r->chains[0].links[i];
                size_t k = 0;
                while (k < n && user[k] != l->address)
                        k++;
                text[used++] = l->root ? '*' : k < n ? (char)('a' + k) : '?';
        }
        text[used] = '\0';
}

static void check_drawing(const struct drawing *t, unsigned workers)
{
        void *state = NULL;
        uint64_t user[BLOCKS];
        char chain[BLOCKS + 2];
        const size_t n = 6;
        assert_int_equal(set_up(&state), 0);
        struct world *w = state;
        draw(w, t->arrows, n, user);
        relate(w, workers);
        const struct cs_report_case *r = look(w, user[t->of - 'a']);
        if (r->referrers != t->referrers || r->slots != t->slots)
                fail_msg("%s: %zu referrers, %zu root words", t->what, (size_t)r->referrers,
                         (size_t)r->slots);
        if (r->block->retains != t->retains || r->block->retained_bytes != t->retains * SIZE)
                fail_msg("%s: retains %zu blocks, %zu bytes", t->what, (size_t)r->block->retains,
                         (size_t)r->block->retained_bytes);
        chain_text(r, user, n, chain);
        if (strcmp(chain, t->chain ? t->chain : "") != 0)
                fail_msg("%s: chain is '%s', not '%s'", t->what, chain, t->chain ? t->chain : "");
        bool kept = t->chain && t->chain[0] == '*';
        assert_int_equal(r->block->reached, kept);
        assert_int_equal(r->block->leak == CS_LEAK_NONE, kept);
        if (r->n_chains)
                assert_int_equal(r->chains[0].to_head, !kept);
        (void)refs(w, user[t->of - 'a'], 5);
        tear_down(&state);
}

static void test_drawings(void **state)
{
        (void)state;
        static const struct drawing drawings[] = {
                { "kept by a root", "*a", 'a', 0, 1, 1, "*" },
                { "kept by two words", "*a *a", 'a', 0, 2, 1, "*" },
                { "nothing", "", 'a', 0, 0, 1, NULL },
                { "list", "*a ab bc", 'c', 1, 0, 1, "*ab" },
                { "list, its first", "*a ab bc", 'a', 0, 1, 3, "*" },
                { "list, its middle", "*a ab bc", 'b', 1, 0, 2, "*a" },
                { "two ways: the shorter one", "*a ab bc *d dc", 'c', 2, 0, 1, "*d" },
                { "shared: retains nothing of it", "*a *b ac bc cd", 'a', 0, 1, 1, "*" },
                { "shared below: the diamond's top retains all", "*a ab ac bd cd", 'a', 0, 1, 4, "*" },
                { "the diamond's side retains itself", "*a ab ac bd cd", 'b', 1, 0, 1, "*a" },
                { "held by its child as well: no chain goes through the block", "*a ab ba", 'a', 1, 1, 2,
                  "*" },
                { "lost head", "ab bc", 'a', 0, 0, 3, NULL },
                { "hangs on a lost head", "ab bc", 'c', 1, 0, 1, "ab" },
                { "held by a lost and a kept one", "*a ac bc", 'c', 2, 0, 1, "*a" },
                { "a ring's other member", "ab ba", 'b', 1, 0, 2, "a" },
                { "a ring, its head", "ab ba", 'a', 1, 0, 2, NULL },
                { "points at itself", "*a aa", 'a', 0, 1, 1, "*" },
                { "everything points at it", "*a ab cb db eb fb", 'b', 5, 0, 1, "*a" },
        };
        for (size_t i = 0; i < sizeof(drawings) / sizeof(drawings[0]); i++)
                for (unsigned workers = 1; workers <= 2; workers++)
                        check_drawing(&drawings[i], workers);
}

/* A list of many blocks: the chain's middle is left out, and counted; the last is held by all of them. */
static void test_long_chain(void **state)
{
        struct world *w = *state;
        enum { LONG = 50000, BYTES = LONG * 0x20 + 0x1000 };
        uint64_t first = 0, last = 0, before = 0;
        fake_heap(w->p, (BYTES + 0xfff) & ~0xfff);
        for (size_t i = 0; i < LONG; i++) {
                before = fake_object(w->p, &w->at, 0x20, &before, 1);
                last = last ? last : before;
        }
        first = before;
        fake_top(w->p, ARENA, w->at, FAKE_HEAP + ((BYTES + 0xfff) & ~0xfff));
        fake_put(w->p, FAKE_APP + FAKE_DATA + 0x40, first);
        relate(w, 2);
        const struct cs_report_case *r = look(w, last);
        assert_int_equal(r->n_chains, 1);
        const struct cs_report_chain *chain = &r->chains[0];
        assert_int_equal(chain->n_links + chain->left_out, LONG - 1 + 1);
        assert_true(chain->n_links < 32 && chain->left_at < chain->n_links);
        assert_true(chain->links[0].address == last + 0x20);
        assert_true(chain->links[chain->n_links - 2].address == first);
        assert_true(chain->links[chain->n_links - 1].root);
        assert_true(chain->links[chain->n_links - 1].address == FAKE_APP + FAKE_DATA + 0x40);
        r = look(w, first);
        assert_int_equal(r->block->retains, LONG);
        /* As deep as can be asked for: a group of one block on each level. */
        r = refs(w, last, CS_CASE_DEPTH_MOST);
        assert_int_equal(r->groups[r->n_groups - 1].level, CS_CASE_DEPTH_MOST);
}

/* Many that point at one are one group, with their offsets. */
static void test_crowd(void **state)
{
        struct world *w = *state;
        enum { CROWD = 20000, BYTES = CROWD * 0x40 + 0x2000 };
        uint64_t class = fake_class(w->p, FAKE_WIDGET, "6Widget"), hub;
        fake_heap(w->p, (BYTES + 0xfff) & ~0xfff);
        hub = fake_object(w->p, &w->at, 0x100, NULL, 0);
        for (size_t i = 0; i < CROWD; i++)
                (void)fake_object(w->p, &w->at, 0x40,
                                  (uint64_t[]){ class, i % 10 ? hub : 0, i % 10 ? i : hub + 8 }, 3);
        fake_top(w->p, ARENA, w->at, FAKE_HEAP + ((BYTES + 0xfff) & ~0xfff));
        relate(w, 2);
        const struct cs_report_case *r = look(w, hub);
        assert_int_equal(r->referrers, CROWD);
        assert_int_equal(r->n_groups, 1);
        const struct cs_report_group *g = &r->groups[0];
        assert_int_equal(g->blocks, CROWD);
        assert_int_equal(g->references, CROWD);
        assert_string_equal(g->library, "libwidget.so.1");
        assert_string_equal(g->what, "Widget");
        assert_int_equal(g->n_places, 2);
        assert_int_equal(g->places[0].offset, 8);
        assert_true(g->places[0].count > 8 * g->places[1].count &&
                    g->places[0].count < 10 * g->places[1].count);
        assert_int_equal(g->places[1].offset, 16);
        assert_int_equal(g->places[0].count + g->places[1].count + g->unread, CROWD);
        assert_int_equal(g->n_examples, CS_GROUP_EXAMPLES);
        assert_true(g->unread > 0);
        assert_int_equal(r->n_notes, 1); /* which says so */
}

/* ---- the tree ---------------------------------------------------------------------------------------------------- */

/* Objects of two classes in a ring: the tree says that it comes back, and ends. */
static void test_cycle(void **state)
{
        struct world *w = *state;
        uint64_t a = fake_class(w->p, FAKE_WIDGET, "1A"), b = fake_class(w->p, FAKE_APP, "1B");
        fake_heap(w->p, HEAP_BYTES);
        uint64_t first = w->at + 16, second = first + SIZE, third = second + SIZE;
        (void)fake_object(w->p, &w->at, SIZE, (uint64_t[]){ a, second }, 2);
        (void)fake_object(w->p, &w->at, SIZE, (uint64_t[]){ b, third }, 2);
        (void)fake_object(w->p, &w->at, SIZE, (uint64_t[]){ b, 0, second, first }, 4);
        fake_top(w->p, ARENA, w->at, FAKE_HEAP + HEAP_BYTES);
        relate(w, 1);
        /* third <- second <- { first (again: none yet), third: the block itself } */
        const struct cs_report_case *r = refs(w, third, 10);
        assert_int_equal(r->n_groups, 4);
        assert_string_equal(r->groups[0].what, "B");
        assert_int_equal(r->groups[0].level, 1);
        bool itself = false, again = false;
        for (size_t i = 1; i < r->n_groups; i++) {
                const struct cs_report_group *g = &r->groups[i];
                itself |= g->again && g->cycle && g->same == 0 && g->level == 2 && g->places[0].offset == 16;
                again |= g->again && g->cycle && g->same == 0 && g->level == 3 && g->places[0].offset == 24;
        }
        assert_true(itself && again);
}

static void test_levels(void **state)
{
        struct world *w = *state;
        uint64_t user[BLOCKS];
        draw(w, "*a ab bc cd", 4, user);
        relate(w, 1);
        for (unsigned depth = 1; depth <= 5; depth++) {
                const struct cs_report_case *r = refs(w, user[3], depth);
                size_t blocks = 0, roots = 0;
                for (size_t i = 0; i < r->n_groups; i++) {
                        blocks += r->groups[i].blocks;
                        roots += r->groups[i].blocks == 0;
                }
                assert_int_equal(blocks, depth < 3 ? depth : 3);
                assert_int_equal(roots, depth >= 4);
                assert_int_equal(r->depth, depth);
        }
        assert_null(refs(w, user[3], 1)->dump);
}

/* More kinds of referrers than are shown: the rest is counted. */
static void test_left_out(void **state)
{
        struct world *w = *state;
        enum { KINDS = 20 };
        fake_heap(w->p, HEAP_BYTES);
        uint64_t hub = fake_object(w->p, &w->at, 0x100, NULL, 0), shown = 0;
        for (uint64_t i = 0; i < KINDS; i++)
                (void)fake_object(w->p, &w->at, 0x40 + 0x20 * i, &hub, 1);
        fake_top(w->p, ARENA, w->at, FAKE_HEAP + HEAP_BYTES);
        relate(w, 1);
        const struct cs_report_case *r = refs(w, hub, 2);
        for (size_t i = 0; i < r->n_groups; i++)
                shown += r->groups[i].references;
        assert_int_equal(r->referrers, KINDS);
        assert_int_equal(shown + r->left_references, KINDS);
        assert_true(r->n_groups > 1 && r->left_groups == KINDS - r->n_groups);
}

/* ---- roots ------------------------------------------------------------------------------------------------------- */

static void test_roots(void **state)
{
        struct world *w = *state;
        static const struct {
                uint64_t address;
                const char *name;
        } want[] = {
                { FAKE_APP + FAKE_BSS + 0x48, "table+0x8" },
                { FAKE_WIDGET + FAKE_DATA + 0x60, "libwidget.so.1+0x3060" },
                { FAKE_STACK + FAKE_SP + 0x20, "main stack, sp+0x20" },
                { 12, "rdx of thread 4711" },
        };
        fake_export(w->p, FAKE_APP, "table", FAKE_BSS + 0x40, 0x20);
        fake_heap(w->p, HEAP_BYTES);
        uint64_t user = fake_object(w->p, &w->at, SIZE, NULL, 0);
        fake_top(w->p, ARENA, w->at, FAKE_HEAP + HEAP_BYTES);
        for (size_t i = 0; i < 3; i++)
                fake_put(w->p, want[i].address, user + 8 * i);
        w->p->registers[12] = user;
        relate(w, 2);
        const struct cs_report_case *r = look(w, user);
        assert_int_equal(r->slots, 4);
        assert_int_equal(r->n_groups, 4);
        assert_true(r->block->from_root);
        for (size_t i = 0; i < 4; i++) {
                bool found = false;
                for (size_t k = 0; k < r->n_groups; k++) {
                        const struct cs_report_group_example *e = &r->groups[k].examples[0];
                        if (e->address != want[i].address)
                                continue;
                        found = true;
                        if (!strstr(e->name, want[i].name))
                                fail_msg("%s, not %s", e->name, want[i].name);
                }
                assert_true(found);
        }
}

/* ---- owners -------------------------------------------------------------------------------------------------- */

static bool speaks(const struct cs_report_held *b, const char *kind, int64_t offset, const char *symbol)
{
        for (size_t i = 0; i < b->n_evidence; i++) {
                const struct cs_report_evidence *e = &b->evidence[i];
                if (strcmp(e->kind, kind) == 0 && e->offset == offset && strstr(e->symbol, symbol))
                        return strcmp(e->module, b->library) == 0;
        }
        return false;
}

/* What speaks for the owner of a block is of that block, also where its likes are somebody else's. */
static void test_evidence(void **state)
{
        struct world *w = *state;
        uint64_t class = fake_class(w->p, FAKE_WIDGET, "6Widget"), other = fake_class(w->p, FAKE_APP, "3App");
        uint64_t text[2], parent[2];
        fake_export(w->p, FAKE_APP, "table", FAKE_BSS + 0x40, 0x20);
        fake_heap(w->p, HEAP_BYTES);
        for (size_t i = 0; i < 2; i++) {
                text[i] = fake_text(w->p, &w->at, 0x40, i ? "order 1234 for you" : "order 5678 for you");
                parent[i] = fake_object(w->p, &w->at, SIZE, (uint64_t[]){ i ? other : class, 0, text[i] }, 3);
        }
        fake_put(w->p, FAKE_APP + FAKE_BSS + 0x50, parent[1]);
        fake_put(w->p, FAKE_APP + FAKE_BSS + 0x90, parent[0]);
        fake_top(w->p, ARENA, w->at, FAKE_HEAP + HEAP_BYTES);
        relate(w, 1);
        const struct cs_report_held *b = look(w, parent[0])->block;
        assert_string_equal(b->library, "libwidget.so.1");
        assert_true(speaks(b, "vtable", 0, "vtable for Widget"));
        assert_false(speaks(b, "static-root", -1, ""));
        b = look(w, parent[1])->block;
        assert_string_equal(b->library, "app");
        assert_true(speaks(b, "vtable", 0, "vtable for App"));
        assert_true(speaks(b, "static-root", -1, "table+0x10"));
        /* The texts are of one cluster. */
        for (size_t i = 0; i < 2; i++) {
                b = look(w, text[i])->block;
                assert_string_equal(b->cluster, look(w, text[0])->block->cluster);
                assert_string_equal(b->library, i ? "app" : "libwidget.so.1");
                assert_true(speaks(b, "referrer", 16, "c"));
        }
}

/* ---- other ways to keep an address ------------------------------------------------------------------------------ */

/* What live memory names in another form may be in use; what only freed memory names is lost. */
static void test_other_names(void **state)
{
        struct world *w = *state;
        fake_heap(w->p, HEAP_BYTES);
        uint64_t doubled = fake_object(w->p, &w->at, 0x100, NULL, 0);
        uint64_t stale = fake_object(w->p, &w->at, 0x140, NULL, 0), chunk = w->at;
        (void)fake_object(w->p, &w->at, SIZE, (uint64_t[]){ 0, 0, 0, 0, stale }, 5);
        (void)fake_object(w->p, &w->at, SIZE, NULL, 0);
        fake_top(w->p, ARENA, w->at, FAKE_HEAP + HEAP_BYTES);
        fake_free(w->p, chunk);
        fake_put(w->p, FAKE_APP + FAKE_DATA, 2 * doubled + 1);
        relate(w, 1);
        const struct cs_report_held *b = look(w, doubled)->block;
        assert_int_equal(b->leak, CS_LEAK_POSSIBLE);
        assert_false(b->reached || b->stale);
        b = look(w, stale)->block;
        assert_int_equal(b->leak, CS_LEAK_DIRECT);
        assert_true(b->stale && !b->reached);
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

static void test_places(void **state)
{
        struct world *w = *state;
        fake_export(w->p, FAKE_APP, "table", FAKE_BSS + 0x40, 0x20);
        fake_map(w->p, UINT64_C(0x7f5000000000), 0x2000, PF_R | PF_W);
        fake_heap(w->p, HEAP_BYTES);
        uint64_t used = fake_object(w->p, &w->at, SIZE, NULL, 0), freed_chunk = w->at;
        uint64_t freed = fake_object(w->p, &w->at, SIZE, NULL, 0);
        (void)fake_object(w->p, &w->at, SIZE, NULL, 0);
        fake_top(w->p, ARENA, w->at, FAKE_HEAP + HEAP_BYTES);
        fake_free(w->p, freed_chunk);
        relate(w, 1);
        const struct {
                uint64_t address;
                const char *what, *kind, *state;
        } cases[] = {
                { used, "the start of a block in use", "malloc-used", "in-use" },
                { used + 9, "9 bytes into a block in use", "malloc-used", "in-use" },
                { used - 8, "the header (malloc's own) of a block in use", "malloc-used", "in-use" },
                { freed + 1, "1 bytes into a freed block", "malloc-used", "free" },
                { w->at + 0x100, "240 bytes into the end of a heap", "malloc-free", "top" },
                { FAKE_APP + FAKE_TEXT, "code of app", "module-code", NULL },
                { FAKE_APP + FAKE_BSS + 0x48, "static variables", "module-data", NULL },
                { FAKE_STACK + FAKE_SP + 16, "main stack, 0x10 bytes above its stack pointer", "stack",
                  NULL },
                { FAKE_STACK, "main stack, 0x2000 bytes below its stack pointer", "stack", NULL },
                { UINT64_C(0x7f5000000008), "anonymous memory that no allocator", "anonymous", NULL },
                { FAKE_APP + FAKE_MODULE + 5, "nothing is mapped there: memory ends at 0x555500006000", NULL,
                  NULL },
                { 0, "nothing is mapped there: the lowest memory", NULL, NULL },
                { UINT64_MAX, "nothing is mapped there: the highest memory", NULL, NULL },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct cs_report_case *r = look(w, cases[i].address);
                if (strncmp(r->place.what, cases[i].what, strlen(cases[i].what)) != 0)
                        fail_msg("%s, not: %s", r->place.what, cases[i].what);
                assert_int_equal(r->place.kind != NULL, cases[i].kind != NULL);
                if (cases[i].kind)
                        assert_string_equal(r->place.kind, cases[i].kind);
                assert_int_equal(r->block != NULL, cases[i].state != NULL);
                if (cases[i].state)
                        assert_string_equal(r->block->state, cases[i].state);
                assert_int_equal(r->dump != NULL, cases[i].kind != NULL);
                assert_null(r->place.gap);
                const struct cs_report_case *tree = refs(w, cases[i].address, 2);
                assert_int_equal(tree->n_groups, 0);
        }
        const struct cs_report_place *p = &look(w, FAKE_APP + FAKE_BSS + 0x48)->place;
        assert_string_equal(p->symbol, "table+0x8");
        assert_string_equal(p->module, "app");
        assert_int_equal(p->module_offset, FAKE_BSS + 0x48);
        assert_null(
                look(w, FAKE_APP + FAKE_BSS + 0x60)->place.symbol); /* behind it: the nearest is no answer */
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static const struct cs_report_word *word_at(const struct cs_report_case *r, uint64_t offset)
{
        for (size_t i = 0; i < r->dump->n_words; i++)
                if (r->dump->words[i].offset == offset)
                        return &r->dump->words[i];
        fail_msg("no word at +%zu", (size_t)offset);
        return NULL;
}

static void expect_word(const struct cs_report_case *r, uint64_t offset, const char *kind, const char *note)
{
        const struct cs_report_word *word = word_at(r, offset);
        assert_string_equal(word->kind, kind);
        if (!word->note || !strstr(word->note, note))
                fail_msg("+%zu: %s, not: %s", (size_t)offset, word->note ? word->note : "no note", note);
}

static void test_words(void **state)
{
        struct world *w = *state;
        uint64_t class = fake_class(w->p, FAKE_WIDGET, "6Widget");
        double number = 2.5;
        uint64_t words[16] = { class,
                               w->at + 16 + 8,
                               w->at + 0x200 + 16 + 4,
                               FAKE_STACK + FAKE_SP + 8,
                               FAKE_APP + FAKE_TEXT + 0x10,
                               42,
                               (uint64_t)-7,
                               UINT64_C(1700000000000),
                               0,
                               0,
                               0,
                               UINT64_C(0x00000140000000c8),
                               0,
                               UINT64_C(0xfedcba9876543210),
                               w->at + 0x200 + 8,
                               w->at + 0x200 };
        memcpy(&words[12], &number, sizeof(number));
        fake_heap(w->p, HEAP_BYTES);
        uint64_t user = fake_object(w->p, &w->at, 0x200, words, 16);
        fake_write(w->p, user + 0x100, "GET /index.html HTTP/1.1", 25);
        (void)fake_object(w->p, &w->at, SIZE, &class, 1);
        fake_top(w->p, ARENA, w->at, FAKE_HEAP + HEAP_BYTES);
        relate(w, 1);
        const struct cs_report_case *r = look(w, user);
        uint64_t end = 0;
        for (size_t i = 0; i < r->dump->n_words; i++) {
                assert_true(r->dump->words[i].offset == end);
                end += r->dump->words[i].size;
        }
        assert_int_equal(end, r->block->usable);
        expect_word(r, 0, "pointer:module", "vtable for Widget (libwidget.so.1");
        expect_word(r, 8, "pointer:self", "+8");
        expect_word(r, 16, "pointer:block", "Widget, +4");
        assert_non_null(word_at(r, 16)->to);
        assert_string_equal(word_at(r, 16)->library, "libwidget.so.1");
        expect_word(r, 24, "pointer:stack", "main stack");
        expect_word(r, 32, "pointer:module", "app+0x1010");
        expect_word(r, 40, "int", "42");
        expect_word(r, 48, "int", "-7");
        expect_word(r, 56, "time", "2023-11-14 22:13:20 UTC, in ms");
        assert_int_equal(word_at(r, 64)->size, 24);
        assert_string_equal(word_at(r, 64)->kind, "zero");
        expect_word(r, 88, "int", "200, 320");
        expect_word(r, 96, "float", "2.5");
        assert_string_equal(word_at(r, 104)->kind, "mixed");
        expect_word(r, 112, "pointer:block", "the header of a block in use");
        expect_word(r, 120, "pointer:self", "+496"); /* the last word, where the next one's header begins */
        const struct cs_report_word *text = word_at(r, 0x100);
        assert_string_equal(text->kind, "text");
        assert_int_equal(text->text.len, 24);
        assert_memory_equal(text->text.bytes, "GET /index.html HTTP/1.1", 24);
        assert_int_equal(text->size, 32);
}

/* Of a large block a part around the address. */
static void test_window(void **state)
{
        struct world *w = *state;
        fake_heap(w->p, HEAP_BYTES);
        uint64_t user = fake_object(w->p, &w->at, 0x8000, NULL, 0);
        fake_top(w->p, ARENA, w->at, FAKE_HEAP + HEAP_BYTES);
        relate(w, 1);
        static const uint64_t offsets[] = { 0, 8, 2047, 2048, 2049, 4095, 4096, 0x4001, 0x7fe0, 0x7ff7 };
        for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
                const struct cs_report_case *r = look(w, user + offsets[i]);
                const struct cs_report_dump *d = r->dump;
                assert_true(d->len <= 4096 && d->len >= 16);
                assert_true(d->start - user == d->before);
                assert_true(d->before <= offsets[i] && offsets[i] < d->before + d->len);
                assert_true(d->before + d->len + d->behind == r->block->usable);
                assert_int_equal(d->start % 16, 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_drawings),
                cmocka_unit_test_setup_teardown(test_long_chain, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_crowd, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_cycle, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_levels, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_left_out, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_roots, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_other_names, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_evidence, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_places, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_words, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_window, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
