/* SPDX-License-Identifier: Apache-2.0 */
#include "notes.h"

#include "cs_limits.h"
#include "cursor.h"

#include <elf.h>
#include <stdlib.h>

/* x86-64 note layouts: Linux include/uapi/linux/elfcore.h and arch/x86/include/asm/user_64.h (stable ABI). */
enum {
        PRSTATUS_PID = 32,
        PRSTATUS_REGS = 112,
        PRSTATUS_BYTES = 336,
        REG_COUNT = 27,
        REG_ORIG_RAX = 15,
        REG_RIP = 16,
        REG_RSP = 19,
        REG_FS_BASE = 21,
        PRPSINFO_PID = 24,
        PRPSINFO_ARGS = 56,
        PRPSINFO_ARGS_BYTES = 80,
        PRPSINFO_BYTES = 136,
        FILE_ENTRY_BYTES = 24,
};

struct note {
        uint32_t type;
        const char *name;
        size_t name_len;
        struct cs_cursor desc;
};

/* The next note of c; false at the end or where a note does not fit (c->bad). */
static bool note_next(struct cs_cursor *c, struct note *note)
{
        if (cs_cursor_left(c) < 12)
                return false;
        uint32_t namesz = cs_cursor_u32(c);
        uint32_t descsz = cs_cursor_u32(c);
        note->type = cs_cursor_u32(c);
        const uint8_t *name = cs_cursor_take(c, namesz);
        cs_cursor_skip(c, (4 - namesz % 4) % 4);
        const uint8_t *desc = cs_cursor_take(c, descsz);
        if (c->bad)
                return false;
        note->name = (const char *)name;
        note->name_len = namesz;
        note->desc = cs_cursor_make(desc, descsz);
        /* The last note may lack its padding. */
        size_t pad = (4 - descsz % 4) % 4;
        size_t left = cs_cursor_left(c);
        cs_cursor_skip(c, pad < left ? pad : left);
        return true;
}

static bool note_is(const struct note *note, const char *name)
{
        size_t len = strlen(name) + 1;
        return note->name_len == len && memcmp(note->name, name, len) == 0;
}

static enum cs_status read_thread(struct cs_notes *notes, struct cs_cursor c, struct cs_error *err)
{
        if (cs_cursor_left(&c) < PRSTATUS_BYTES || notes->threads.n >= CS_LIMIT_THREADS) {
                notes->damaged = true;
                return CS_OK;
        }
        const uint8_t *at = c.pos;
        struct cs_thread thread = { .has_registers = true };
        uint32_t tid;
        uint64_t regs[REG_COUNT];
        memcpy(&tid, at + PRSTATUS_PID, sizeof(tid));
        memcpy(regs, at + PRSTATUS_REGS, sizeof(regs));
        thread.tid = (pid_t)tid;
        thread.sp = regs[REG_RSP];
        thread.pc = regs[REG_RIP];
        thread.fs_base = regs[REG_FS_BASE];
        /* r15 … rdi: the first fifteen are general registers. */
        memcpy(thread.gpr, regs, REG_ORIG_RAX * sizeof(regs[0]));
        return cs_vec_push(&notes->threads, thread, err);
}

static enum cs_status read_process(struct cs_notes *notes, struct cs_cursor c, struct cs_pool *pool,
                                   struct cs_error *err)
{
        if (cs_cursor_left(&c) < PRPSINFO_BYTES) {
                notes->damaged = true;
                return CS_OK;
        }
        uint32_t pid;
        memcpy(&pid, c.pos + PRPSINFO_PID, sizeof(pid));
        notes->pid = (pid_t)pid;
        const char *args = (const char *)c.pos + PRPSINFO_ARGS;
        size_t len = strnlen(args, PRPSINFO_ARGS_BYTES);
        while (len && args[len - 1] == ' ')
                len--;
        notes->command = cs_pool_copy(pool, args, len);
        return notes->command ? CS_OK : cs_fail(err, CS_ENOMEM, "command line");
}

