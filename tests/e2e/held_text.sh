#!/bin/bash
# Blocks without a name of their own are told by the text that they hold, wherever in them it stands: as a person sees it who looks at memory.
# What is no common text is not told.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb jq

build_c records <<'END_OF_C'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 2000 };
static const char *first[] = { "Anna", "Bela", "Cora", "Dirk", "Egon", "Fred", "Gerd", "Hans", "Ines", "Jana", "Karl" };

struct plain { /* no pointer in it */
        uint64_t number, flags;
        char text[100];
};
struct linked {
        struct linked *next;
        uint32_t state, kind;
        char text[150];
};
struct named {
        uint32_t number;
        char name[60];
};

static struct linked *list;
static void *kept[3 * MANY];

int main(void)
{
        for (int i = 0; i < MANY; i++) {
                struct plain *p = kept[i] = calloc(1, sizeof(*p));
                p->number = (uint64_t)i;
                snprintf(p->text, sizeof(p->text), "parcel %d for %s in street %d", i, first[i % 11], i * 7 % 300);
                struct linked *l = calloc(1, sizeof(*l));
                l->next = list, list = l, l->state = 1;
                snprintf(l->text, sizeof(l->text), "PUT /stock/%d HTTP/1.1\r\nHost: depot%d.example.net\r\n", i, i % 5);
                /* Noise of another size, whose bytes are no text. */
                unsigned char *n = kept[MANY + i] = malloc(300);
                for (int k = 0; k < 300; k++)
                        n[k] = (unsigned char)(rand() >> 7 | 0x80);
                /* Text that is another one in each. */
                char *t = kept[2 * MANY + i] = calloc(1, 420);
                for (int k = 16; k < 60; k++)
                        t[k] = k % (3 + i % 7) ? (char)('a' + rand() % 26) : ",;.: "[rand() % 5];
        }
        puts("ready");
        fflush(stdout);
        for (;;)
                pause();
}
END_OF_C
start_program "$tmp/records"
wait_ready
take_gcore "$pid" "$tmp/core"
for target in "$tmp/core" "--live $pid"; do
        # shellcheck disable=SC2086 # an option and its value
        scan_json "$tmp/report.json" $target
        # shellcheck disable=SC2016
        jqe '[.clusters[] | select(.count >= 1900 and .block_size.max == 128)] | length == 1
                and .[0].what == "128-byte blocks with \"parcel <n> for <*> in street <n>\" at +16"
                and any(.[0].fields[]; .kind == "text" and .value == "parcel <n> for <*> in street <n>")' "$tmp/report.json"
        jqe '[.clusters[] | select(.count >= 1900 and .block_size.max == 176)] | length == 1
                and (.[0].what | test("^176-byte blocks, pointers at \\+0, with \"PUT /stock/<n> HTTP/1.1…\" at \\+16$"))' "$tmp/report.json"
        jqe 'all(.clusters[] | select(.block_size.max == 320 or .block_size.max == 432); .what | test("without a mark$"))
                and ([.clusters[] | select(.block_size.max == 320 or .block_size.max == 432) | .count] | add) >= 3900' "$tmp/report.json"
done
"$CORESCAN" "$tmp/core" --clusters >"$tmp/clusters"
grep -qF '128-byte blocks with "parcel <n> for <*> in street <n>" at +16' "$tmp/clusters"
assert_eq "$?" 0 "people are told"

# It is no part of what tells that two clusters are one: in a look at other blocks the text may be another.
signature() {
        jq -r '.clusters[] | select(.block_size.max == 128 and .count >= 1900) | .signature' "$1"
}
scan_json "$tmp/live.json" --live "$pid"
assert_eq "$(signature "$tmp/live.json")" "$(signature "$tmp/report.json")" "one signature"
assert_eq "$(signature "$tmp/live.json" | wc -c)" 17 "a signature"
