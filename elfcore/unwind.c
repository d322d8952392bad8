/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind.h"

#include "cfi.h"
#include "cs_limits.h"
#include "elfmemory.h"

#include <elf.h>

enum {
        HEADER_BYTES = 16, /* of PT_GNU_EH_FRAME: up to the pointer to the table */
        ROWS = 512,        /* kept: threads of a pool stand in the same places */
        STACKS = 16,       /* changes of stacks on one thread's way out: one for each signal */
};

/* Where user_regs_struct (linux, arch/x86/include/asm/user_64.h) has the registers that cfi.h numbers, rsp and pc left out. */
static const int8_t IN_THREAD[CS_CFI_REGISTERS] = {
        10, 12, 11, 5, 13, 14, 4, -1, 9, 8, 7, 6, 3, 2, 1, 0, -1
};

/* What a call keeps (psABI, figure 3.4): rbx, rbp, rsp, r12 … r15. */
enum { KEPT = 1 << CS_CFI_RBX | 1 << CS_CFI_RBP | 1 << CS_CFI_RSP | 0xf << 12 };

struct table {
        struct cs_cfi cfi;
        uint8_t *bytes; /* owned */
        bool tried;
};

struct kept_row {
        uint64_t pc;
        bool known; /* what follows is the answer for pc */
        bool found;
        struct cs_cfi_row row;
};

struct unwinder {
        const struct cs_image *image;
        struct table *tables; /* per module */
        struct kept_row *rows;
        uint64_t steps;
        struct cs_unwinding *out;
        struct cs_error *err;
};

/* A thread's registers in one of its frames. */
struct registers {
        const struct unwinder *u;
        uint64_t at[CS_CFI_REGISTERS];
        uint32_t known; /* bits */
};

