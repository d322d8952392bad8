/* SPDX-License-Identifier: Apache-2.0 */
/* leakfix.c - libleakfix.so, a library which owns, loses and hides memory for leaktruth. */
#include <stdlib.h>
#include <string.h>

struct node {
        struct node *next;
        char pad[72];
};
static struct node *kept; /* .bss root of this library */

void *leakfix_keep(void)
{
        struct node *n = malloc(sizeof *n);
        memset(n, 0, sizeof *n);
        n->next = kept;
        kept = n;
        return n;
}

__attribute__((noinline)) void *leakfix_lose(size_t n)
{
        char *p = malloc(n);
        memset(p, 'L', n);
        return p;
}

/* An object whose only mark is a pointer to a constant of this library. */
struct tagged {
        const char *name;
        struct tagged *peer;
        char pad[104];
};
void *leakfix_object(void)
{
        struct tagged *t = calloc(1, sizeof *t);
        t->name = "leakfix object";
        return t;
}
