/* SPDX-License-Identifier: Apache-2.0 */
#include "cfi.h"

#include "cfi_private.h"
#include "cs_limits.h"

/* How pointers are written (LSB 5, Core, table 10-5 and 10-6). */
enum {
        PE_ABSPTR = 0x00,
        PE_UDATA2 = 0x02,
        PE_UDATA4 = 0x03,
        PE_UDATA8 = 0x04,
        PE_SDATA2 = 0x0a,
        PE_SDATA4 = 0x0b,
        PE_SDATA8 = 0x0c,
        PE_PCREL = 0x10,
        PE_OMIT = 0xff,
};

/* A common entry: what several functions' entries share. */
struct common {
        uint64_t code_align;
        int64_t data_align;
        uint8_t encoding; /* of addresses */
        bool augmented;   /* entries that refer to this one have augmentation data */
        bool signal;
        struct cs_cursor program;
};

uint64_t cs_cfi_unsigned(struct cs_cursor *c)
{
        uint64_t value = 0;
        for (unsigned shift = 0; shift < 70; shift += 7) {
                uint64_t byte = cs_cursor_number(c, 1);
                if (shift < 64)
                        value |= (byte & 0x7f) << shift;
                if (!(byte & 0x80))
                        return value;
        }
        c->bad = true;
        return 0;
}

int64_t cs_cfi_signed(struct cs_cursor *c)
{
        uint64_t value = 0;
        for (unsigned shift = 0; shift < 70; shift += 7) {
                uint64_t byte = cs_cursor_number(c, 1);
                if (shift < 64)
                        value |= (byte & 0x7f) << shift;
                if (!(byte & 0x80)) {
                        if (byte & 0x40 && shift + 7 < 64)
                                value |= ~UINT64_C(0) << (shift + 7);
                        return (int64_t)value;
                }
        }
        c->bad = true;
        return 0;
}

/* A number in the low four bits' form. */
static uint64_t encoded_number(struct cs_cursor *c, uint8_t encoding)
{
        switch (encoding & 0x0f) {
        case PE_UDATA2:
                return cs_cursor_u16(c);
        case PE_UDATA4:
                return cs_cursor_u32(c);
        case PE_SDATA2:
                return (uint64_t)(int16_t)cs_cursor_u16(c);
        case PE_SDATA4:
                return (uint64_t)(int32_t)cs_cursor_u32(c);
        case PE_ABSPTR:
        case PE_UDATA8:
        case PE_SDATA8:
                return cs_cursor_u64(c);
        default:
                c->bad = true;
                return 0;
        }
}

/* An address; `addr` is that of bytes[0]. */
static uint64_t encoded_address(struct cs_cursor *c, uint8_t encoding, const uint8_t *bytes, uint64_t addr)
{
        uint64_t here = addr + (uint64_t)(c->pos - bytes);
        uint64_t value = encoded_number(c, encoding);
        switch (encoding & 0xf0) {
        case 0:
                return value;
        case PE_PCREL:
                return here + value;
        default:
                c->bad = true;
                return 0;
        }
}

uint64_t cs_cfi_table(const uint8_t *header, size_t len, uint64_t addr)
{
        struct cs_cursor c = cs_cursor_make(header, len);
        uint8_t version = (uint8_t)cs_cursor_number(&c, 1), encoding = (uint8_t)cs_cursor_number(&c, 1);
        cs_cursor_skip(&c, 2); /* how the number and the order of entries are written */
        uint64_t table =
                version == 1 && encoding != PE_OMIT ? encoded_address(&c, encoding, header, addr) : 0;
        return c.bad ? 0 : table;
}

/* The entry at `at`: its content behind the length, and where the next one begins. False at the end of the table. */
static bool entry_at(const struct cs_cfi *cfi, size_t at, struct cs_cursor *content, size_t *next)
{
        if (at > cfi->len)
                return false;
        struct cs_cursor c = cs_cursor_make(cfi->bytes + at, cfi->len - at);
        uint64_t size = cs_cursor_u32(&c);
        if (size == UINT32_MAX)
                size = cs_cursor_u64(&c);
        if (c.bad || size < 4 || size > CS_LIMIT_CFI_ENTRY || size > cs_cursor_left(&c))
                return false;
        *content = cs_cursor_make(c.pos, (size_t)size);
        *next = (size_t)(c.pos - cfi->bytes) + (size_t)size;
        return true;
}

