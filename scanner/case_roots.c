/* SPDX-License-Identifier: Apache-2.0 */
/* The words outside of blocks that point at a few blocks. The graph knows that there are such, not where they stand, so root
 * memory is read once more. */
#include "case_private.h"

#include "stretches.h"
#include "tally.h"
#include "work.h"

#include <inttypes.h>

/* One unit's finds; merged in the order of the units. */
struct unit {
        cs_case_root_vec found;
        struct cs_tally index; /* interest and root -> position in found */
};

struct search {
        const struct cs_case *c;
        const uint32_t *interest;
        cs_root_vec plan;
        struct unit *units; /* of the plan; one more: registers */
        struct cs_view *views;
};

static void search_deinit(struct search *s)
{
        for (size_t i = 0; s->units && i <= s->plan.n; i++) {
                cs_vec_deinit(&s->units[i].found);
                cs_tally_deinit(&s->units[i].index);
        }
        for (unsigned i = 0; s->views && i < s->c->workers; i++)
                cs_view_deinit(&s->views[i]);
        free(s->units);
        free(s->views);
        cs_vec_deinit(&s->plan);
}

/* The find of that interest and root in a unit, made where there is none. */
static enum cs_status find_at(struct unit *u, uint32_t interest, uint32_t root, struct cs_case_root **out,
                              struct cs_error *err)
{
        uint64_t *position;
        enum cs_status st =
                cs_tally_at(&u->index, (uint64_t)interest << 32 | root, u->found.n, &position, err);
        if (st != CS_OK)
                return st;
        size_t at = (size_t)*position;
        if (at == u->found.n) {
                struct cs_case_root fresh = { .interest = interest, .root = root };
                if ((st = cs_vec_push(&u->found, fresh, err)) != CS_OK)
                        return st;
        }
        *out = &u->found.at[at];
        return CS_OK;
}

static enum cs_status look_at(const struct search *s, struct unit *u, uint32_t root, uint64_t address,
                              uint64_t value, struct cs_error *err)
{
        uint32_t block = cs_case_pointee(s->c, value);
        struct cs_case_root *found;
        if (block == CS_NO_BLOCK || !s->interest[block])
                return CS_OK;
        enum cs_status st = find_at(u, s->interest[block], root, &found, err);
        if (st != CS_OK)
                return st;
        found->count++;
        if (found->n_slots < CS_CASE_SLOTS)
                found->slots[found->n_slots++] = (struct cs_case_slot){ address, block };
        return CS_OK;
}

/* The unit that is being looked through. */
struct place {
        const struct search *search;
        struct unit *unit;
        uint32_t root;
};

static enum cs_status look_through(void *context, uint64_t addr, const uint8_t *bytes, size_t len,
                                   struct cs_error *err)
{
        const struct place *p = context;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i + 8 <= len; i += 8) {
                uint64_t value = cs_word(bytes + i);
                if (value >= 0x10000 && value >> 47 == 0)
                        st = look_at(p->search, p->unit, p->root, addr + i, value, err);
        }
        return st;
}

static enum cs_status search_unit(void *context, size_t index, unsigned worker, struct cs_error *err)
{
        const struct search *s = context;
        const struct cs_root_unit *r = &s->plan.at[index];
        struct cs_view *view = &s->views[worker];
        struct place p = { s, &s->units[index], r->root };
        enum cs_status st = r->slot ? CS_OK : cs_stretches(view, r->range, look_through, &p, err);
        for (uint64_t at = r->range.start; r->slot && st == CS_OK && at < r->range.end; at += r->slot)
                if (cs_root_slot_used(view, at))
                        st = cs_stretches(view, (struct cs_range){ at, at + r->slot }, look_through, &p, err);
        cs_source_release(view->src, r->range.start, (size_t)cs_range_size(r->range));
        return st;
}

static enum cs_status search_registers(const struct search *s, struct unit *u, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; i < s->c->image->threads.n; i++) {
                const struct cs_thread *t = &s->c->image->threads.at[i];
                uint32_t root = (uint32_t)CS_CASE_REGISTERS << 28 | ((uint32_t)i & CS_ROOT_NOWHERE);
                for (size_t r = 0; st == CS_OK && r < sizeof(t->gpr) / sizeof(t->gpr[0]); r++)
                        st = look_at(s, u, root, r, t->gpr[r], err);
        }
        return st;
}

static enum cs_status search_epolled(const struct search *s, struct unit *u, struct cs_error *err)
{
        const cs_epolled_vec *epolled = s->c->epolled;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && epolled && i < epolled->n; i++) {
                const struct cs_epolled *e = &epolled->at[i];
                uint32_t root = (uint32_t)CS_CASE_EPOLL << 28 | ((uint32_t)e->epoll & CS_ROOT_NOWHERE);
                st = look_at(s, u, root, (uint64_t)e->fd, e->data, err);
        }
        return st;
}

static int by_interest(const void *a, const void *b)
{
        const struct cs_case_root *x = a, *y = b;
        if (x->interest != y->interest)
                return x->interest < y->interest ? -1 : 1;
        return x->root < y->root ? -1 : x->root > y->root;
}

