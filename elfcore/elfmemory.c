/* SPDX-License-Identifier: Apache-2.0 */
#include "elfmemory.h"

#include "cs_limits.h"
#include "cursor.h"

#include <elf.h>
#include <string.h>

enum {
        EHDR_BYTES = 64, /* Elf64_Ehdr, Elf64_Phdr, Elf64_Dyn, Elf64_Sym: System V gABI, chapters 4 and 5 */
        PHDR_BYTES = 56,
        DYN_BYTES = 16,
        SYM_BYTES = 24,
        CHAIN_STEP = 4096, /* chains are short */
        STEP = 1 << 20,    /* bytes asked for at once: what is allocated follows what could be read */
};

void cs_elf_dynamic_deinit(struct cs_elf_dynamic *dynamic)
{
        cs_vec_deinit(&dynamic->needed);
}

/* A d_ptr as target address: ld.so relocates them in place, but not where the section is read-only. */
static uint64_t pointer(const struct cs_elfmemory *where, uint64_t value)
{
        if (cs_range_has(where->range, value))
                return value;
        return cs_range_has(where->range, where->bias + value) ? where->bias + value : 0;
}

enum cs_status cs_elf_dynamic_parse(const uint8_t *bytes, size_t len, const struct cs_elfmemory *where,
                                    struct cs_elf_dynamic *out, struct cs_error *err)
{
        *out = (struct cs_elf_dynamic){ 0 };
        struct cs_cursor c = cs_cursor_make(bytes, len);
        enum cs_status st = CS_OK;
        while (st == CS_OK && cs_cursor_left(&c) >= DYN_BYTES) {
                uint64_t tag = cs_cursor_u64(&c), value = cs_cursor_u64(&c);
                if (tag == DT_NULL) {
                        out->whole = true;
                        break;
                }
                if (tag == DT_STRTAB)
                        out->strtab = pointer(where, value);
                else if (tag == DT_STRSZ)
                        out->strsz = value;
                else if (tag == DT_SYMTAB)
                        out->symtab = pointer(where, value);
                else if (tag == DT_HASH)
                        out->hash = pointer(where, value);
                else if (tag == DT_GNU_HASH)
                        out->gnu_hash = pointer(where, value);
                else if (tag == DT_SONAME)
                        out->soname = value;
                else if (tag == DT_DEBUG)
                        out->debug = value;
                else if (tag == DT_NEEDED && out->needed.n < CS_LIMIT_DYNAMIC)
                        st = cs_vec_push(&out->needed, value, err);
        }
        if (st != CS_OK)
                cs_elf_dynamic_deinit(out);
        return st;
}

enum cs_status cs_elfmemory_segments(const struct cs_elfmemory *where, struct cs_elf_segment **out, size_t *n,
                                     struct cs_error *err)
{
        uint8_t raw[EHDR_BYTES];
        *out = NULL;
        *n = 0;
        if (!cs_range_holds(where->range, where->range.start, sizeof(raw)) ||
            !cs_source_exact(where->source, where->range.start, raw, sizeof(raw)) ||
            memcmp(raw, ELFMAG, SELFMAG) != 0 || raw[EI_CLASS] != ELFCLASS64 || raw[EI_DATA] != ELFDATA2LSB)
                return CS_OK;
        struct cs_cursor c = cs_cursor_make(raw, sizeof(raw));
        cs_cursor_skip(&c, 32); /* to e_phoff */
        uint64_t phoff = cs_cursor_u64(&c);
        cs_cursor_skip(&c, 8 + 4 + 2); /* e_shoff, e_flags, e_ehsize */
        uint16_t size = cs_cursor_u16(&c), count = cs_cursor_u16(&c);
        if (size != PHDR_BYTES || count == 0 || phoff >= cs_range_size(where->range))
                return CS_OK;

        uint8_t *bytes;
        size_t got;
        enum cs_status st = cs_elfmemory_bytes(where, where->range.start + phoff,
                                               (uint64_t)count * PHDR_BYTES, &bytes, &got, err);
        if (st != CS_OK)
                return st;
        struct cs_elf_segment *segments = calloc(got / PHDR_BYTES + 1, sizeof(*segments));
        c = cs_cursor_make(bytes, got);
        while (segments && cs_cursor_left(&c) >= PHDR_BYTES) {
                struct cs_elf_segment *s = &segments[(*n)++];
                s->type = cs_cursor_u32(&c);
                s->flags = cs_cursor_u32(&c);
                s->offset = cs_cursor_u64(&c);
                s->vaddr = cs_cursor_u64(&c);
                cs_cursor_skip(&c, 8); /* p_paddr */
                s->filesz = cs_cursor_u64(&c);
                s->memsz = cs_cursor_u64(&c);
                cs_cursor_skip(&c, 8); /* p_align */
        }
        free(bytes);
        *out = segments;
        return segments ? CS_OK : cs_fail(err, CS_ENOMEM, "program headers");
}

