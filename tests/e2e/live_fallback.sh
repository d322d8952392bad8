#!/usr/bin/env bash
# Where process_vm_readv is not to be had (a seccomp filter, an old kernel), /proc/PID/mem gives the same answer. The call is
# taken away by a preloaded library that fails it with ENOSYS; everything else is real.
set -u
# shellcheck source=tests/e2e/_lib.sh
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1

build_c no_readv.so -shared -fPIC <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>
struct iovec;
ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long locals, const struct iovec *remote,
                         unsigned long remotes, unsigned long flags);
ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long locals, const struct iovec *remote,
                         unsigned long remotes, unsigned long flags)
{
        (void)pid, (void)local, (void)locals, (void)remote, (void)remotes, (void)flags;
        close(open(getenv("NO_READV_MARK"), O_WRONLY | O_CREAT, 0600));
        errno = ENOSYS;
        return -1;
}
C
start_program "$BUILD_DIR/fixtures/fixture-census" --truth "$tmp/truth.tsv"
wait_ready

scan_json "$tmp/usual.json" --live "$pid" --blocks "$tmp/usual.tsv"
# The sanitizer wants to be the first library; here another one has to be.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0"
export NO_READV_MARK=$tmp/called
LD_PRELOAD=$tmp/no_readv.so scan_json "$tmp/fallback.json" --live "$pid" --blocks "$tmp/fallback.tsv"

[ -e "$NO_READV_MARK" ] && ok "the call was really taken away" || not_ok "the preloaded library was not asked"
assert_eq "$(cut -f1,2 "$tmp/fallback.tsv" | cksum)" "$(cut -f1,2 "$tmp/usual.tsv" | cksum)"
jqe '.heaps[0].arenas[0].used.count > 1000' "$tmp/fallback.json"