static enum cs_status merge(struct search *s, cs_case_root_vec *out, struct cs_error *err)
{
        struct unit all = { 0 };
        enum cs_status st = CS_OK;
        for (size_t u = 0; st == CS_OK && u <= s->plan.n; u++)
                for (size_t i = 0; st == CS_OK && i < s->units[u].found.n; i++) {
                        const struct cs_case_root *from = &s->units[u].found.at[i];
                        struct cs_case_root *to;
                        if ((st = find_at(&all, from->interest, from->root, &to, err)) != CS_OK)
                                break;
                        to->count += from->count;
                        for (size_t k = 0; k < from->n_slots && to->n_slots < CS_CASE_SLOTS; k++)
                                to->slots[to->n_slots++] = from->slots[k];
                }
        cs_tally_deinit(&all.index);
        if (st != CS_OK) {
                cs_vec_deinit(&all.found);
                return st;
        }
        if (all.found.n)
                qsort(all.found.at, all.found.n, sizeof(*all.found.at), by_interest);
        out->at = all.found.at;
        out->n = all.found.n;
        out->cap = all.found.cap;
        return CS_OK;
}

enum cs_status cs_case_roots(const struct cs_case *c, const uint32_t *interest, cs_case_root_vec *out,
                             struct cs_error *err)
{
        cs_cleanup(search_deinit) struct search s = { .c = c, .interest = interest };
        struct cs_roots_input in = { c->image, c->space, c->heaps, &c->regions->stacks, c->claims };
        enum cs_status st = cs_roots_plan(&in, &s.plan, err);
        if (st != CS_OK)
                return st;
        s.units = calloc(s.plan.n + 1, sizeof(*s.units));
        s.views = calloc(c->workers, sizeof(*s.views));
        if (!s.units || !s.views)
                return cs_fail(err, CS_ENOMEM, "roots");
        for (unsigned i = 0; i < c->workers; i++)
                cs_view_init(&s.views[i], c->image->source);
        if ((st = cs_work_run(c->workers, s.plan.n, search_unit, &s, err)) != CS_OK ||
            (st = search_registers(&s, &s.units[s.plan.n], err)) != CS_OK ||
            (st = search_epolled(&s, &s.units[s.plan.n], err)) != CS_OK)
                return st;
        return merge(&s, out, err);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* struct user_regs_struct (linux, arch/x86/include/asm/user_64.h): the order of cs_thread.gpr. */
static const char *register_name(uint64_t index)
{
        static const char *const names[] = { "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10",
                                             "r9",  "r8",  "rax", "rcx", "rdx", "rsi", "rdi" };
        return index < sizeof(names) / sizeof(names[0]) ? names[index] : "?";
}

const char *cs_case_root_name(const struct cs_case *c, const struct cs_case_root *root)
{
        uint32_t index = cs_root_index(root->root);
        if (root->root >> 28 == CS_CASE_REGISTERS)
                return index < c->image->threads.n ? cs_pool_printf(c->pool, "registers of thread %d",
                                                                    (int)c->image->threads.at[index].tid)
                                                   : "registers";
        if (root->root >> 28 == CS_CASE_EPOLL)
                return cs_pool_printf(c->pool, "the kernel, for epoll descriptor %u", index);
        if (cs_root_kind(root->root) == CS_ROOT_MODULE && index < c->image->modules.n)
                return cs_pool_printf(c->pool, "static variables of %s", c->image->modules.at[index].name);
        return cs_case_name_memory(c, root->slots[0].address);
}

/* Where in a stack: what lies above the pointer is in use, what the C library has above that is no stack. */
static const char *stack_slot(const struct cs_case *c, uint64_t address)
{
        const struct cs_region *r = cs_regions_at(c->regions, address);
        for (size_t i = 0; r && i < c->image->threads.n; i++) {
                const struct cs_thread *t = &c->image->threads.at[i];
                if (!cs_range_has(r->range, t->sp))
                        continue;
                if (t->fs_base > t->sp && cs_range_has(r->range, t->fs_base) && address >= t->fs_base)
                        return cs_pool_printf(c->pool, "the C library's record of thread %d", (int)t->tid);
                return address >= t->sp ? cs_pool_printf(c->pool, "%s, sp+0x%" PRIx64,
                                                         cs_case_name_memory(c, address), address - t->sp)
                                        : cs_pool_printf(c->pool, "%s, sp-0x%" PRIx64,
                                                         cs_case_name_memory(c, address), t->sp - address);
        }
        return cs_case_name_memory(c, address);
}

const char *cs_case_slot_name(const struct cs_case *c, uint32_t root, uint64_t address)
{
        uint32_t index = cs_root_index(root);
        if (root >> 28 == CS_CASE_REGISTERS)
                return index < c->image->threads.n
                               ? cs_pool_printf(c->pool, "%s of thread %d", register_name(address),
                                                (int)c->image->threads.at[index].tid)
                               : register_name(address);
        if (root >> 28 == CS_CASE_EPOLL)
                return cs_pool_printf(c->pool, "what epoll descriptor %u has for descriptor %d", index,
                                      (int)address);
        if (cs_root_kind(root) == CS_ROOT_MODULE && index < c->image->modules.n)
                return cs_case_name(c, index, address);
        if (cs_root_kind(root) == CS_ROOT_STACK)
                return stack_slot(c, address);
        return cs_case_name_memory(c, address);
}