static void unwinder_deinit(struct unwinder *u)
{
        for (size_t i = 0; u->tables && i < u->image->modules.n; i++) {
                cs_cfi_deinit(&u->tables[i].cfi);
                free(u->tables[i].bytes);
        }
        free(u->tables);
        free(u->rows);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

/* The table behind its header, up to the end of the segment that they share. Empty: not told. */
static struct cs_range table_by_header(const struct cs_elfmemory *where,
                                       const struct cs_elf_segment *segments, size_t n)
{
        uint64_t header = 0, at = 0, end = 0;
        uint8_t raw[HEADER_BYTES];
        for (size_t i = 0; i < n && !header; i++)
                if (segments[i].type == PT_GNU_EH_FRAME)
                        header = where->bias + segments[i].vaddr;
        if (header && cs_range_holds(where->range, header, sizeof(raw)) &&
            cs_source_exact(where->source, header, raw, sizeof(raw)))
                at = cs_cfi_table(raw, sizeof(raw), header);
        for (size_t i = 0; at && i < n; i++)
                if (segments[i].type == PT_LOAD &&
                    at - (where->bias + segments[i].vaddr) < segments[i].filesz)
                        end = where->bias + segments[i].vaddr + segments[i].filesz;
        return end > at ? (struct cs_range){ at, end } : (struct cs_range){ 0, 0 };
}

/* Static programs have no header: the file's sections tell. */
static struct cs_range table_by_section(const struct cs_module *m)
{
        struct cs_range range = { 0, 0 };
        struct cs_elffile *file;
        if (m->fd < 0 || cs_elffile_open(m->fd, &file, NULL) != CS_OK)
                return range;
        const struct cs_elf_section *s = cs_elffile_section(file, SHT_PROGBITS, ".eh_frame");
        if (!s)
                s = cs_elffile_section(file, SHT_X86_64_UNWIND, ".eh_frame");
        if (s && cs_range_holds(m->range, m->bias + s->addr, s->size))
                range = (struct cs_range){ m->bias + s->addr, m->bias + s->addr + s->size };
        cs_elffile_close(file);
        return range;
}

static enum cs_status read_table(struct unwinder *u, const struct cs_elfmemory *where, struct cs_range range,
                                 struct table *t)
{
        size_t got;
        if (range.start >= range.end || !cs_range_has(where->range, range.start))
                return CS_OK;
        uint64_t len = cs_range_size(range);
        if (len > CS_LIMIT_CFI_BYTES)
                len = CS_LIMIT_CFI_BYTES;
        enum cs_status st = cs_elfmemory_bytes(where, range.start, len, &t->bytes, &got, u->err);
        return st == CS_OK ? cs_cfi_open(t->bytes, got, range.start, &t->cfi, u->err) : st;
}

static enum cs_status table_of(struct unwinder *u, size_t module, struct table **out)
{
        const struct cs_module *m = &u->image->modules.at[module];
        struct table *t = *out = &u->tables[module];
        struct cs_elfmemory where = { u->image->source, m->range, m->bias };
        struct cs_elf_segment *segments;
        size_t n;
        if (t->tried)
                return CS_OK;
        t->tried = true;
        enum cs_status st = cs_elfmemory_segments(&where, &segments, &n, u->err);
        if (st != CS_OK)
                return st;
        struct cs_range range = table_by_header(&where, segments, n);
        free(segments);
        if (range.start == range.end)
                range = table_by_section(m);
        return read_table(u, &where, range, t);
}

static enum cs_status row_at(struct unwinder *u, size_t module, uint64_t pc, struct kept_row **out)
{
        struct kept_row *r = *out = &u->rows[(pc ^ pc >> 9) % ROWS];
        struct table *t;
        if (r->known && r->pc == pc)
                return CS_OK;
        enum cs_status st = table_of(u, module, &t);
        if (st == CS_OK) {
                r->pc = pc;
                r->known = true;
                r->found = cs_cfi_row(&t->cfi, pc, &r->row, &u->steps);
        }
        return st;
}

/* ---- registers --------------------------------------------------------------------------------------------------- */

static bool get_register(void *context, uint32_t number, uint64_t *value)
{
        const struct registers *r = context;
        if (number >= CS_CFI_REGISTERS || !(r->known >> number & 1))
                return false;
        *value = r->at[number];
        return true;
}

static bool get_word(void *context, uint64_t addr, uint64_t *value)
{
        const struct registers *r = context;
        return cs_source_u64(r->u->image->source, addr, value);
}

static void set_register(struct registers *r, unsigned number, uint64_t value)
{
        r->at[number] = value;
        r->known |= 1u << number;
}

static void start_registers(const struct cs_thread *t, struct registers *r)
{
        set_register(r, CS_CFI_RSP, t->sp);
        set_register(r, CS_CFI_PC, t->pc);
        for (unsigned i = 0; t->has_registers && i < CS_CFI_REGISTERS; i++)
                if (IN_THREAD[i] >= 0)
                        set_register(r, i, t->gpr[IN_THREAD[i]]);
}

/* The caller's value of one register; false: it is not known. */
static bool before_call(const struct cs_cfi_row *row, struct registers *now, unsigned i, uint64_t cfa,
                        uint64_t *value)
{
        struct cs_cfi_world world = { get_register, get_word, now };
        const struct cs_cfi_rule *rule = &row->at[i];
        switch (rule->kind) {
        case CS_CFI_SAME:
                return (row->signal || KEPT >> i & 1) && get_register(now, i, value);
        case CS_CFI_UNDEFINED:
                return false;
        case CS_CFI_SAVED:
                return get_word(now, cfa + (uint64_t)rule->offset, value);
        case CS_CFI_OFFSET:
                *value = cfa + (uint64_t)rule->offset;
                return true;
        case CS_CFI_MOVED:
                return get_register(now, rule->reg, value);
        case CS_CFI_SAVED_AT:
                return cs_cfi_evaluate(rule, &cfa, &world, value) && get_word(now, *value, value);
        case CS_CFI_EXPRESSION:
                return cs_cfi_evaluate(rule, &cfa, &world, value);
        }
        return false;
}

/* The caller's registers by a row. False: the CFA cannot be told; *lacking: for want of a register. */
static bool leave(const struct cs_cfi_row *row, struct registers *now, struct registers *caller,
                  uint64_t *cfa, bool *lacking)
{
        struct cs_cfi_world world = { get_register, get_word, now };
        *lacking = false;
        if (row->cfa.kind == CS_CFI_EXPRESSION) {
                if (!cs_cfi_evaluate(&row->cfa, NULL, &world, cfa))
                        return false;
        } else {
                *lacking = row->cfa.kind != CS_CFI_SAVED || !get_register(now, row->cfa.reg, cfa);
                if (*lacking)
                        return false;
                *cfa += (uint64_t)row->cfa.offset;
        }
        *caller = (struct registers){ .u = now->u };
        for (unsigned i = 0; i < CS_CFI_REGISTERS; i++) {
                uint64_t value;
                if (i == CS_CFI_RSP && row->at[i].kind == CS_CFI_SAME)
                        set_register(caller, i, *cfa);
                else if (before_call(row, now, i, *cfa, &value))
                        set_register(caller, i, value);
        }
        return true;
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

static bool is_code(const struct cs_image *image, uint64_t addr)
{
        const struct cs_mapping *m = cs_image_mapping_at(image, addr);
        return m && m->perms & CS_PERM_EXEC;
}

/* push %rbp; mov %rsp,%rbp: as code is made that nobody throws exceptions through. */
static bool leave_by_pointer(const struct cs_image *image, struct registers *now, struct registers *caller,
                             struct cs_range stack, uint64_t *cfa)
{
        uint64_t rbp, pc;
        if (!get_register(now, CS_CFI_RBP, &rbp) || rbp < now->at[CS_CFI_RSP] || rbp % 8 ||
            !cs_range_holds(stack, rbp, 16) || !get_word(now, rbp + 8, &pc) || !is_code(image, pc - 1))
                return false;
        *caller = (struct registers){ .u = now->u };
        *cfa = rbp + 16;
        set_register(caller, CS_CFI_RSP, *cfa);
        set_register(caller, CS_CFI_PC, pc);
        if (get_word(now, rbp, &rbp))
                set_register(caller, CS_CFI_RBP, rbp);
        return true;
}

/* A call to where no code is: all that happened is that the return address was pushed. */
static bool leave_nowhere(const struct cs_image *image, struct registers *now, struct registers *caller,
                          uint64_t *cfa)
{
        uint64_t pc;
        if (is_code(image, now->at[CS_CFI_PC]) || !get_word(now, now->at[CS_CFI_RSP], &pc) ||
            !is_code(image, pc - 1))
                return false;
        *caller = *now;
        *cfa = now->at[CS_CFI_RSP] + 8;
        set_register(caller, CS_CFI_RSP, *cfa);
        set_register(caller, CS_CFI_PC, pc);
        return true;
}

struct walk {
        struct unwinder *u;
        struct registers now;
        struct cs_range stack; /* the mapping that the stack pointer is in */
        bool interrupted;
        unsigned stacks;
};

static bool enter_stack(struct walk *w)
{
        const struct cs_mapping *m = cs_image_mapping_at(w->u->image, w->now.at[CS_CFI_RSP]);
        if (m)
                w->stack = m->range;
        return m != NULL;
}

/* From the frame w->now to its caller's, which becomes w->now. False: there is none; *end says why. */
static bool go_out(struct walk *w, struct cs_frame *f, const struct kept_row *r, enum cs_unwind_end *end)
{
        struct registers caller;
        uint64_t cfa = 0, sp = w->now.at[CS_CFI_RSP];
        bool lacking = false, signal = r && r->found && r->row.signal;
        if (r && r->found) {
                *end = r->row.at[CS_CFI_PC].kind == CS_CFI_UNDEFINED ? CS_UNWIND_WHOLE : CS_UNWIND_UNKNOWN;
                if (!leave(&r->row, &w->now, &caller, &cfa, &lacking)) {
                        *end = lacking ? CS_UNWIND_REGISTERS : *end;
                        return false;
                }
        } else {
                *end = CS_UNWIND_UNKNOWN;
                f->guessed = true;
                if (!leave_by_pointer(w->u->image, &w->now, &caller, w->stack, &cfa) &&
                    !(w->interrupted && leave_nowhere(w->u->image, &w->now, &caller, &cfa)))
                        return false;
        }
        bool above = cfa > sp && cfa <= w->stack.end && cfa % 8 == 0;
        if (above)
                f->range.end = cfa;
        if (!(caller.known >> CS_CFI_PC & 1))
                return false;
        *end = caller.at[CS_CFI_PC] ? CS_UNWIND_BROKEN : CS_UNWIND_WHOLE;
        if (!caller.at[CS_CFI_PC] || (!above && !signal) || !(caller.known >> CS_CFI_RSP & 1) ||
            caller.at[CS_CFI_RSP] < cfa)
                return false;
        w->now = caller;
        w->interrupted = signal;
        if (above && caller.at[CS_CFI_RSP] <= w->stack.end)
                return true;
        return signal && ++w->stacks < STACKS && enter_stack(w);
}

static enum cs_status walk_thread(struct unwinder *u, const struct cs_thread *t, struct cs_thread_frames *out)
{
        struct walk w = { .u = u, .now.u = u, .interrupted = true };
        enum cs_status st = CS_OK;
        bool more = t->sp && t->pc;
        out->first = u->out->frames.n;
        out->end = CS_UNWIND_REGISTERS;
        start_registers(t, &w.now);
        more = more && enter_stack(&w);
        while (st == CS_OK && more) {
                uint64_t pc = w.now.at[CS_CFI_PC], sp = w.now.at[CS_CFI_RSP];
                struct cs_frame f = {
                        .pc = pc, .range = { sp, sp }, .module = CS_NO_MODULE, .interrupted = w.interrupted
                };
                struct kept_row *row = NULL;
                /* A call may be a function's last instruction: what lies behind it is another's. */
                uint64_t inside = w.interrupted ? pc : pc - 1;
                const struct cs_module *m = cs_image_module_at(u->image, inside);
                if (u->out->frames.n >= CS_LIMIT_FRAMES || u->steps > CS_LIMIT_CFI_STEPS) {
                        u->out->limited = true;
                        out->end = CS_UNWIND_LIMIT;
                        break;
                }
                if (m) {
                        f.module = (int32_t)(m - u->image->modules.at);
                        st = row_at(u, (size_t)f.module, inside, &row);
                }
                if (st == CS_OK)
                        more = go_out(&w, &f, row, &out->end);
                if (st == CS_OK)
                        st = cs_vec_push(&u->out->frames, f, u->err);
        }
        out->n = u->out->frames.n - out->first;
        return st;
}

enum cs_status cs_unwind(const struct cs_image *image, struct cs_unwinding *out, struct cs_error *err)
{
        cs_cleanup(unwinder_deinit) struct unwinder u = { .image = image, .out = out, .err = err };
        enum cs_status st = CS_OK;
        *out = (struct cs_unwinding){ 0 };
        u.tables = calloc(image->modules.n + 1, sizeof(*u.tables));
        u.rows = calloc(ROWS, sizeof(*u.rows));
        if (!u.tables || !u.rows)
                return cs_fail(err, CS_ENOMEM, "frames");
        for (size_t i = 0; st == CS_OK && i < image->threads.n; i++) {
                struct cs_thread_frames frames = { 0 };
                st = walk_thread(&u, &image->threads.at[i], &frames);
                if (st == CS_OK)
                        st = cs_vec_push(&out->threads, frames, err);
        }
        if (st != CS_OK)
                cs_unwinding_deinit(out);
        return st;
}

void cs_unwinding_deinit(struct cs_unwinding *unwinding)
{
        cs_vec_deinit(&unwinding->frames);
        cs_vec_deinit(&unwinding->threads);
}
