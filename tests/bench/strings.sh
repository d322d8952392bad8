#!/usr/bin/env bash
# All texts of a core of mixed content (BENCH_MIB, usually 4096; made by tests/bench/mixed) beside `strings -n 8 | sort | uniq -c | sort -rn`, which gives the
# number of each text and of no template. Medians over BENCH_RUNS runs, each of which takes both in turn; the goal is a fifteenth of the time, in 512 MiB.
set -eu
. "$SOURCE_DIR/tests/bench/_core.sh"
mib=${BENCH_MIB:-4096}
runs=${BENCH_RUNS:-3}
dir=$(bench_dir "mixed-$mib")
bin=$BUILD_DIR/tests/bench
bench_core "$dir/core" "$bin/mixed" "$mib"

python3 - "$CORESCAN" "$dir/core" "$runs" <<'PY'
import json, os, statistics, subprocess, sys, time
tool, core, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])

def warm():
    with open(core, 'rb', buffering=0) as f:
        buf = bytearray(1 << 20)
        while f.readinto(buf):
            pass

def ours(*how):
    start = time.monotonic()
    child = subprocess.Popen([tool, '--strings', *how, core], stdout=subprocess.PIPE)
    out = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    assert status == 0, status
    return time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss, out

def theirs():
    start, before = time.monotonic(), os.times()
    subprocess.run(['bash', '-c', 'strings -n 8 "$1" | LC_ALL=C sort -S2G | uniq -c | sort -rn >/dev/null', 'bash', core], check=True)
    after = os.times()
    return time.monotonic() - start, after.children_user + after.children_system - before.children_user - before.children_system

size = os.path.getsize(core)
# As a list, like theirs: JSON has the core's SHA-256 besides.
report = json.loads(ours('--json')[3])
ratios, cpu_ratios, walls, rss = [], [], [], []
for _ in range(runs):
    warm()
    wall, cpu, resident, _ = ours()
    warm()
    their_wall, their_cpu = theirs()
    ratios.append(their_wall / wall)
    cpu_ratios.append(their_cpu / cpu)
    walls.append((wall, their_wall))
    rss.append(resident)
found = report['strings_found']
print(f'core {size / 2**20:.0f} MiB; {found["count"]} texts of {found["bytes"] / 2**20:.0f} MiB; {found["templates"]} templates, '
      f'{found["dropped"]["count"]} texts dropped')
median = statistics.median
print(f'corescan --strings {median(w[0] for w in walls):.2f} s; strings | sort | uniq | sort {median(w[1] for w in walls):.2f} s')
print(f'{median(ratios):.1f} times as fast ({min(ratios):.1f} to {max(ratios):.1f}); by CPU time {median(cpu_ratios):.1f} times')
print(f'memory of our own {report["timing"]["peak_memory"] / 2**20:.0f} MiB, resident with the core\'s pages {max(rss) / 2**10:.0f} MiB')
PY
