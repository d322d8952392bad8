#!/bin/bash
# --at and --refs of a program that tells where everything is: a table in .bss leads to a shelf, the shelf to boxes, a box to
# its label; a list comes back to its start; a pair is lost, and so is a ring. Live and from a core.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb jq

build_c room -g -pthread <<'END'
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct box {
        struct box *next;
        char *label;
        uint64_t number;
        double weight;
        uint64_t made; /* milliseconds */
        const char *kind;
        void (*open)(struct box *);
        void *back;
        uint64_t empty[8];
};

static void open_box(struct box *b)
{
        b->number++;
}

struct shelf {
        uint64_t count;
        struct box *boxes[100];
};

struct shelf *table[4];
static __thread char *of_thread;
static pthread_barrier_t ready;
static uintptr_t told[8]; /* addresses that are no pointers while they are kept: inverted */

static void tell(const char *name, const void *at)
{
        printf("%s %p\n", name, at);
}

static struct box *make_box(uint64_t number)
{
        struct box *b = calloc(1, sizeof(*b));
        b->number = number;
        b->weight = 2.5;
        b->made = 1700000000000;
        b->kind = "a kind of box that is known";
        b->open = open_box;
        b->label = malloc(64);
        snprintf(b->label, 64, "box number %d of the upper shelf", (int)number);
        return b;
}

static __attribute__((noinline)) void lose(void)
{
        struct box *pair = make_box(7), *ring = make_box(8), *other = make_box(9);
        told[0] = ~(uintptr_t)pair;
        told[1] = ~(uintptr_t)pair->label;
        ring->next = other;
        other->next = ring;
        told[2] = ~(uintptr_t)ring;
        told[3] = ~(uintptr_t)other;
        memset(&pair, 0, sizeof(pair));
        memset(&ring, 0, sizeof(ring));
        memset(&other, 0, sizeof(other));
}

static __attribute__((noinline)) void clean_stack(void)
{
        volatile char bytes[16384];
        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = 0;
}

static void *thread(void *arg)
{
        struct box *on_stack = make_box(11);
        (void)arg;
        of_thread = malloc(48);
        strcpy(of_thread, "what only a thread knows of");
        tell("thread-local", of_thread);
        tell("on-thread-stack", on_stack);
        tell("thread-stack", &on_stack);
        clean_stack();
        pthread_barrier_wait(&ready);
        for (;;)
                pause();
}

/* In functions of their own: what they leave on the stack is cleaned. */
static __attribute__((noinline)) void fill_table(void)
{
        table[2] = calloc(1, sizeof(struct shelf));
        tell("slot", &table[2]);
        tell("shelf", table[2]);
        for (uint64_t i = 0; i < 100; i++) {
                struct box *b = table[2]->boxes[i] = make_box(i);
                table[2]->count++;
                b->back = table[2];
        }
        tell("box", table[2]->boxes[40]);
        tell("label", table[2]->boxes[40]->label);
        struct box *list = NULL, *last = NULL;
        for (int i = 0; i < 5; i++) {
                struct box *b = malloc(4000);
                memset(b, 0, 4000);
                b->next = list;
                list = b;
                last = last ? last : b;
        }
        last->next = list;
        table[2]->boxes[0]->next = list;
        tell("list-last", last);
        tell("list-first", list);
        void *large = malloc(1 << 20);
        memset(large, 3, 1 << 20);
        ((void **)large)[100000] = table[2]->boxes[41];
        table[1] = large;
        tell("large", large);
}

static __attribute__((noinline)) void free_some(void)
{
        void *freed[40], *small = malloc(40);
        for (int i = 0; i < 40; i++)
                freed[i] = malloc(3000);
        table[3] = malloc(3000);
        tell("free", (char *)freed[3] + 100);
        for (int i = 0; i < 40; i++)
                free(freed[i]);
        tell("cached", small);
        free(small);
}

