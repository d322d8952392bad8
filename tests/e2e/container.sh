#!/bin/bash
# A process in a pid and mount namespace of its own, as in a container: its files are found where it sees them, its threads go by
# the numbers that the outside knows.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq unshare
unshare --pid --mount --fork --mount-proc true 2>/dev/null || skip "namespaces cannot be made here"

inside=$tmp/inside
mkdir "$inside"
build_c library -shared -fPIC -s <<'END'
#include <stdlib.h>
struct ticket {
        void (*close)(struct ticket *);
        long numbers[9];
};
static void close_ticket(struct ticket *t)
{
        free(t);
}
void *make_ticket(void)
{
        struct ticket *t = calloc(1, sizeof(*t));
        t->close = close_ticket;
        return t;
}
END
mv "$tmp/library" "$tmp/libticket.so"
build_c program -pthread -L"$tmp" -Wl,--no-as-needed -lticket <<'END'
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
void *make_ticket(void);
static pthread_barrier_t barrier;
static void *run(void *none)
{
        for (int i = 0; i < 1000; i++)
                make_ticket();
        pthread_barrier_wait(&barrier);
        pause();
        return none;
}
int main(void)
{
        pthread_t t;
        pthread_barrier_init(&barrier, NULL, 4);
        for (int i = 0; i < 3; i++)
                pthread_create(&t, NULL, run, NULL);
        pthread_barrier_wait(&barrier);
        puts("ready");
        fflush(stdout);
        for (;;)
                pause();
}
END
# Only the process sees what is mounted there.
cat >"$tmp/enter" <<END
mount -t tmpfs none "$inside" && cp "$tmp/program" "$inside/program" && cp "$tmp/libticket.so" "$inside/" &&
        exec env LD_LIBRARY_PATH="$inside" "$inside/program"
END
start_program unshare --pid --mount --fork --mount-proc --kill-child bash "$tmp/enter"
wait_ready
outer=$(pgrep -P "$pid")
assert_eq "$(awk '/^NSpid:/ { print $NF }' "/proc/$outer/status")" 1 "it is the first process of its namespace"
[ ! -e "$inside/program" ] && ok "its files are not to be seen from here" || not_ok "its files are not to be seen from here"

scan_json "$tmp/json" --summary --regions --live "$outer"
assert_eq "$(cat "$tmp/json.err")" "" "all its files are found"
jqe '.clusters[0] | .count >= 2990 and .library == "libticket.so"' "$tmp/json"
jqe '.verdict | .kind == "leak" and .library == "libticket.so"' "$tmp/json"
tids=$(printf '%s\n' /proc/"$outer"/task/* | sed 's|.*/||' | grep -vx "$outer" | sort | tr '\n' ' ')
named=$(jq -r '.regions[] | select(.kind == "stack") | .detail | capture("^stack of thread (?<n>[0-9]+)").n' "$tmp/json" | sort | tr '\n' ' ')
assert_eq "$named" "$tids" "stacks are told by the threads' numbers out here"
jqe 'any(.regions[]; .detail == "thread-local storage of the main thread")' "$tmp/json"

# Where the kernel does not let us open what is mapped (/proc/PID/map_files takes CAP_CHECKPOINT_RESTORE), the files are found by their
# names below /proc/PID/root.
if [ "$(id -u)" -eq 0 ] && setpriv --bounding-set=-all,+sys_ptrace --inh-caps=-all true 2>/dev/null; then
        fewer() {
                setpriv --bounding-set=-all,+sys_ptrace --inh-caps=-all "$@"
        }
        map=$(printf '%s\n' "/proc/$outer/map_files/"* | head -n 1)
        run fewer head -c 4 "$map"
        assert_eq "$(head -c 4 "$map" | tr -d '\177')$status" ELF1 "what is mapped cannot be opened, unlike before"
        assert_exit 0 fewer "$CORESCAN" --json --live "$outer"
        cp "$out" "$tmp/fewer.json"
        assert_eq "$(cat "$err")" "" "all its files are found by name"
        jqe '.clusters[0] | .count >= 2990 and .library == "libticket.so"' "$tmp/fewer.json"
        assert_schema "$tmp/fewer.json"

        # One that changed its root: its files' names are told as they are seen from out here.
        mkdir "$tmp/jail"
        build_c jail/program -static <<'END'
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
        for (int i = 0; i < 500; i++)
                *(char **)malloc(100) = malloc(10);
        puts("ready");
        fflush(stdout);
        return getchar();
}
END
        start_program chroot "$tmp/jail" /program
        wait_ready
        assert_exit 0 fewer "$CORESCAN" --json --live "$pid"
        cp "$out" "$tmp/jail.json"
        assert_eq "$(cat "$err")" "" "its file is found in the jail"
        jqe '.heaps[0].allocator == "glibc" and .heaps[0].arenas[0].used.count >= 1000' "$tmp/jail.json"
else
        echo "# rights cannot be given up here: /proc/PID/root is not tested by itself"
fi
