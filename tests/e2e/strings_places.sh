#!/bin/bash
# Where texts lie: in blocks in use and freed, in stacks and variables, in pages that are mapped twice; what ends them; and that nothing in them
# reaches a terminal.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1

need_command gdb jq

# Texts are kept with one bit of each byte turned, so that only what is written is there.
build_c places <<'END'
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char variable[100];

/* Letters, then a number, so that each text is another one. */
static char *put(char *to, const char *turned, int number)
{
        volatile char *at = to;
        for (; *turned; turned++)
                *at++ = (char)(*turned ^ 1);
        for (int digit = 1000; digit; digit /= 10)
                *at++ = (char)('0' + number / digit % 10);
        return (char *)at;
}

static char *map(int fd, size_t len, off_t offset)
{
        return mmap(NULL, len, PROT_READ | PROT_WRITE, fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, offset);
}

int main(void)
{
        static char *used[50], *freed[50];
        char local[64] = { 0 };
        setvbuf(stdout, NULL, _IONBF, 0);
        for (int i = 0; i < 50; i++) {
                used[i] = malloc(400);
                memset(used[i], 0, 400);
                freed[i] = malloc(3000);
                memset(freed[i], 0, 3000);
                (void)!malloc(40);
        }
        for (int i = 0; i < 50; i++) {
                put(used[i], "jdqu!ho!trd!", i);         /* kept in use */
                put(used[i] + 200, "rdbnoe!unn!", i);    /* second too */
                put(freed[i] + 100, "fnod!onv!", i);     /* gone now */
        }
        /* A text that fills its block to the end: the next block's header is none of it. */
        char *full = malloc(56);
        (void)!malloc(56);
        memset(full, 0, 56);
        volatile char *at = full;
        for (int i = 0; i < 56; i++)
                at[i] = (char)('a' + i % 26);
        for (int i = 0; i < 50; i++)
                free(freed[i]);
        put(variable, "w`sh`cmd!udyu!", 1);              /* variable text */
        put(local, "no!uid!ru`bj!", 1);                  /* on the stack */
        /* The same pages twice, and some of them a third time. */
        int fd = memfd_create("shared", 0);
        if (fd < 0 || ftruncate(fd, 64 << 12))
                return 1;
        char *one = map(fd, 64 << 12, 0), *two = map(fd, 64 << 12, 0), *part = map(fd, 8 << 12, 16 << 12);
        for (int i = 0; i < 64; i++)
                put(one + (i << 12) + 8, "nobd!nomx!", i); /* once only */
        /* What a terminal must not see, and a text of a megabyte. */
        char *alone = map(-1, 4 << 20, 0);
        memcpy(alone, "\xc2\x9b" "31m", 5);
        put(alone + 64, "^hr!rdu!^rr!", 7);
        memset(alone + 8192, 'x', 1 << 20);
        at = alone + 8192;
        for (int i = 0; i < 1 << 20; i += 16)
                at[i] = ' ';
        printf("ready\n");
        return getchar() + two[0] + part[0] + variable[0] + local[0] == 1;
}
END
start_program "$tmp/places"
wait_ready
take_gcore "$pid" "$tmp/core"

check() {
        local json=$1

        jqe 'def row($t): [.strings[] | select(.template.text == $t)] | if length == 1 then .[0] else error("\(length) of \($t)") end;
                row("kept in use <n>") | .count == 50 and .in_use == 50 and .blocks == 50 and .region == "malloc-used" and .distinct > 40' "$json"
        jqe 'def row($t): [.strings[] | select(.template.text == $t)] | .[0];
                row("second too <n>") | .count == 50 and .in_use == 50 and .blocks == 50 and .library == "places"' "$json"
        jqe 'def row($t): [.strings[] | select(.template.text == $t)] | .[0];
                row("gone now <n>") | .count == 50 and .free == 50 and .in_use == 0 and .region == "malloc-free" and .cluster == null' "$json"
        jqe 'any(.strings[]; .template.text == "variable text <n>" and .region == "module-data" and .library == "places")' "$json"
        jqe 'any(.strings[]; .template.text == "on the stack <n>" and .region == "stack" and .blocks == 0)' "$json"
        jqe 'any(.strings[]; .template.text == "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcd")' "$json"
        # 64 pages, once each; the other 64 and 8 are told of.
        jqe '[.strings[] | select(.template.text == "once only <n>")] | length == 1 and .[0].count == 64 and .[0].region == "shared"' "$json"
        jqe '.strings_found.mapped_twice == 72 * 4096' "$json"
        jqe '[.strings[] | select(.bytes > 1000000)] | length == 1 and .[0].count == 1 and .[0].bytes == 1048576' "$json"
}

scan_json "$tmp/core.json" --summary --strings --top 0 "$tmp/core"
check "$tmp/core.json"
scan_json "$tmp/live.json" --summary --strings --top 0 --live "$pid"
check "$tmp/live.json"

# The same memory by another name of the view: filters, and text for people.
assert_exit 0 "$CORESCAN" --strings --region shared --json "$tmp/core"
jqe '(.strings | length) >= 1 and all(.strings[]; .region == "shared")' "$out"
assert_exit 0 "$CORESCAN" --strings --top 0 --region malloc-free "$tmp/core"
assert_file_contains "$out" "gone now <n>"
assert_file_lacks "$out" "kept in use"
assert_exit 0 "$CORESCAN" --strings --top 0 "$tmp/core"
assert_eq "$(tr -d '\n' <"$out" | tr -cd '[:cntrl:]' | wc -c)" 0 "no control characters"
assert_file_contains "$out" "are mapped a second time and were counted once"

# A heap of so many blocks that clusters are not looked for: the same texts, and owners by what lies around.
build_c many <<'END'
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
        static char *kept[1100000];
        for (int i = 0; i < 1100000; i++) {
                volatile char *at = kept[i] = malloc(24);
                for (int k = 0; k < 8; k++)
                        at[k] = "hell on "[k];
                for (int k = 0, digit = 1000000; k < 7; k++, digit /= 10)
                        at[8 + k] = (char)('0' + i / digit % 10);
                at[15] = 0;
        }
        printf("ready\n");
        fflush(stdout);
        return getchar() + kept[7][0] == 0;
}
END
start_program "$tmp/many"
wait_ready
assert_exit 0 "$CORESCAN" --strings --json --live "$pid"
jqe '.strings_found.owners == "near" and .strings[0].template.text == "hell on <n>"' "$out"
jqe '.strings[0] | .count == 1100000 and .blocks == 1100000 and .in_use == 1100000 and .cluster == null and .library == "many"' "$out"
jqe '.strings[0].distinct | . > 900000 and . <= 1100000' "$out"
assert_exit 0 "$CORESCAN" --strings --live "$pid"
assert_file_contains "$out" "The heap is large: owners come from what lies around examples"