int main(void)
{
        pthread_t t;
        fill_table();
        lose();
        char *mapped = mmap(NULL, 1 << 24, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        strcpy(mapped, "anonymous memory is nobody's");
        tell("mapped", mapped);
        char *left = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(left, 1, 1 << 16);
        madvise(left, 1 << 16, MADV_DONTDUMP);
        tell("left-out", left);
        tell("code", (void *)open_box);
        pthread_barrier_init(&ready, NULL, 2);
        pthread_create(&t, NULL, thread, NULL);
        pthread_barrier_wait(&ready);
        free_some();
        clean_stack();
        for (int i = 0; i < 4; i++)
                told[i] = ~told[i];
        printf("lost %#lx\nlost-label %#lx\nring %#lx\nring-other %#lx\n", told[0], told[1], told[2], told[3]);
        memset(told, 0, sizeof(told));
        fflush(stdout);
        /* What printf wrote stands in its buffer as text, and on its stack as numbers. */
        clean_stack();
        puts("ready");
        fflush(stdout);
        for (;;)
                pause();
}
END
start_program "$tmp/room"
wait_ready
cp "$program_dir/.out" "$tmp/truth"
room=$pid

# of NAME: its address, as the program told it.
of() {
        awk -v name="$1" '$1 == name { print $2 }' "$tmp/truth"
}

# at NAME [OFFSET]: the case of the address, in $tmp/at.json, and as text in $out.
at() {
        local address

        address=$(printf '%#x' $(($(of "$1") + ${2:-0})))
        # shellcheck disable=SC2086 # two words
        scan_json "$tmp/json" --at "$address" $where
        jq .at "$tmp/json" >"$tmp/at.json"
        jqe '.address == $a' "$tmp/at.json" --arg a "$address"
}

refs() {
        # shellcheck disable=SC2086 # two words
        scan_json "$tmp/json" --refs "$(of "$1")" --depth "$2" $where
        jq .refs "$tmp/json" >"$tmp/refs.json"
}

check() {
        local shelf box label

        shelf=$(of shelf) box=$(of box) label=$(of label)

        # A root points there itself: a slot by name, and all that hangs on it is retained.
        at shelf
        jqe '.block | .state == "in-use" and .address == $a and .usable == 808 and .leak == "-" and .from_root' \
                "$tmp/at.json" --arg a "$shelf"
        jqe '[.referrers.groups[] | select(.kind == "root" and .level == 1)]
                | length == 1 and .[0].examples[0].address == $slot and (.[0].examples[0].name | test("^table\\+0x10 \\(room .bss\\)$"))' \
                "$tmp/at.json" --arg slot "$(of slot)"
        # The boxes lead back to it, at +56.
        jqe '.referrers.blocks == 100 and ([.referrers.groups[] | select(.kind == "blocks" and .level == 1)]
                | [.[].references] | add == 100 and all(.[]; . > 0))' "$tmp/at.json"
        jqe '[.referrers.groups[] | select(.kind == "blocks" and .level == 1) | .offsets[].offset] | unique == [56]' "$tmp/at.json"
        # 100 boxes with labels, and the list; box 41 is held by the large block, too, and leads back: to the shelf.
        jqe '.block.retains.count == 1 + 99 * 2 + 5' "$tmp/at.json"

        # An interior address works; words are what the program wrote.
        at box 24
        jqe '.block.address == $a and .block.offset == 24 and (.what | test("24 bytes into a block in use"))' \
                "$tmp/at.json" --arg a "$box"
        jqe '.chains[0].to == "root" and [.chains[0].links[].kind] == ["block", "root"]
                and .chains[0].links[0].address == $shelf and .chains[0].links[0].offset == 328
                and .chains[0].links[1].address == $slot' "$tmp/at.json" --arg shelf "$shelf" --arg slot "$(of slot)"
        jqe '.block.retains == {"count": 2, "bytes": (.block.size + 80)}' "$tmp/at.json"
        jqe 'def word(o): .dump.words[] | select(.offset == o);
                (word(8) | .kind == "pointer:block" and .value == $text)
                and (word(16) | .kind == "int" and .note == "40")
                and (word(24) | .kind == "float" and .note == "2.5")
                and (word(32) | .kind == "time" and .note == "2023-11-14 22:13:20 UTC, in ms")
                and (word(40) | .kind == "pointer:module" and (.note | test("^\"a kind of box that is known\" \\(room .rodata\\)$")))
                and (word(48) | .kind == "pointer:module" and (.note | test("^open_box \\(room .text\\)$")))
                and (word(56) | .kind == "pointer:block" and .value == $shelf)
                and (word(64) | .kind == "zero" and .size >= 64)' "$tmp/at.json" --arg text "$label" --arg shelf "$shelf"
        at label
        jqe '.dump.words[0] | .kind == "text" and .text.text == "box number 40 of the upper shelf"' "$tmp/at.json"
        jqe '[.chains[0].links[].offset] == [8, 328, null]' "$tmp/at.json"

        # The tree: label <- box <- shelf <- root, and the shelf's boxes: a cycle.
        refs label 4
        jqe '[.referrers.groups[] | select(.level == 1)] | length == 1 and .[0].examples[0].address == $box and .[0].offsets == [{"offset": 8, "count": 1}]' \
                "$tmp/refs.json" --arg box "$box"
        jqe 'any(.referrers.groups[]; .level == 2 and .examples[0].address == $shelf and .offsets[0].offset == 328)' \
                "$tmp/refs.json" --arg shelf "$shelf"
        jqe 'any(.referrers.groups[]; .level == 3 and .kind == "root" and .examples[0].address == $slot)' \
                "$tmp/refs.json" --arg slot "$(of slot)"
        jqe 'any(.referrers.groups[]; .level == 3 and .kind == "blocks" and .blocks >= 90)' "$tmp/refs.json"
        jqe '[.referrers.groups[].level] | max <= 4' "$tmp/refs.json"
        refs list-last 9
        jqe 'any(.referrers.groups[]; .cycle)' "$tmp/refs.json"

        # Lost: the head, what hangs on it, and a ring.
        at lost
        jqe '.block | .leak == "direct" and (.reached | not) and .retains.count == 2' "$tmp/at.json"
        jqe '.chains == [] and .referrers.blocks == 0 and .referrers.root_words == 0' "$tmp/at.json"
        at lost-label
        jqe '.block.leak == "indirect" and .chains[0].to == "leak-head" and .chains[0].links[0].address == $a
                and (.chains[0].links | length) == 1' "$tmp/at.json" --arg a "$(of lost)"
        at ring
        first=$(jq -r .block.leak "$tmp/at.json")
        jqe '(.block.reached | not) and .block.retains.count == 4' "$tmp/at.json"
        at ring-other
        assert_eq "$(printf '%s\n' "$first" "$(jq -r .block.leak "$tmp/at.json")" | sort | tr '\n' ' ')" "direct indirect " \
                "one of a ring is its head"

        # What is no block in use has a sentence of its own.
        at free
        jqe '.block.state == "free" and (.what | test("freed block")) and .chains == []' "$tmp/at.json"
        at cached
        jqe '.block.state == "cached" and (.what | test("freed block: it waits in a thread.s cache"))' "$tmp/at.json"
        at slot
        jqe '.block == null and .module.symbol == "table+0x10" and .module.section == ".bss" and .module.library == "room"
                and (.what | test("static variables of room"))' "$tmp/at.json"
        at code
        jqe '.block == null and .module.symbol == "open_box" and .module.section == ".text" and .region.kind == "module-code"' "$tmp/at.json"
        at thread-stack
        jqe '.block == null and .region.kind == "stack" and (.what | test("stack of thread [0-9]+")) and (.what | test("stack pointer"))' "$tmp/at.json"
        at mapped
        jqe '.block == null and .region.kind == "anonymous" and any(.dump.words[]; .text.text == "anonymous memory is nobody'"'"'s")' "$tmp/at.json"
        # shellcheck disable=SC2086 # two words
        scan_json "$tmp/json" --at 10 $where
        jqe '.at | .region == null and .block == null and .dump == null and (.what | test("^nothing is mapped there"))' "$tmp/json"

        # Of a large block a part is shown, around the address; a pointer far inside is found.
        at large 800004
        jqe '.block.mmapped and .dump.before > 700000 and (.dump.hex | length) == 8192' "$tmp/at.json"
        jqe '.dump | .before as $before | any(.words[]; .kind == "pointer:block" and .offset + $before == 800000)' "$tmp/at.json"

        # Threads: what a stack and thread-local storage hold.
        at on-thread-stack
        jqe '.block.leak == "-" and any(.referrers.groups[]; .kind == "root" and (.examples[0].name | test("stack of thread")))' "$tmp/at.json"
        at thread-local
        jqe '.block.leak == "-" and .referrers.root_words > 0' "$tmp/at.json"
}

