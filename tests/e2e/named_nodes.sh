#!/bin/bash
# A library's opaque handle: nodes without a pointer into any module, which carry the names of the library's own table. A second
# library has a part of these names as well, and the program holds the handle. The nodes are the library's.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1

need_command gdb

library() { # name: C on standard input
        local log

        log=$("$CC" -std=gnu17 -O1 -x c -shared -fPIC -o "$tmp/$1" -) || give_up "$1 compiles" "$log"
}

names=$(printf '"planetary%s", ' alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november)

library libtree.so <<END
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct node {
        char name[40];
        unsigned kind;
        struct node *down, *right;
        char rest[90];
};
static const char *const names[] = { $names "orbitalperiod", "inclination", "eccentricity" };
enum { N = sizeof(names) / sizeof(*names) };
void *tree_new(int n);
void *tree_new(int n)
{
        struct node *all = NULL;
        for (int i = 0; i < n; i++) {
                struct node *x = calloc(1, sizeof(*x));
                strcpy(x->name, names[(unsigned)i % N]);
                x->kind = (unsigned)i % 7;
                x->right = all;
                all = x;
        }
        return all;
}
END

library libother.so <<'END'
static const char *const words[] = { "planetaryalpha", "planetarybravo", "planetarycharlie", "planetarydelta", "somethingelse" };
const char *other(int i);
const char *other(int i)
{
        return words[i % 5];
}
END

build_c holder -L"$tmp" -Wl,-rpath,"$tmp" -ltree -lother <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
void *tree_new(int n);
const char *other(int i);
static void *trees[20];
int main(void)
{
        for (int i = 0; i < 20; i++)
                trees[i] = tree_new(100);
        fputs(other(1), stderr);
        puts("ready");
        fflush(stdout);
        for (;;)
                pause();
}
END

start_program "$tmp/holder"
wait_ready
take_gcore "$pid" "$tmp/core"
assert_exit 0 "$CORESCAN" --blocks "$tmp/blocks" "$tmp/core"
assert_eq "libtree.so 2000" "$(awk -F'\t' '$2 == 168 { n[$3]++ } END { for (k in n) print k, n[k] }' "$tmp/blocks")" \
        "the nodes are the library's"
