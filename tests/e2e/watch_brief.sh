#!/bin/bash
# Brief looks of --watch: what they say of each kind of blocks is what a whole look says, whatever changed between them, and they take a
# fraction of its time. Where a brief one cannot know enough, the look is whole.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq python3

build_c changes -O1 -ldl <<'END'
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
/* changes MIB: lists of things that say by a pointer what they are, and texts; each line that it reads is something that it does. */
struct kind {
        const char *name;
        void (*end)(void *);
};
static struct kind kinds[] = { { "session", free }, { "order", free }, { "account", free }, { "late", free } };
struct thing {
        const struct kind *kind;
        struct thing *next;
        char *text;
        uint64_t serial, more[];
};
enum { LISTS = 256 };
static struct thing *lists[LISTS];
static uint64_t serial, state = 88172645463325252u;
static uint64_t roll(void)
{
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state * 2685821657736338717u;
}
static size_t make(unsigned kinds_used)
{
        uint64_t r = roll();
        size_t size = sizeof(struct thing) + (r >> 40) % 12 * 16;
        struct thing *t = calloc(1, size);
        t->kind = &kinds[(r >> 8) % kinds_used];
        t->serial = serial++;
        if (r % 4 == 0) {
                t->text = malloc(200);
                snprintf(t->text, 200, "POST /api/%s/%u HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: %u\r\n", t->kind->name,
                         (unsigned)(r >> 20) % 100000, (unsigned)(r >> 30) % 5000);
                size += 208;
        }
        t->next = lists[r % LISTS];
        lists[r % LISTS] = t;
        return size + 8;
}
static void make_all(size_t bytes, unsigned kinds_used)
{
        for (size_t made = 0; made < bytes;)
                made += make(kinds_used);
}
/* In each list one of so many goes, and another comes in its place, mostly at its address. */
static void replace(unsigned one_of, unsigned kinds_used)
{
        for (unsigned l = 0; l < LISTS; l++)
                for (struct thing **at = &lists[l]; *at; at = &(*at)->next)
                        if (roll() % one_of == 0) {
                                struct thing *gone = *at, *new = malloc(sizeof(*new));
                                memset(new, 0, sizeof(*new));
                                new->kind = &kinds[roll() % kinds_used];
                                new->next = gone->next;
                                free(gone->text);
                                free(gone);
                                *at = new;
                        }
}
/* Between pages of nobody, lest the kernel makes it one with its neighbours. */
static void map(size_t bytes)
{
        char *area = mmap(NULL, bytes + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(area + 4096, bytes, PROT_READ | PROT_WRITE);
        memset(area + 4096, 1, bytes);
}
int main(int argc, char **argv)
{
        size_t all = (size_t)(argc > 1 ? atoi(argv[1]) : 16) << 20;
        char line[64];
        make_all(all, 3);
        puts("ready");
        fflush(stdout);
        while (fgets(line, sizeof(line), stdin)) {
                if (line[0] == 'm') /* more of the same */
                        make_all(all / 40, 3);
                else if (line[0] == 'r') /* others in place of some */
                        replace(30, 3), make_all(all / 16, 3);
                else if (line[0] == 'n') /* something new */
                        make_all(all / 10, 4);
                else if (line[0] == 'a') /* memory that is no block's */
                        map(all / 10);
                else if (line[0] == 'l') /* another module */
                        (void)!dlopen("libresolv.so.2", RTLD_NOW), make_all(all / 40, 3);
                puts("done");
                fflush(stdout);
        }
        return 0;
}
END

# Looks at it before and after it does something, and once more, wholly, at the end; tells what kind of looks these were, how long they took, and
# whether the last two agree in all kinds of blocks.
cat >"$tmp/look.py" <<'PY'
import json, signal, subprocess, sys
corescan, changes, mib, does, summary = sys.argv[1:6]
target = subprocess.Popen([changes, mib], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
assert target.stdout.readline() == 'ready\n'
watch = subprocess.Popen([corescan, '--live', str(target.pid), '--watch', '0.1', '--samples', '400', '--json', '--top', '0'],
                         stdout=subprocess.PIPE, text=True)
looks, n = [], 0
for line in watch.stdout:
    last = json.loads(line)
    if last['type'] == 'summary':
        break
    n += 1
    if last['looked']:
        looks.append(last)
        if len(looks) > len(does):
            break
        # On a machine with other work a look might begin before all is done, and would be of the half of it.
        watch.send_signal(signal.SIGSTOP)
        target.stdin.write(does[len(looks) - 1] + '\n')
        target.stdin.flush()
        target.stdout.readline()
        watch.send_signal(signal.SIGCONT)
watch.send_signal(signal.SIGSTOP)
# Without the end of a watch, which a Ctrl-C spares it, the last look is the last.
watch.send_signal(signal.SIGINT)
watch.send_signal(signal.SIGCONT)
rest = watch.stdout.read().splitlines()
watch.wait()
json.dump(json.loads(rest[-1]), open(summary, 'w'))
whole = subprocess.run([corescan, '--live', str(target.pid), '--json', '--top', '0'], stdout=subprocess.PIPE, check=True).stdout
target.kill()
def kinds(report):
    sums = {}
    for c in report['clusters']:
        if c['count']:
            was = sums.setdefault(c['signature'], [0, 0, 0])
            for i, key in enumerate(('count', 'bytes', 'resident')):
                was[i] += c[key]
    return sums
told, true = kinds(json.load(open(summary))), kinds(json.loads(whole))
off = {s for s in told.keys() | true.keys() if told.get(s) != true.get(s)}
print(' '.join('brief' if look['brief'] else 'whole' for look in looks))
print(len(off), len(true), file=sys.stderr)
for s in off:
    print(s, told.get(s), true.get(s), file=sys.stderr)
print('agree' if len(true) > 20 and not off else 'differ')
if len(looks) > 1:
    print('took', round(looks[-1]['look_seconds'] / looks[0]['look_seconds'], 3), file=sys.stderr)
PY

# $1: what it does; $2: the looks; $3: what is tested.
look_at() {
        local found

        # When a look is a whole one again is a matter of how long looks take: a machine with other work may be slow at the wrong moment.
        for _ in 1 2 3; do
                found=$(python3 "$tmp/look.py" "$CORESCAN" "$tmp/changes" 24 "$1" "$tmp/summary" 2>"$tmp/why")
                [ "${found%%$'\n'*}" = "$2" ] && break
                echo "# looks were: ${found%%$'\n'*}"
        done
        assert_eq "$found" "$2
agree" "$3"
        sed 's/^/#   /' "$tmp/why"
}

start_program "$tmp/changes" 1
wait_ready
run "$CORESCAN" --live "$pid" --json
[ "$status" -eq 2 ] && grep -q "not permitted" "$err" && skip "other processes cannot be read here: $(cat "$err")"
stop_program "$pid"

look_at m "whole brief" "more of the same"
jqe '.watch.looks == 1 and .watch.brief_looks == 1 and .comparison.same_process' "$tmp/summary"
# Owners, and what libraries have, go on from one look to the next.
jqe '[.clusters[] | select(.growth.resident > 10000)] | length > 20 and all(.[]; .library == "changes")' "$tmp/summary"
jqe '.libraries[0] | .library == "changes" and .growth.resident > 300000' "$tmp/summary"
look_at r "whole brief" "others at the same addresses"
look_at rr "whole brief brief" "twice"
look_at n "whole whole" "something new, whose owner a brief look does not know"
look_at a "whole whole" "memory that is no block's"
look_at l "whole whole" "another module"