static enum cs_status read_files(struct cs_notes *notes, struct cs_cursor c, struct cs_pool *pool,
                                 struct cs_error *err)
{
        uint64_t count = cs_cursor_u64(&c);
        uint64_t unit = cs_cursor_u64(&c);
        if (c.bad || count > cs_cursor_left(&c) / FILE_ENTRY_BYTES || count > CS_LIMIT_MAPPINGS) {
                notes->damaged = true;
                return CS_OK;
        }
        struct cs_cursor names = c;
        cs_cursor_skip(&names, (size_t)count * FILE_ENTRY_BYTES);
        for (uint64_t i = 0; i < count; i++) {
                struct cs_note_file file = { .range.start = cs_cursor_u64(&c) };
                file.range.end = cs_cursor_u64(&c);
                uint64_t pages = cs_cursor_u64(&c);
                const char *path = cs_cursor_string(&names);
                if (!path || !cs_range_mappable(file.range) ||
                    __builtin_mul_overflow(pages, unit, &file.file_offset)) {
                        notes->damaged = true;
                        if (!path)
                                break;
                        continue;
                }
                file.path = cs_pool_copy(pool, path, strlen(path));
                if (!file.path)
                        return cs_fail(err, CS_ENOMEM, "NT_FILE");
                enum cs_status st = cs_vec_push(&notes->files, file, err);
                if (st != CS_OK)
                        return st;
        }
        return CS_OK;
}

enum cs_status cs_notes_parse(const uint8_t *bytes, size_t len, struct cs_pool *pool, struct cs_notes *out,
                              struct cs_error *err)
{
        struct cs_cursor c = cs_cursor_make(bytes, len);
        struct note note;
        while (note_next(&c, &note)) {
                enum cs_status st = CS_OK;
                if (!note_is(&note, "CORE"))
                        continue;
                if (note.type == NT_PRSTATUS)
                        st = read_thread(out, note.desc, err);
                else if (note.type == NT_PRPSINFO)
                        st = read_process(out, note.desc, pool, err);
                else if (note.type == NT_FILE)
                        st = read_files(out, note.desc, pool, err);
                else if (note.type == NT_AUXV)
                        cs_auxv_parse(note.desc.pos, cs_cursor_left(&note.desc), &out->auxv);
                if (st != CS_OK)
                        return st;
        }
        out->damaged |= c.bad;
        return CS_OK;
}

void cs_notes_deinit(struct cs_notes *notes)
{
        cs_vec_deinit(&notes->threads);
        cs_vec_deinit(&notes->files);
}

static int files_by_start(const void *a, const void *b)
{
        const struct cs_note_file *x = a, *y = b;
        return x->range.start < y->range.start ? -1 : x->range.start > y->range.start;
}

void cs_notes_tidy(struct cs_notes *notes)
{
        size_t kept = 0;
        if (notes->files.n)
                qsort(notes->files.at, notes->files.n, sizeof(*notes->files.at), files_by_start);
        for (size_t i = 0; i < notes->files.n; i++) {
                if (kept && notes->files.at[i].range.start < notes->files.at[kept - 1].range.end)
                        notes->damaged = true;
                else
                        notes->files.at[kept++] = notes->files.at[i];
        }
        notes->files.n = kept;
}

size_t cs_notes_build_id(const uint8_t *bytes, size_t len, const uint8_t **id)
{
        struct cs_cursor c = cs_cursor_make(bytes, len);
        struct note note;
        while (note_next(&c, &note)) {
                size_t size = cs_cursor_left(&note.desc);
                if (note.type != NT_GNU_BUILD_ID || !note_is(&note, "GNU") || size == 0 ||
                    size > CS_BUILD_ID_MAX)
                        continue;
                *id = note.desc.pos;
                return size;
        }
        return 0;
}
