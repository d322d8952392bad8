#!/bin/bash
# What a program gave to epoll, and keeps nowhere else, is held by the kernel: of a living process it is in use. A core does not say so, and that is told.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1

build_c watcher <<'END_OF_C'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

struct peer { int fd; char name[36]; char *buffer; };

/* What is told of a peer has its lowest bit set, as a mark, now and then. Its descriptor is closed where it is lost. */
static void __attribute__((noinline)) add(int epoll, unsigned i, int lost)
{
        struct peer *p = calloc(1, sizeof(*p));
        p->fd = eventfd(0, 0);
        if (p->fd < 0)
                exit(2);
        snprintf(p->name, sizeof(p->name), "peer number %u", i);
        p->buffer = malloc(300);
        memset(p->buffer, 'a' + (int)(i % 20), 300);
        struct epoll_event e = { .events = EPOLLIN, .data.u64 = (uintptr_t)p | (i % 3 == 0) };
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, p->fd, &e))
                exit(3);
        if (lost)
                close(p->fd);
}

static void __attribute__((noinline)) wipe(void)
{
        volatile char below[32 << 10];
        for (size_t i = 0; i < sizeof(below); i++)
                below[i] = 0;
}

/* watcher KEPT LOST MORE: so many peers, and so many descriptors besides */
int main(int argc, char **argv)
{
        struct rlimit files;
        if (argc < 4 || getrlimit(RLIMIT_NOFILE, &files))
                return 1;
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
        unsigned kept = (unsigned)atoi(argv[1]), lost = (unsigned)atoi(argv[2]);
        int epolls[2] = { epoll_create1(0), epoll_create1(0) };
        for (unsigned i = 0; i < kept + lost; i++)
                add(epolls[i % 2], i, i * lost / (kept + lost) != (i + 1) * lost / (kept + lost));
        for (int i = atoi(argv[3]); i > 0; i--)
                if (dup(0) < 0)
                        return 4;
        wipe();
        puts("ready");
        fflush(stdout);
        for (;;)
                pause();
}
END_OF_C

# lost_of WAY... : the lost blocks, direct and indirect
lost_of() {
        "$CORESCAN" --leaks --json "$@" | jq -r '.leaks | "\(.direct.count) \(.indirect.count)"'
}
note='only epoll_wait()'

start_program "$tmp/watcher" 700 60 0
wait_ready
assert_eq "$(lost_of --live "$pid")" '60 60' 'of a living process, what was closed is lost and the rest is not'
assert_eq "$(lost_of --live "$pid" --freeze)" '60 60' 'nor of one that is stopped meanwhile'
assert_exit 0 "$CORESCAN" --leaks --live "$pid"
assert_file_lacks "$out" "$note"

# Who holds one of them.
"$CORESCAN" --blocks "$tmp/blocks" --leaks --live "$pid" >/dev/null
held=$(awk -F '\t' '$2 == 56 && $6 != "direct" && $6 != "indirect" { print $1; exit }' "$tmp/blocks")
assert_exit 0 "$CORESCAN" --at "$held" --live "$pid"
assert_file_contains "$out" 'the kernel, for epoll descriptor'
assert_file_contains "$out" 'held         yes'
assert_file_contains "$out" ' has for descriptor '

take_gcore "$pid" "$tmp/core"
assert_eq "$(lost_of "$tmp/core")" '760 760' 'a core does not know of them'
assert_exit 0 "$CORESCAN" "$tmp/core"
assert_contains "$(tr -s ' \n' ' ' <"$out")" "watcher uses epoll, and what epoll_wait() alone hands back"
assert_exit 0 "$CORESCAN" --leaks "$tmp/core"
assert_contains "$(tr -s ' \n' ' ' <"$out")" "$note hands back looks lost"
stop_program "$pid"

# With so many descriptors it would feel the question; when it is stopped it does not.
if [ "$(ulimit -Hn)" != unlimited ] && (($(ulimit -Hn) < 6000)); then
        ((_not_ok)) || skip "a process with 5,000 descriptors: no more than $(ulimit -Hn) are allowed here"
else
        start_program "$tmp/watcher" 40 0 5000
        wait_ready
        assert_eq "$(lost_of --live "$pid")" '40 40' 'it is not asked'
        assert_exit 0 "$CORESCAN" --leaks --live "$pid"
        assert_contains "$(tr -s ' \n' ' ' <"$out")" 'was not asked of the kernel'
        assert_eq "$(lost_of --live "$pid" --freeze)" '0 0' 'it is asked while it is stopped'
        stop_program "$pid"
fi
