#!/bin/bash
# How much of a process's memory moved while it was read: a quarter of what this one has is written to all the time, and that is said;
# most of what it mapped is not there, which must not thin the sample out.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq

build_c moving <<'END'
#include <stdio.h>
#include <sys/mman.h>

enum { PAGES = 2000 };

int main(void)
{
        /* Every second page of the second half of what is touched moves; nearly a gigabyte is never touched. */
        char *p = mmap(NULL, 1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        for (long i = 0; i < 2 * PAGES; i++)
                p[i * 4096] = 1;
        puts("ready");
        fflush(stdout);
        for (;;)
                for (long i = PAGES; i < 2 * PAGES; i += 2)
                        ++*(volatile long *)(p + i * 4096);
}
END
start_program "$tmp/moving"
wait_ready
scan_json "$tmp/moving.json" --live "$pid"
echo "# $(jq -c '.target | {consistent, changed, sampled_pages}' "$tmp/moving.json")"
# A sample of 400 and more errs by 0.06 one time in a hundred.
jqe '.target | (.consistent | not) and .complete and .sampled_pages >= 400 and .changed > 0.19 and .changed < 0.31' "$tmp/moving.json"
jqe 'any(.target.warnings[]; test("^memory moved while it was read: [0-9.]+ % of a sample of pages changed"))' "$tmp/moving.json"
assert_exit 0 "$CORESCAN" --live "$pid"
assert_file_contains "$out" "memory moved while it was read (" "the text says so, too"
scan_json "$tmp/frozen.json" --freeze --live "$pid"
jqe '.target | .consistent and .changed == 0 and .sampled_pages >= 400' "$tmp/frozen.json"

kill -STOP "$pid"
is_stopped() {
        grep -q '^State:.T' "/proc/$pid/status"
}
wait_until 10 is_stopped
scan_json "$tmp/still.json" --live "$pid"
jqe '.target | .consistent and .changed == 0 and .sampled_pages >= 400' "$tmp/still.json"
