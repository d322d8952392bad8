#!/bin/bash
# Cores with as many mappings as a process may have (vm.max_map_count is 65,530): the time grows with their number, not with its
# square. Modules whose .bss ends inside a mapping, pieces of files whose beginning is not mapped, anonymous memory, and modules
# that no note names.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq python3

cat >"$tmp/make.py" <<'PY'
import struct, sys
out, n, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
R, W, X = 4, 2, 1
def phdr(kind, flags, offset, vaddr, filesz, memsz):
    return struct.pack('<IIQQQQQQ', kind, flags, offset, vaddr, 0, filesz, memsz, 4096)
def ehdr(kind, phnum):
    return b'\x7fELF\x02\x01\x01' + bytes(9) + struct.pack('<HHIQQQIHHHHHH', kind, 62, 1, 0, 64, 0, 0, 64, 56, phnum, 0, 0, 0)
# A library: headers, code, constants, data with a .bss of which the last page is not its own; an empty dynamic section.
library = ehdr(3, 5) + phdr(1, R, 0, 0, 0x1000, 0x1000) + phdr(1, R | X, 0x1000, 0x1000, 0x1000, 0x1000) + \
    phdr(1, R, 0x2000, 0x2000, 0x1000, 0x1000) + phdr(1, R | W, 0x3000, 0x3000, 0x1000, 0x2000) + phdr(2, R | W, 0x3000, 0x3000, 0x30, 0x30)
segments, files, at = [], [], 0x7f0000000000
def put(size, flags, data=b'', path=None, page=0):
    global at
    segments.append((at, size, flags, data))
    if path:
        files.append((at, at + size, page, path))
    at += size
while len(segments) < n:
    i = len(segments)
    if kind in ('modules', 'lost'):
        name = b'/nowhere/lib%d.so' % i if kind == 'modules' else None
        dynamic = struct.pack('<QQQQQQ', 5, at + 0x200, 6, at + 0x300, 0, 0)
        put(0x1000, R, library, name)
        put(0x1000, R | X, b'', name, 1)
        put(0x1000, R, b'', name, 2)
        put(0x1000, R | W, dynamic, name, 3)
        put(0x3000, R | W)
        at += 0x10000
    elif kind == 'pieces':
        put(0x1000, R | X, b'', b'/nowhere/data%d' % (i % 7), i + 1)
        at += 0x1000
    else:
        put(0x1000, R | (W if i % 2 else 0), b'x' * 16)
note = b''
if files:
    desc = struct.pack('<QQ', len(files), 4096) + b''.join(struct.pack('<QQQ', *f[:3]) for f in files) + b''.join(f[3] + b'\0' for f in files)
    desc += bytes(-len(desc) % 4)
    note = struct.pack('<III', 5, len(desc), 0x46494c45) + b'CORE\0\0\0\0' + desc
headers, bodies = [], [note]
offset = 64 + 56 * (len(segments) + 1)
headers.append(phdr(4, R, offset, 0, len(note), 0))
offset += len(note)
for start, size, flags, data in segments:
    headers.append(phdr(1, flags, offset, start, len(data), size))
    bodies.append(data)
    offset += len(data)
open(out, 'wb').write(ehdr(4, len(headers)) + b''.join(headers) + b''.join(bodies))
PY

# The CPU time of CMD in seconds, the least of three.
cpu() {
        python3 - "$@" <<'PY'
import os, subprocess, sys
def run():
    child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    return used.ru_utime + used.ru_stime if status == 0 else 1e9
print(min(run() for _ in range(3)))
PY
}

for kind in modules pieces anonymous lost; do
        for n in 15000 60000; do
                python3 "$tmp/make.py" "$tmp/$n" "$n" "$kind" || give_up "a core with $n mappings"
        done
        assert_exit 0 "$CORESCAN" --json --regions --top 0 "$tmp/60000"
        jqe '(.regions | length) >= 60000' "$out"
        if [ "$kind" = lost ]; then # and there is no end of their number
                jqe '.target.warnings | any(test("12000 modules were found"))' "$out"
        fi
        few=$(cpu "$CORESCAN" --summary "$tmp/15000")
        many=$(cpu "$CORESCAN" --summary "$tmp/60000")
        echo "# $kind: $few s for 15,000, $many s for 60,000"
        # Four times as many; with the square of it, sixteen times the time.
        if awk -v few="$few" -v many="$many" 'BEGIN { exit !(many < 8 * few + 0.1) }'; then
                ok "$kind: the time grows with the number"
        else
                not_ok "$kind: the time grows with the number" "$few s for 15,000, $many s for 60,000"
        fi
done

# The same of a process, whose memory was never touched: what lies behind all of it is not looked for at each.
build_c mapped -O1 <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv)
{
        for (int i = 0; i < (argc > 1 ? atoi(argv[1]) : 0); i++)
                if (mmap(NULL, 4096, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
                        return 1;
        puts("ready");
        fflush(stdout);
        for (;;)
                pause();
}
END
used=()
for n in 15000 60000; do
        start_program "$tmp/mapped" "$n"
        wait_ready
        run "$CORESCAN" --summary --live "$pid"
        [ "$status" -eq 2 ] && grep -q "not permitted" "$err" && skip "other processes cannot be read here: $(cat "$err")"
        used+=("$(cpu timeout 60 "$CORESCAN" --summary --live "$pid")")
        stop_program "$pid"
done
echo "# a process: ${used[0]} s for 15,000, ${used[1]} s for 60,000"
if awk -v few="${used[0]}" -v many="${used[1]}" 'BEGIN { exit !(many < 8 * few + 0.1) }'; then
        ok "a process: the time grows with the number"
else
        not_ok "a process: the time grows with the number" "${used[0]} s for 15,000, ${used[1]} s for 60,000"
fi
