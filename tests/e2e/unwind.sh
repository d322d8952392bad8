#!/bin/bash
# Frames of threads against gdb's, by their return addresses: what gdb shows beside these are functions that were inlined or
# that ended by calling another, which have no frame. A program without frame pointers, a signal handler on its own stack and on another, threads, an
# interpreter; as a core, and live as far as registers go.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1

command -v gdb >/dev/null || skip "gdb is not installed"
dump_frames=$BUILD_DIR/tests/dump_frames

# Prints "tid pc" for each frame of the core, as gdb sees it.
gdb_frames() { # core, program
        gdb -nx -batch -iex 'set debuginfod enabled off' -iex 'set backtrace past-main on' \
                -iex 'set backtrace past-entry on' "$2" "$1" -ex 'python
import gdb
for thread in gdb.selected_inferior().threads():
    thread.switch()
    frame = gdb.newest_frame()
    while frame:
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            print("frame %d %x" % (thread.ptid[1], frame.pc()))
        frame = frame.older()' 2>"$tmp/gdb.err" </dev/null | sed -n 's/^frame //p' | sort
}

compare() { # name, program, core
        local ours=$tmp/$1.ours gdbs=$tmp/$1.gdb

        "$dump_frames" "$3" | sort >"$ours"
        gdb_frames "$3" "$2" >"$gdbs"
        [ -s "$gdbs" ] || give_up "$1: gdb shows frames" "$(cat "$tmp/gdb.err")"
        if diff "$gdbs" "$ours" >"$tmp/diff"; then
                ok "$1: the same $(wc -l <"$gdbs") frames as gdb"
        else
                not_ok "$1: the same frames as gdb (gdb's <, ours >)" "$(cat "$tmp/diff")"
        fi
}

build_c calls -O2 -fomit-frame-pointer -pthread <<'END'
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char other_stack[1 << 16];

__attribute__((noinline)) static void wait_here(void)
{
        char c;
        puts("ready");
        fflush(stdout);
        while (read(0, &c, 1) != 0)
                ;
}

static void handler(int number)
{
        (void)number;
        wait_here();
        _exit(0);
}

__attribute__((noinline)) static int deep(int n)
{
        volatile char room[200];
        room[n] = 1;
        if (!n)
                *(volatile int *)NULL = 1;
        return deep(n - 1) + room[n];
}

static void *sleeper(void *name)
{
        volatile char room[3000];
        room[0] = 1;
        pause();
        return room[0] ? name : NULL;
}

int main(int argc, char **argv)
{
        (void)argv;
        struct sigaction action = { .sa_handler = handler };
        stack_t stack = { .ss_sp = other_stack, .ss_size = sizeof(other_stack) };
        pthread_t thread;
        pthread_create(&thread, NULL, sleeper, NULL);
        if (argc > 1) {
                sigaltstack(&stack, NULL);
                action.sa_flags = SA_ONSTACK;
        }
        sigaction(SIGSEGV, &action, NULL);
        usleep(100000);
        return deep(20);
}
END

for variant in "" other; do
        # shellcheck disable=SC2086 # none, or one argument
        start_program "$tmp/calls" $variant
        wait_ready
        take_gcore "$pid" "$tmp/core.calls$variant"
        compare "calls${variant:+-$variant}" "$tmp/calls" "$tmp/core.calls$variant"
        # Live the stack and instruction pointers are known alone, and here they are enough.
        "$dump_frames" "$pid" | sort >"$tmp/live"
        assert_eq "$(cat "$tmp/live")" "$(cat "$tmp/calls${variant:+-$variant}.ours")" "live: as in the core"
        stop_program "$pid"
done

if command -v ruby >/dev/null; then
        start_program ruby -e '
                Thread.new { [1].each { sleep 1000 } }
                sleep 0.2
                [1].each { "aXb".gsub(/X/) { puts "ready"; $stdout.flush; sleep 1000 } }'
        wait_ready
        take_gcore "$pid" "$tmp/core.ruby"
        compare ruby "$(readlink "/proc/$pid/exe")" "$tmp/core.ruby"
        stop_program "$pid"
else
        echo "skipped: frames of ruby: ruby is not installed"
fi
