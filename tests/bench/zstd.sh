#!/usr/bin/env bash
# How fast a .zst core is taken in, beside zstdcat on the same file, in turn: the ingest alone, and the whole of `--summary`
# (which does its work besides; the same on the plain core is given too). A core of python3, which packs to a sixth, and one
# of many chunks that nobody filled. BENCH_ROUNDS for another number of rounds.
set -eu
. "$SOURCE_DIR/tests/bench/_core.sh"
dir=$(bench_dir "zstd")
bin=$BUILD_DIR/tests/bench

# take NAME CMD...: a core of the command, once it said "ready", plain and packed.
take() {
        local name=$1

        shift
        bench_core "$dir/$name" "$@"
        [ -s "$dir/$name.zst" ] || zstd -q -f -3 "$dir/$name" -o "$dir/$name.zst"
}

take chunks "$bin/manychunks" "${BENCH_CHUNKS:-10000000}"
take python python3 -c '
import random, time
random.seed(1)
words = ["alpha", "beta", "order", "customer", "shelf", "http", "session", "token"]
kept = {i: ("%s-%d-%s" % (random.choice(words), random.getrandbits(40), random.choice(words)), [i, random.random()])
        for i in range(2000000)}
print("ready", flush=True)
time.sleep(1000)'

python3 - "$CORESCAN" "$bin/ingest_time" "$dir" "${BENCH_ROUNDS:-9}" <<'PY'
import os, statistics, subprocess, sys, time
tool, ingest, folder, rounds = sys.argv[1:]

def run(*command):
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    assert status == 0, (command, status)
    return time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024

for name in ('python', 'chunks'):
    plain, packed = f'{folder}/{name}', f'{folder}/{name}.zst'
    for path in (plain, packed):
        subprocess.run(['cat', path], stdout=subprocess.DEVNULL, check=True)  # into the page cache
    ways = {'zstdcat': ('zstdcat', packed), 'ingest': (ingest, packed), 'summary': (tool, '--summary', packed),
            'plain': (tool, '--summary', plain)}
    took = {way: [] for way in ways}
    for _ in range(int(rounds)):
        for way, command in ways.items():
            took[way].append(run(*command))
    def ratio(way, what):
        return statistics.median(a[what] / b[what] for a, b in zip(took['zstdcat'], took[way]))
    seconds = {way: statistics.median(t[0] for t in took[way]) for way in ways}
    size = os.path.getsize(plain)
    print(f'{name}: {size / 1e9:.2f} GB, packed to {os.path.getsize(packed) / size:.1%}: zstdcat {seconds["zstdcat"]:.2f} s; '
          f'ingest {seconds["ingest"]:.2f} s, at {ratio("ingest", 0):.0%} of its speed, for {1 / ratio("ingest", 1):.2f} times '
          f'its CPU time: {"kept" if ratio("ingest", 0) >= .8 else "MISSED"} (80 %)')
    print(f'{name}: --summary {seconds["summary"]:.2f} s, at {ratio("summary", 0):.0%} of zstdcat\'s speed '
          f'({seconds["plain"]:.2f} s on the plain core); peak memory {took["summary"][0][2] / 2**20:.0f} MiB')
PY
