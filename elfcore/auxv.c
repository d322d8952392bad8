/* SPDX-License-Identifier: Apache-2.0 */
#include "auxv.h"

#include "bytes.h"
#include "cs_limits.h"
#include "cursor.h"
#include "vec.h"

#include <elf.h>

enum {
        PAIR_BYTES = 16,
        TYPE_MAX = 64,         /* Linux include/uapi/linux/auxvec.h: the greatest is AT_MINSIGSTKSZ, 51 */
        PAIRS_MAX = 64,        /* Linux include/linux/mm_types.h: AT_VECTOR_SIZE, some 50 words */
        PATH_BYTES_MAX = 4096, /* PATH_MAX: what execve() takes */
        STEP = 64 << 10,
        SEARCH_MAX =
                8
                << 20, /* arguments and environment take 6 MiB at most (Linux fs/exec.c, bprm_set_stack_limit()) */
        COMMAND_MAX = 4096,
        ARGUMENTS_MAX = 64, /* that are shown */
};

void cs_auxv_parse(const uint8_t *bytes, size_t len, struct cs_auxv *out)
{
        struct cs_cursor c = cs_cursor_make(bytes, len);
        while (cs_cursor_left(&c) >= PAIR_BYTES) {
                uint64_t type = cs_cursor_u64(&c), value = cs_cursor_u64(&c);
                if (type == AT_NULL)
                        break;
                if (type == AT_RANDOM)
                        out->random = value;
                else if (type == AT_ENTRY)
                        out->entry = value;
                else if (type == AT_SYSINFO_EHDR)
                        out->vdso = value;
                else if (type == AT_PHDR)
                        out->phdr = value;
                else if (type == AT_PHNUM)
                        out->phnum = value;
                else if (type == AT_EXECFN)
                        out->execfn = value;
        }
}

/* The path of the program is the last that lies on the stack, with a word of zeros behind it (Linux fs/exec.c, bprm->p and
 * copy_string_kernel()). Its address; 0: this is no such stack. */
static uint64_t program_path(struct cs_source *source, struct cs_range stack,
                             char path[static PATH_BYTES_MAX])
{
        uint8_t bytes[PATH_BYTES_MAX];
        size_t len = cs_range_size(stack) < sizeof(bytes) ? (size_t)cs_range_size(stack) : sizeof(bytes);
        if (len < 2 * sizeof(uint64_t) || !cs_source_exact(source, stack.end - len, bytes, len))
                return 0;
        size_t end = len - sizeof(uint64_t) - 1; /* of the path: its NUL */
        size_t start = end;
        if (!cs_all_zero(bytes + end, len - end))
                return 0;
        while (start > 0 && bytes[start - 1])
                start--;
        if (start == 0 || start == end)
                return 0;
        memcpy(path, bytes + start, end - start + 1);
        return stack.end - len + start;
}

/* Where the pair (AT_EXECFN, path) lies, searched downwards from the path; 0: nowhere. */
static uint64_t find_pair(struct cs_source *source, uint64_t low, uint64_t path)
{
        static const size_t overlap =
                PAIR_BYTES - sizeof(uint64_t); /* a pair may lie on the edge of two steps */
        uint64_t high = path & ~(uint64_t)7, found = 0;
        uint8_t *bytes = malloc(STEP);
        if (high > SEARCH_MAX && low < high - SEARCH_MAX)
                low = high - SEARCH_MAX;
        while (bytes && !found && high > low && high - low >= PAIR_BYTES) {
                size_t len = high - low < STEP ? (size_t)(high - low) : STEP;
                if (!cs_source_exact(source, high - len, bytes, len))
                        break;
                for (size_t n = (len - PAIR_BYTES) / 8 + 1; n-- > 0 && !found;)
                        if (cs_word(bytes + 8 * n) == AT_EXECFN && cs_word(bytes + 8 * n + 8) == path)
                                found = high - len + 8 * n;
                if (high - len == low)
                        break;
                high -= len - overlap;
        }
        free(bytes);
        return found;
}

/* The words from `at` downwards to the first that is zero: its address, or 0 where none of `most` is. */
static uint64_t zero_below(struct cs_source *source, uint64_t low, uint64_t at, uint64_t most)
{
        uint64_t word;
        for (; at >= low && most; at -= 8, most--)
                if (!cs_source_u64(source, at, &word))
                        return 0;
                else if (word == 0)
                        return at;
        return 0;
}

/* Appends the string at addr. False: there is none, or no room. */
static bool add_argument(struct cs_source *source, struct cs_range stack, uint64_t addr, char *text,
                         size_t *used)
{
        size_t room = COMMAND_MAX - *used, got;
        if (!cs_range_has(stack, addr) || room < 2)
                return false;
        if (*used)
                text[(*used)++] = ' ', room--;
        if (room > stack.end - addr)
                room = (size_t)(stack.end - addr);
        if (cs_source_read(source, addr, text + *used, room, &got, NULL) != CS_OK)
                return false;
        *used += strnlen(text + *used, got);
        return true;
}

/* Below the vector stand the environment and the arguments, each a list of pointers that ends with NULL, and their number
 * (System V psABI x86-64, figure 3.9). */
static const char *read_command(struct cs_source *source, struct cs_range stack, uint64_t vector,
                                struct cs_pool *pool)
{
        char text[COMMAND_MAX];
        size_t used = 0;
        uint64_t most = SEARCH_MAX / sizeof(uint64_t), argument, count;
        uint64_t list_end = zero_below(source, stack.start, vector - 16, most);
        if (!list_end)
                return NULL;
        /* The number of arguments is the first word below the list that is as great as the distance from it. */
        for (count = 0; count < most; count++) {
                uint64_t at = list_end - 8 * (count + 1);
                if (at < stack.start || !cs_source_u64(source, at, &argument))
                        return NULL;
                if (argument == count)
                        break;
        }
        for (uint64_t i = 0; i < count && i < ARGUMENTS_MAX; i++)
                if (!cs_source_u64(source, list_end - 8 * (count - i), &argument) ||
                    !add_argument(source, stack, argument, text, &used))
                        break;
        return used ? cs_pool_copy(pool, text, used) : NULL;
}

bool cs_auxv_find(struct cs_source *source, struct cs_range stack, struct cs_pool *pool, struct cs_auxv *out,
                  const char **command, const char **program)
{
        char path[PATH_BYTES_MAX];
        uint8_t pairs[PAIRS_MAX * PAIR_BYTES];
        uint64_t words[2], execfn = program_path(source, stack, path);
        uint64_t first = execfn ? find_pair(source, stack.start, execfn) : 0;
        if (!first)
                return false;
        for (size_t i = 0; i < PAIRS_MAX && first - stack.start >= PAIR_BYTES; i++, first -= PAIR_BYTES)
                if (!cs_source_exact(source, first - PAIR_BYTES, words, sizeof(words)) || words[0] == 0 ||
                    words[0] > TYPE_MAX)
                        break;
        size_t got, len = sizeof(pairs);
        if (len > execfn - first)
                len = (size_t)(execfn - first);
        if (cs_source_read(source, first, pairs, len, &got, NULL) != CS_OK)
                return false;
        cs_auxv_parse(pairs, got, out);
        out->execfn = execfn;
        *program = cs_pool_copy(pool, path, strlen(path));
        *command = first - stack.start > 16 ? read_command(source, stack, first, pool) : NULL;
        return true;
}
