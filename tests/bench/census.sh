#!/usr/bin/env bash
# The census of a heap of 50 million chunks (BENCH_CHUNKS for another number; some 95 bytes of core for each): how long the
# walk takes per chunk on one thread, next to what reading a byte of each cache line takes; how long the whole of `--regions --heap
# -j1` takes; and its memory beside the page cache, next to the bound of 4 bytes per block and a 64th of the heap.
set -eu
. "$SOURCE_DIR/tests/bench/_core.sh"
chunks=${BENCH_CHUNKS:-50000000}
dir=$(bench_dir "census-$chunks")
bin=$BUILD_DIR/tests/bench
bench_core "$dir/core" "$bin/manychunks" "$chunks"
bench_warm "$dir/core"
"$bin/census_time" "$dir/core" 5 | tee "$dir/census"

python3 - "$CORESCAN" "$dir/core" "$dir/census" <<'PY'
import json, os, re, statistics, subprocess, sys, time
tool, core, census = sys.argv[1:]
runs = [re.match(r'(\d+) chunks in ([\d.]+) GB: census ([\d.]+) s.*cache line alone ([\d.]+) ns', line) for line in open(census)]
n, heap = int(runs[0][1]), float(runs[0][2]) * 1e9
census, read = (statistics.median(figures) for figures in
                ([float(r[3]) / n * 1e9 for r in runs], [float(r[4]) for r in runs]))
print(f'census: median of the CPU time {census:.2f} ns per chunk; a plain loop that reads a byte of each cache line '
      f'takes {read:.2f} ns here (ratio {read / census:.2f})')

def run(*options):
    start = time.monotonic()
    child = subprocess.Popen([tool, *options, core], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    out = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    assert status == 0, status
    return time.monotonic() - start, used.ru_utime + used.ru_stime, out

times = [run('--regions', '--heap', '-j1') for _ in range(3)]
wall, cpu = (statistics.median(t[i] for t in times) for i in range(2))
print(f'--regions --heap -j1: {wall:.2f} s wall, {cpu:.2f} s CPU')
own = json.loads(run('--regions', '--heap', '-j1', '--json')[2])['timing']['peak_memory']
bound = 4 * n + heap / 64
print(f'memory beside the page cache: {own / 2**20:.0f} MiB; bound {bound / 2**20:.0f} MiB: '
      f'{"kept" if own <= bound else "MISSED"}')
PY