enum cs_status cs_elfmemory_bytes(const struct cs_elfmemory *where, uint64_t addr, uint64_t len,
                                  uint8_t **bytes, size_t *got, struct cs_error *err)
{
        CS_VEC(uint8_t) buf = { 0 };
        if (!cs_range_has(where->range, addr))
                len = 0;
        else if (len > where->range.end - addr)
                len = where->range.end - addr;
        if (len > CS_LIMIT_SYMBOL_BYTES)
                len = CS_LIMIT_SYMBOL_BYTES;
        for (bool whole = true; whole && buf.n < len;) {
                size_t want = len - buf.n < STEP ? (size_t)len - buf.n : STEP, read = 0;
                enum cs_status st = cs_vec_reserve(&buf, want + 1, err);
                if (st == CS_OK &&
                    cs_source_read(where->source, addr + buf.n, buf.at + buf.n, want, &read, NULL) != CS_OK)
                        read = 0; /* a source that failed reads as a gap here: names are not worth an error */
                if (st != CS_OK) {
                        cs_vec_deinit(&buf);
                        return st;
                }
                buf.n += read;
                whole = read == want;
        }
        enum cs_status st = cs_vec_reserve(&buf, 1, err);
        if (st != CS_OK) {
                cs_vec_deinit(&buf);
                return st;
        }
        buf.at[buf.n] = 0;
        *bytes = buf.at;
        *got = buf.n;
        return CS_OK;
}

/* Reads a 32-bit number of the object's memory. */
static bool number(const struct cs_elfmemory *where, uint64_t addr, uint32_t *value)
{
        uint8_t raw[4];
        if (!cs_range_holds(where->range, addr, sizeof(raw)) ||
            !cs_source_exact(where->source, addr, raw, sizeof(raw)))
                return false;
        memcpy(value, raw, sizeof(raw));
        return true;
}

/* Entries of a chain of DT_GNU_HASH, the one with bit 0 set (the last) included. */
static uint64_t chain_length(const struct cs_elfmemory *where, uint64_t at)
{
        uint64_t length = 0;
        for (size_t got = CHAIN_STEP; got == CHAIN_STEP && length < CS_LIMIT_SYMBOLS; at += CHAIN_STEP) {
                uint8_t *bytes;
                if (cs_elfmemory_bytes(where, at, CHAIN_STEP, &bytes, &got, NULL) != CS_OK)
                        return length;
                struct cs_cursor c = cs_cursor_make(bytes, got);
                bool last = false;
                for (; !last && cs_cursor_left(&c) >= 4; length++)
                        last = cs_cursor_u32(&c) & 1;
                free(bytes);
                if (last)
                        break;
        }
        return length;
}

/* DT_GNU_HASH: nbuckets, symoffset, bloom_size, bloom_shift, bloom words, buckets, chains (binutils, bfd/elflink.c; glibc,
 * elf/dl-lookup.c). The last symbol is the one at the end of the chain of the greatest bucket: its hash has bit 0 set. */
static uint64_t gnu_hash_count(const struct cs_elfmemory *where, uint64_t at)
{
        uint32_t buckets, first, bloom, last = 0;
        if (!number(where, at, &buckets) || !number(where, at + 4, &first) || !number(where, at + 8, &bloom))
                return 0;
        at += 16 + (uint64_t)bloom * 8;
        uint8_t *bytes;
        size_t got;
        if (cs_elfmemory_bytes(where, at, (uint64_t)buckets * 4, &bytes, &got, NULL) != CS_OK)
                return 0;
        struct cs_cursor c = cs_cursor_make(bytes, got);
        while (cs_cursor_left(&c) >= 4) {
                uint32_t bucket = cs_cursor_u32(&c);
                if (bucket > last)
                        last = bucket;
        }
        free(bytes);
        if (last < first)
                return first;
        return (uint64_t)last +
               chain_length(where, at + (uint64_t)buckets * 4 + (uint64_t)(last - first) * 4);
}

uint64_t cs_elfmemory_symbol_count(const struct cs_elfmemory *where, const struct cs_elf_dynamic *dynamic)
{
        uint32_t chains;
        uint64_t count = 0;
        if (!dynamic->symtab)
                return 0;
        /* DT_HASH: nbucket, nchain; there are as many chain entries as symbols (gABI, chapter 5, "Hash Table"). */
        if (dynamic->hash && number(where, dynamic->hash + 4, &chains))
                count = chains;
        else if (dynamic->gnu_hash)
                count = gnu_hash_count(where, dynamic->gnu_hash);
        else if (dynamic->strtab > dynamic->symtab)
                count = (dynamic->strtab - dynamic->symtab) /
                        SYM_BYTES; /* no hash table: how linkers lay them out */
        uint64_t room = (where->range.end - dynamic->symtab) / SYM_BYTES;
        return count < room ? count : room;
}
