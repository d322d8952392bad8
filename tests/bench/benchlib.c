/* SPDX-License-Identifier: Apache-2.0 */
/* A library whose blocks say whose they are as those of real ones do: some by a table of functions in their first word, some by
 * a pointer to a constant, some by nothing but what points at them; with texts, arrays and buffers between them. Built twice
 * (MAKE, NAME), so that there are two that look alike. */
#include "benchlib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node { /* an object with a class, as C++ has them */
        const void *const *table;
        void *first, *second;
        char *name;
        uint64_t number;
};

struct entry { /* no word into a module */
        void *first, *second;
        char *text;
        uint32_t length, hash;
};

struct setting { /* a pointer to a constant, not at the start */
        void *next;
        const char *key;
        char *value;
};

static int node_size(const struct node *n)
{
        return (int)n->number;
}

static void node_touch(struct node *n)
{
        n->number++;
}

static const void *const node_table[] = { (const void *)node_size, (const void *)node_touch };
static const void *const leaf_table[] = { (const void *)node_touch, (const void *)node_size };
static const char *const keys[] = { NAME ".path", NAME ".limit", NAME ".timeout", NAME ".retries" };

static void *some(size_t size, uint64_t *made)
{
        void *block = calloc(1, size);
        if (!block)
                exit(1);
        ++*made;
        return block;
}

static char *text(uint64_t number, uint64_t *made)
{
        char line[96];
        int n = snprintf(line, sizeof(line),
                         number % 3 ? NAME " item %lu of %lu" : "/var/lib/" NAME "/%lu/objects/%lu.dat",
                         (unsigned long)number, (unsigned long)(number * 2654435761U));
        char *kept = some((size_t)n + 1, made);
        return memcpy(kept, line, (size_t)n + 1);
}

static void *make_node(const void *const *table, uint64_t number, void *first, void *second, uint64_t *made)
{
        struct node *n = some(sizeof(*n) + number % 3 * 16, made);
        *n = (struct node){ table, first, second, text(number, made), number };
        return n;
}

static void *make_entry(uint64_t number, void *first, void *second, uint64_t *made)
{
        struct entry *e = some(sizeof(*e), made);
        *e = (struct entry){ first, second, text(number, made), (uint32_t)number % 100,
                             (uint32_t)(number * 40503) };
        return e;
}

/* An array of nodes of its own. */
static void *make_table(uint64_t number, void *first, void *second, uint64_t *made)
{
        size_t n = 4 + number % 29;
        void **table = some((n + 2) * sizeof(*table), made);
        table[0] = first;
        table[1] = second;
        for (size_t i = 0; i < n; i++)
                table[2 + i] = make_node(leaf_table, number + i, i ? table[1 + i] : first, second, made);
        return table;
}

static void *make_setting(uint64_t number, void *first, uint64_t *made)
{
        struct setting *s = some(sizeof(*s), made);
        *s = (struct setting){ first, keys[number % 4], text(number, made) };
        return s;
}

/* Numbers, and one pointer in front of them. */
static void *make_buffer(uint64_t number, void *first, uint64_t *made)
{
        uint64_t *b = some(64 + number % 48 * 8, made);
        b[0] = (uint64_t)(uintptr_t)first;
        for (uint64_t i = 1; i < 8; i++)
                b[i] = number * i;
        return b;
}

void *MAKE(uint64_t number, void *first, void *second, uint64_t *made)
{
        switch (number % 6) {
        case 0:
                return make_node(node_table, number, first, second, made);
        case 1:
                return make_node(leaf_table, number, second, first, made);
        case 2:
                return make_entry(number, first, second, made);
        case 3:
                return number % 12 == 3 ? make_table(number, first, second, made)
                                        : make_entry(number, second, first, made);
        case 4:
                return make_setting(number, first, made);
        default:
                return make_buffer(number, first, made);
        }
}
