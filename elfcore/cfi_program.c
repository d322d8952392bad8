/* SPDX-License-Identifier: Apache-2.0 */
#include "cfi_private.h"

/* Instructions (DWARF 5, 7.24; those with GNU in their name: LSB 5, Core, 10.5.1). The first three have an operand in their low
 * six bits. */
enum {
        DW_CFA_advance_loc = 0x40,
        DW_CFA_offset = 0x80,
        DW_CFA_restore = 0xc0,
        DW_CFA_nop = 0x00,
        DW_CFA_advance_loc1 = 0x02,
        DW_CFA_advance_loc2 = 0x03,
        DW_CFA_advance_loc4 = 0x04,
        DW_CFA_offset_extended = 0x05,
        DW_CFA_restore_extended = 0x06,
        DW_CFA_undefined = 0x07,
        DW_CFA_same_value = 0x08,
        DW_CFA_register = 0x09,
        DW_CFA_remember_state = 0x0a,
        DW_CFA_restore_state = 0x0b,
        DW_CFA_def_cfa = 0x0c,
        DW_CFA_def_cfa_register = 0x0d,
        DW_CFA_def_cfa_offset = 0x0e,
        DW_CFA_def_cfa_expression = 0x0f,
        DW_CFA_expression = 0x10,
        DW_CFA_offset_extended_sf = 0x11,
        DW_CFA_def_cfa_sf = 0x12,
        DW_CFA_def_cfa_offset_sf = 0x13,
        DW_CFA_val_offset = 0x14,
        DW_CFA_val_offset_sf = 0x15,
        DW_CFA_val_expression = 0x16,
        DW_CFA_GNU_args_size = 0x2e,
        DW_CFA_GNU_negative_offset_extended = 0x2f,
};

/* Operations of expressions (DWARF 5, 7.7.1). */
enum {
        DW_OP_deref = 0x06,
        DW_OP_const1u = 0x08,
        DW_OP_const1s = 0x09,
        DW_OP_const2u = 0x0a,
        DW_OP_const2s = 0x0b,
        DW_OP_const4u = 0x0c,
        DW_OP_const4s = 0x0d,
        DW_OP_const8u = 0x0e,
        DW_OP_const8s = 0x0f,
        DW_OP_constu = 0x10,
        DW_OP_consts = 0x11,
        DW_OP_and = 0x1a,
        DW_OP_minus = 0x1c,
        DW_OP_plus = 0x22,
        DW_OP_plus_uconst = 0x23,
        DW_OP_shl = 0x24,
        DW_OP_ge = 0x2a,
        DW_OP_lit0 = 0x30,
        DW_OP_lit31 = 0x4f,
        DW_OP_breg0 = 0x70,
        DW_OP_breg31 = 0x8f,
        DW_OP_bregx = 0x92,
};

/* Rules that are remembered and restored: compilers do it once, around an early return. */
enum { REMEMBERED = 8, STACK = 16, EXPRESSION_BYTES = 64 };

struct machine {
        const struct cs_cfi_program *program;
        struct cs_cfi_row *row;
        struct cs_cfi_row initial; /* after the common instructions */
        struct cs_cfi_row remembered[REMEMBERED];
        unsigned depth;
        uint64_t loc;
        struct cs_cursor c;
};

/* ---- instructions ------------------------------------------------------------------------------------------------ */

/* Registers beyond those that hold addresses (vectors) may be saved, but nobody asks for them. */
static void set_rule(struct machine *m, uint64_t reg, struct cs_cfi_rule rule)
{
        if (reg < CS_CFI_REGISTERS)
                m->row->at[reg] = rule;
}

static struct cs_cfi_rule saved(enum cs_cfi_kind kind, int64_t factor, int64_t align)
{
        return (struct cs_cfi_rule){ .kind = kind, .offset = (int64_t)((uint64_t)factor * (uint64_t)align) };
}

static struct cs_cfi_rule expression(struct machine *m, enum cs_cfi_kind kind)
{
        uint64_t len = cs_cfi_unsigned(&m->c);
        struct cs_cfi_rule rule = { .kind = kind, .len = (size_t)len };
        if (len > cs_cursor_left(&m->c))
                m->c.bad = true;
        else
                rule.expression = cs_cursor_take(&m->c, (size_t)len);
        return rule;
}

static void advance(struct machine *m, uint64_t delta)
{
        m->loc += delta * m->program->code_align;
}

static struct cs_cfi_rule *cfa(struct machine *m)
{
        return &m->row->cfa;
}