where="--live $room"
check
take_gcore "$room" "$tmp/core"
where=$tmp/core
check

# What the core leaves out.
if grep -q 'VmFlags:.* dd' "/proc/$room/smaps" && [ "$(offset_of "$tmp/core" "$(of left-out)")" = "" ]; then
        at left-out
        jqe '.dump == null and (.gap != null or .region == null)' "$tmp/at.json"
fi

# The text says the same, and nothing but printable characters; and no more than two addresses are needed at once.
assert_exit 0 "$CORESCAN" "$tmp/core" --at "$(of label)" --refs "$(of shelf)"
assert_file_contains "$out" "text \"box number 40 of the upper shelf\""
assert_file_contains "$out" "Chain from a root"
assert_file_contains "$out" "table+0x10 (room .bss)"
assert_file_contains "$out" ", its word at +328"
assert_file_contains "$out" "3 levels of referrers were asked for"
assert_exit 0 "$CORESCAN" "$tmp/core" --at "$(of lost-label)"
assert_file_contains "$out" "LOST: no root leads here, only lost blocks do"
assert_file_contains "$out" "Chain from the head of a leak"
assert_exit 0 "$CORESCAN" "$tmp/core" --refs "$(of free)"
assert_file_contains "$out" "pointers are followed to blocks in use only"
# Without 0x, in capitals.
assert_exit 0 "$CORESCAN" "$tmp/core" --at "$(of box | sed s/0x// | tr a-f A-F)"
assert_file_contains "$out" "Address $(of box)  the start of a block in use"
assert_refused "--at room: not an address" --at room "$tmp/core"
# The same bytes whatever the number of workers.
for j in 1 8; do
        assert_exit 0 "$CORESCAN" "$tmp/core" -j $j --at "$(of shelf)" --refs "$(of label)" --depth 9
        cp "$out" "$tmp/j$j"
done
assert_eq "$(cat "$tmp/j8")" "$(cat "$tmp/j1")" "-j 8 says what -j 1 says"
