#!/bin/bash
# Blocks without a word of their own to say whose they are, held by an array on the stack: they are the library's whose function
# has the array, though the C library and the program's own code are called from there.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb jq

dir=$tmp/holder
mkdir -p "$dir"
cat >"$dir/holder.c" <<'END'
#include <stdlib.h>
#include <string.h>

enum { KEPT = 60, BYTES = 1000 };

/* Numbers that point nowhere and are no text. */
__attribute__((visibility("default"))) int hold_here(int (*wait)(void))
{
        unsigned char *volatile kept[KEPT];
        unsigned state = 1;
        for (int i = 0; i < KEPT; i++) {
                kept[i] = malloc(BYTES);
                for (int k = 0; k < BYTES; k++)
                        kept[i][k] = (unsigned char)(128 + ((state = state * 1103515245 + 12345) >> 20) % 100);
        }
        int result = wait();
        for (int i = 0; i < KEPT; i++)
                free(kept[i]);
        return result;
}
END
cat >"$dir/program.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int hold_here(int (*wait)(void));

__attribute__((noinline)) static int wait_here(void)
{
        char c[600];
        puts("ready");
        fflush(stdout);
        return read(0, c, 1) != 1;
}

int main(void)
{
        /* Who has one block may have all. */
        void *volatile own = malloc(3000);
        return hold_here(wait_here) + !own;
}
END
"$CC" -O2 -fomit-frame-pointer -shared -fPIC -o "$dir/libholder.so" "$dir/holder.c" &&
        "$CC" -O2 -fomit-frame-pointer -o "$dir/program" "$dir/program.c" -L"$dir" -lholder -Wl,-rpath,'$ORIGIN' ||
        give_up "the program compiles"
start_program "$dir/program"
wait_ready
take_gcore "$pid" "$tmp/core"

check() { # json, what
        jqe '[.clusters[] | select(.count == 60)] | length == 1 and (.[0] | .library == "libholder.so" and .confidence > 0.2)' "$1"
        jqe '[.clusters[] | select(.count == 60)][0].evidence | map(select(.kind == "stack"))[0]
                | .module == "libholder.so" and (.symbol | startswith("hold_here+0x")) and .offset == null' "$1"
}

scan_json "$tmp/core.json" "$tmp/core"
check "$tmp/core.json" core
# Live the registers are not known, but the way out needs none here.
scan_json "$tmp/live.json" --live "$pid"
check "$tmp/live.json" live