/* What the letters of the augmentation string announce; the data is a block of known size. */
static bool read_augmentation(struct cs_cursor *c, const char *letters, struct common *out)
{
        if (!*letters)
                return true;
        if (*letters != 'z')
                return false;
        out->augmented = true;
        uint64_t size = cs_cfi_unsigned(c);
        const uint8_t *at = size <= cs_cursor_left(c) ? cs_cursor_take(c, (size_t)size) : NULL;
        if (!at)
                return false;
        struct cs_cursor data = cs_cursor_make(at, (size_t)size);
        for (letters++; *letters; letters++) {
                if (*letters == 'R')
                        out->encoding = (uint8_t)cs_cursor_number(&data, 1);
                else if (*letters == 'L')
                        cs_cursor_skip(&data, 1);
                else if (*letters ==
                         'P') /* the personality routine: only stepped over, so relative or not is the same */
                        (void)encoded_number(&data, (uint8_t)cs_cursor_number(&data, 1));
                else if (*letters == 'S')
                        out->signal = true;
                else if (*letters != 'B')
                        return false;
        }
        return !data.bad;
}

static bool read_common(const struct cs_cfi *cfi, size_t at, struct common *out)
{
        struct cs_cursor c;
        size_t next;
        *out = (struct common){ 0 };
        if (!entry_at(cfi, at, &c, &next) || cs_cursor_u32(&c) != 0)
                return false;
        uint8_t version = (uint8_t)cs_cursor_number(&c, 1);
        const char *letters = cs_cursor_string(&c);
        if (!letters || (version != 1 && version != 3 && version != 4))
                return false;
        if (version == 4 && (cs_cursor_number(&c, 1) != 8 || cs_cursor_number(&c, 1) != 0))
                return false; /* size of addresses, and of segment selectors */
        out->code_align = cs_cfi_unsigned(&c);
        out->data_align = cs_cfi_signed(&c);
        uint64_t pc = version == 1 ? cs_cursor_number(&c, 1) : cs_cfi_unsigned(&c);
        if (c.bad || pc != CS_CFI_PC || !read_augmentation(&c, letters, out))
                return false;
        out->program = c;
        return !c.bad;
}

/* A function's entry whose content this is: its range, and its program. False: it is a common one, or damaged. */
static bool read_function(const struct cs_cfi *cfi, struct cs_cursor c, struct common *common,
                          struct cs_cfi_entry *out, struct cs_cursor *program)
{
        size_t here = (size_t)(c.pos - cfi->bytes);
        uint64_t back = cs_cursor_u32(&c); /* from this field to the common entry */
        if (!back || back > here || !read_common(cfi, here - (size_t)back, common))
                return false;
        out->start = encoded_address(&c, common->encoding, cfi->bytes, cfi->addr);
        uint64_t size = encoded_number(&c, common->encoding & 0x0f);
        if (common->augmented) {
                uint64_t len = cs_cfi_unsigned(&c);
                if (len > cs_cursor_left(&c))
                        return false;
                cs_cursor_skip(&c, (size_t)len);
        }
        if (c.bad || !size || size > UINT64_MAX - out->start)
                return false;
        out->end = out->start + size;
        *program = c;
        return true;
}

static int by_start(const void *a, const void *b)
{
        const struct cs_cfi_entry *x = a, *y = b;
        if (x->start != y->start)
                return x->start < y->start ? -1 : 1;
        return x->at < y->at ? -1 : x->at > y->at;
}

enum cs_status cs_cfi_open(const uint8_t *bytes, size_t len, uint64_t addr, struct cs_cfi *out,
                           struct cs_error *err)
{
        struct cs_cursor content, program;
        struct common common;
        *out = (struct cs_cfi){ .bytes = bytes, .len = len, .addr = addr };
        for (size_t at = 0, next; entry_at(out, at, &content, &next); at = next) {
                struct cs_cfi_entry e = { .at = at };
                if (!read_function(out, content, &common, &e, &program))
                        continue;
                enum cs_status st = cs_vec_push(&out->entries, e, err);
                if (st != CS_OK) {
                        cs_cfi_deinit(out);
                        return st;
                }
        }
        if (out->entries.n)
                qsort(out->entries.at, out->entries.n, sizeof(*out->entries.at), by_start);
        return CS_OK;
}

void cs_cfi_deinit(struct cs_cfi *cfi)
{
        cs_vec_deinit(&cfi->entries);
}

bool cs_cfi_row(const struct cs_cfi *cfi, uint64_t pc, struct cs_cfi_row *out, uint64_t *steps)
{
        size_t lo = 0, hi = cfi->entries.n, next;
        struct cs_cursor content;
        struct cs_cfi_entry e = { 0 };
        struct common common;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (cfi->entries.at[mid].start <= pc)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        if (!lo || pc >= cfi->entries.at[lo - 1].end ||
            !entry_at(cfi, cfi->entries.at[lo - 1].at, &content, &next))
                return false;
        struct cs_cfi_program program = { .start = cfi->entries.at[lo - 1].start, .pc = pc };
        if (!read_function(cfi, content, &common, &e, &program.own))
                return false;
        program.common = common.program;
        program.code_align = common.code_align;
        program.data_align = common.data_align;
        out->signal = common.signal;
        return cs_cfi_execute(&program, out, steps);
}
