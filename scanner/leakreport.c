/* SPDX-License-Identifier: Apache-2.0 */
#include "leakreport.h"

#include "kinds.h"

#include <stdlib.h>
#include <string.h>

enum { NOTES_MAX = 16 };

/* What of a managed heap's pointers into malloc's blocks can be seen. */
static const struct {
        enum cs_kind kind;
        const char *note;
} runtimes[] = {
        { CS_KIND_JAVA_HEAP,
          "Java: an object that keeps a native address in a long is a reference like any other; compressed references lead "
          "only to Java's own objects, so blocks of malloc's are not lost by them" },
        { CS_KIND_V8_HEAP,
          "V8: native addresses that objects keep as whole words are references; those that the sandbox replaces by indices "
          "into a table are seen through the table; what JavaScript keeps as numbers (BigInt, two halves) looks lost" },
        { CS_KIND_RUBY_HEAP,
          "Ruby: what an object keeps as an Integer (twice the address and one) makes a block possibly lost, no more; what "
          "stands in free slots was left by objects that are gone, and holds nothing" },
        { CS_KIND_PYTHON_HEAP,
          "Python: capsules and objects of C keep whole words, which are references; an address that is kept as an int lies "
          "in digits of 30 bits, and its block looks lost; objects that were freed may keep blocks from being found" },
        { CS_KIND_BEAM_CARRIER,
          "BEAM: resources and binaries are kept by whole words, which are references; an address that Erlang keeps as an "
          "integer is shifted, and its block looks lost" },
        { CS_KIND_GO_HEAP,
          "Go: what it keeps of C's memory, as unsafe.Pointer or uintptr, are whole words, which are references" },
};

static void note(struct cs_report *r, const char *text)
{
        if (text && r->n_leak_notes < NOTES_MAX)
                r->leak_notes[r->n_leak_notes++] = text;
}

static bool present(const struct cs_report *r, enum cs_kind kind)
{
        for (size_t i = 0; i < r->memory.n_kinds; i++)
                if (cs_kind_named(r->memory.kinds[i].kind) == kind)
                        return r->memory.kinds[i].resident > 0;
        return false;
}

/* Does the module take what gives the kernel addresses to keep? */
static bool uses_epoll(struct cs_symbols *symbols, const struct cs_image *image, size_t module)
{
        const char *name;
        for (size_t i = 0; (name = cs_symbols_import(symbols, module, i)); i++)
                if (strcmp(name, "epoll_ctl") == 0)
                        return !image->modules.at[module].runtime;
        return false;
}

/* What epoll_wait() hands back is not known: marks the clusters of those who use it. */
static void note_epoll(const struct cs_image *image, struct cs_symbols *symbols, struct cs_report *r)
{
        bool used = false;
        for (size_t m = 0; m < image->modules.n; m++) {
                if (!uses_epoll(symbols, image, m))
                        continue;
                used = true;
                for (size_t i = 0; i < r->n_clusters; i++) {
                        struct cs_report_cluster *c = &r->clusters[i];
                        c->leak_epolled |= c->leak_direct && c->leak_library &&
                                           strcmp(c->leak_library, image->modules.at[m].name) == 0;
                }
        }
        if (used)
                note(r,
                     image->kind == CS_IMAGE_CORE
                             ? "what the program gave epoll_ctl() is in no core, but a living process tells it (--live): a block that "
                               "only epoll_wait() hands back looks lost"
                             : "what epoll_wait() hands back was not asked of the kernel, for the process has so many descriptors that it "
                               "would feel that (--freeze asks): a block that nobody else knows looks lost");
}

static void add_notes(const struct cs_image *image, struct cs_symbols *symbols, bool unasked,
                      struct cs_report *r)
{
        bool registers = true;
        for (size_t i = 0; i < image->threads.n; i++)
                registers &= image->threads.at[i].has_registers;
        if (!r->target.complete)
                note(r, "part of the memory could not be read: what is referred to from there looks lost");
        if (!image->threads.n)
                note(r, "without threads the stacks are unknown: all of their memory counts, stale or not");
        else if (!registers)
                note(r,
                     "registers of threads that run are not known: a block that one of them alone holds looks lost");
        if (r->leak_direct.count && (image->kind == CS_IMAGE_CORE || unasked))
                note_epoll(image, symbols, r);
        for (size_t i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]); i++)
                if (present(r, runtimes[i].kind))
                        note(r, runtimes[i].note);
}

static int by_retained(const void *a, const void *b, void *report)
{
        const struct cs_report *r = report;
        size_t i = *(const size_t *)a, k = *(const size_t *)b;
        const struct cs_report_cluster *x = &r->clusters[i], *y = &r->clusters[k];
        if (x->leak_retained_resident != y->leak_retained_resident)
                return x->leak_retained_resident > y->leak_retained_resident ? -1 : 1;
        if (x->leak_retained != y->leak_retained)
                return x->leak_retained > y->leak_retained ? -1 : 1;
        if (x->leak_bytes != y->leak_bytes)
                return x->leak_bytes > y->leak_bytes ? -1 : 1;
        return i < k ? -1 : i > k;
}

enum cs_status cs_leakreport_build(const struct cs_image *image, struct cs_symbols *symbols,
                                   const struct cs_leaks *leaks, bool unasked, struct cs_report *report,
                                   struct cs_error *err)
{
        struct cs_report *r = report;
        r->leak_direct = leaks->direct;
        r->leak_indirect = leaks->indirect;
        r->leak_possible = leaks->possible;
        r->leak_stale = leaks->stale;
        r->leak_notes = cs_pool_alloc(&r->pool, NOTES_MAX, sizeof(*r->leak_notes));
        r->leak_clusters = cs_pool_alloc(&r->pool, r->n_clusters + 1, sizeof(*r->leak_clusters));
        if (!r->leak_notes || !r->leak_clusters)
                return cs_fail(err, CS_ENOMEM, "leaks");
        for (size_t i = 0; i < r->n_clusters; i++) {
                const struct cs_cluster_leak *l = &leaks->clusters[i];
                struct cs_report_cluster *c = &r->clusters[i];
                c->leak_direct = l->direct;
                c->leak_indirect = l->indirect;
                c->leak_bytes = l->bytes;
                c->leak_possible = l->possible;
                c->leak_stale = l->stale;
                c->leak_retained = l->retained;
                c->leak_retained_resident = l->retained_resident;
                if (l->direct || l->indirect || l->possible)
                        r->leak_clusters[r->n_leak_clusters++] = i;
        }
        qsort_r(r->leak_clusters, r->n_leak_clusters, sizeof(*r->leak_clusters), by_retained, r);
        add_notes(image, symbols, unasked, r);
        return CS_OK;
}