/* Instructions on the CFA; false: it is none of them. */
static bool on_cfa(struct machine *m, unsigned op)
{
        int64_t align = m->program->data_align;
        switch (op) {
        case DW_CFA_def_cfa:
        case DW_CFA_def_cfa_sf:
                *cfa(m) = (struct cs_cfi_rule){ .kind = CS_CFI_SAVED };
                cfa(m)->reg = (uint32_t)cs_cfi_unsigned(&m->c);
                cfa(m)->offset = op == DW_CFA_def_cfa ? (int64_t)cs_cfi_unsigned(&m->c)
                                                      : saved(0, cs_cfi_signed(&m->c), align).offset;
                return true;
        case DW_CFA_def_cfa_register:
                cfa(m)->reg = (uint32_t)cs_cfi_unsigned(&m->c);
                return true;
        case DW_CFA_def_cfa_offset:
                cfa(m)->offset = (int64_t)cs_cfi_unsigned(&m->c);
                return true;
        case DW_CFA_def_cfa_offset_sf:
                cfa(m)->offset = saved(0, cs_cfi_signed(&m->c), align).offset;
                return true;
        case DW_CFA_def_cfa_expression:
                *cfa(m) = expression(m, CS_CFI_EXPRESSION);
                return true;
        default:
                return false;
        }
}

/* Instructions on one register, whose number comes first; false: it is none of them. */
static bool on_register(struct machine *m, unsigned op)
{
        int64_t align = m->program->data_align;
        struct cs_cursor before = m->c;
        uint64_t reg = cs_cfi_unsigned(&m->c);
        struct cs_cfi_rule rule = { .kind = CS_CFI_SAME };
        switch (op) {
        case DW_CFA_offset_extended:
                rule = saved(CS_CFI_SAVED, (int64_t)cs_cfi_unsigned(&m->c), align);
                break;
        case DW_CFA_offset_extended_sf:
                rule = saved(CS_CFI_SAVED, cs_cfi_signed(&m->c), align);
                break;
        case DW_CFA_GNU_negative_offset_extended:
                rule = saved(CS_CFI_SAVED, (int64_t)-cs_cfi_unsigned(&m->c), align);
                break;
        case DW_CFA_val_offset:
                rule = saved(CS_CFI_OFFSET, (int64_t)cs_cfi_unsigned(&m->c), align);
                break;
        case DW_CFA_val_offset_sf:
                rule = saved(CS_CFI_OFFSET, cs_cfi_signed(&m->c), align);
                break;
        case DW_CFA_restore_extended:
                if (reg < CS_CFI_REGISTERS)
                        rule = m->initial.at[reg];
                break;
        case DW_CFA_undefined:
                rule.kind = CS_CFI_UNDEFINED;
                break;
        case DW_CFA_same_value:
                break;
        case DW_CFA_register:
                rule.kind = CS_CFI_MOVED;
                rule.reg = (uint32_t)cs_cfi_unsigned(&m->c);
                break;
        case DW_CFA_expression:
                rule = expression(m, CS_CFI_SAVED_AT);
                break;
        case DW_CFA_val_expression:
                rule = expression(m, CS_CFI_EXPRESSION);
                break;
        default:
                m->c = before;
                return false;
        }
        set_rule(m, reg, rule);
        return true;
}

static bool on_location(struct machine *m, unsigned op)
{
        switch (op) {
        case DW_CFA_nop:
                return true;
        case DW_CFA_advance_loc1:
                advance(m, cs_cursor_number(&m->c, 1));
                return true;
        case DW_CFA_advance_loc2:
                advance(m, cs_cursor_u16(&m->c));
                return true;
        case DW_CFA_advance_loc4:
                advance(m, cs_cursor_u32(&m->c));
                return true;
        case DW_CFA_GNU_args_size:
                (void)cs_cfi_unsigned(&m->c);
                return true;
        case DW_CFA_remember_state:
                m->c.bad |= m->depth == REMEMBERED;
                if (!m->c.bad)
                        m->remembered[m->depth++] = *m->row;
                return true;
        case DW_CFA_restore_state:
                m->c.bad |= m->depth == 0;
                if (!m->c.bad)
                        *m->row = m->remembered[--m->depth];
                return true;
        default:
                return false;
        }
}

/* One instruction; false where it is not understood. */
static bool step(struct machine *m)
{
        unsigned op = (unsigned)cs_cursor_number(&m->c, 1), low = op & 0x3f;
        switch (op & 0xc0) {
        case DW_CFA_advance_loc:
                advance(m, low);
                return true;
        case DW_CFA_offset:
                set_rule(m, low,
                         saved(CS_CFI_SAVED, (int64_t)cs_cfi_unsigned(&m->c), m->program->data_align));
                return true;
        case DW_CFA_restore:
                if (low < CS_CFI_REGISTERS)
                        m->row->at[low] = m->initial.at[low];
                return true;
        default:
                break;
        }
        return on_location(m, op) || on_cfa(m, op) || on_register(m, op);
}

/* Follows instructions up to those for code behind pc. */
static bool run(struct machine *m, struct cs_cursor instructions, uint64_t *steps)
{
        m->c = instructions;
        while (cs_cursor_left(&m->c) && !m->c.bad) {
                ++*steps;
                /* What comes behind an advance holds from the new location on. */
                if (!step(m) || m->loc - m->program->start > m->program->pc - m->program->start)
                        return !m->c.bad && m->loc - m->program->start > m->program->pc - m->program->start;
        }
        return !m->c.bad;
}

bool cs_cfi_execute(const struct cs_cfi_program *program, struct cs_cfi_row *out, uint64_t *steps)
{
        struct machine m = { .program = program, .row = out, .loc = program->start };
        bool signal = out->signal;
        *out = (struct cs_cfi_row){ .signal = signal };
        if (!run(&m, program->common, steps) || m.loc != program->start)
                return false;
        m.initial = *out;
        m.depth = 0;
        return run(&m, program->own, steps);
}

/* ---- expressions ------------------------------------------------------------------------------------------------- */

struct stack {
        const struct cs_cfi_world *world;
        struct cs_cursor c;
        uint64_t at[STACK];
        unsigned n;
        bool bad;
};

static void push(struct stack *s, uint64_t value)
{
        s->bad |= s->n == STACK;
        if (!s->bad)
                s->at[s->n++] = value;
}

static uint64_t pop(struct stack *s)
{
        s->bad |= s->n == 0;
        return s->bad ? 0 : s->at[--s->n];
}

static void push_register(struct stack *s, uint32_t number)
{
        uint64_t value = 0;
        int64_t offset = cs_cfi_signed(&s->c);
        s->bad |= s->c.bad || !s->world->reg(s->world->context, number, &value);
        push(s, value + (uint64_t)offset);
}

/* A constant operand, by its operation; false: it is none. */
static bool constant(struct stack *s, unsigned op)
{
        switch (op) {
        case DW_OP_const1u:
                push(s, cs_cursor_number(&s->c, 1));
                return true;
        case DW_OP_const1s:
                push(s, (uint64_t)(int8_t)cs_cursor_number(&s->c, 1));
                return true;
        case DW_OP_const2u:
                push(s, cs_cursor_u16(&s->c));
                return true;
        case DW_OP_const2s:
                push(s, (uint64_t)(int16_t)cs_cursor_u16(&s->c));
                return true;
        case DW_OP_const4u:
                push(s, cs_cursor_u32(&s->c));
                return true;
        case DW_OP_const4s:
                push(s, (uint64_t)(int32_t)cs_cursor_u32(&s->c));
                return true;
        case DW_OP_const8u:
        case DW_OP_const8s:
                push(s, cs_cursor_u64(&s->c));
                return true;
        case DW_OP_constu:
                push(s, cs_cfi_unsigned(&s->c));
                return true;
        case DW_OP_consts:
                push(s, (uint64_t)cs_cfi_signed(&s->c));
                return true;
        default:
                if (op < DW_OP_lit0 || op > DW_OP_lit31)
                        return false;
                push(s, op - DW_OP_lit0);
                return true;
        }
}

/* What takes two values and leaves one; x was there before y. */
static bool combine(unsigned op, uint64_t x, uint64_t y, uint64_t *value)
{
        switch (op) {
        case DW_OP_plus:
                *value = x + y;
                return true;
        case DW_OP_minus:
                *value = x - y;
                return true;
        case DW_OP_and:
                *value = x & y;
                return true;
        case DW_OP_shl:
                *value = y < 64 ? x << y : 0;
                return true;
        case DW_OP_ge:
                *value = (int64_t)x >= (int64_t)y;
                return true;
        default:
                return false;
        }
}

static void operate(struct stack *s, unsigned op)
{
        uint64_t value = 0;
        if (op >= DW_OP_breg0 && op <= DW_OP_breg31) {
                push_register(s, op - DW_OP_breg0);
        } else if (op == DW_OP_bregx) {
                uint64_t reg = cs_cfi_unsigned(&s->c);
                push_register(s, reg < CS_CFI_REGISTERS ? (uint32_t)reg : CS_CFI_REGISTERS);
        } else if (op == DW_OP_deref) {
                s->bad |= !s->world->word(s->world->context, pop(s), &value);
                push(s, value);
        } else if (op == DW_OP_plus_uconst) {
                value = pop(s);
                push(s, value + cs_cfi_unsigned(&s->c));
        } else if (!constant(s, op)) {
                uint64_t y = pop(s), x = pop(s);
                s->bad |= !combine(op, x, y, &value);
                push(s, value);
        }
}

bool cs_cfi_evaluate(const struct cs_cfi_rule *rule, const uint64_t *with_cfa,
                     const struct cs_cfi_world *world, uint64_t *value)
{
        struct stack s = { .world = world };
        if (!rule->expression || rule->len > EXPRESSION_BYTES)
                return false;
        s.c = cs_cursor_make(rule->expression, rule->len);
        if (with_cfa)
                push(&s, *with_cfa);
        while (!s.bad && !s.c.bad && cs_cursor_left(&s.c))
                operate(&s, (unsigned)cs_cursor_number(&s.c, 1));
        *value = pop(&s);
        return !s.bad && !s.c.bad;
}
