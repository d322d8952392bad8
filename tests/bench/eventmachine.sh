#!/usr/bin/env bash
# How long a report of a core of about 1 GB takes, and how much memory of our own: the leaking Ruby server after 42,000
# requests. Prints medians of five runs; the core is read once before, so that it lies in the page cache. `read` is how
# long it takes just to read the file: no tool can be faster.
set -eu
dir=${BENCH_DIR:-$BUILD_DIR/bench/eventmachine}
requests=${BENCH_REQUESTS:-42000}
mkdir -p "$dir"
[ -s "$dir/core" ] || "$SOURCE_DIR/fixtures/eventmachine/run.sh" --out "$dir" --mode leak --variant stripped \
        --requests "$requests" --core gcore

python3 - "$CORESCAN" "$dir/core" <<'PY'
import json, os, resource, statistics, subprocess, sys, time
tool, core = sys.argv[1:]

def read():
    start = time.monotonic()
    with open(core, 'rb', buffering=0) as f:
        buf = bytearray(1 << 18)
        while f.readinto(buf):
            pass
    return time.monotonic() - start

def run(*options):
    start = time.monotonic()
    child = subprocess.Popen([tool, *options, core], stdout=subprocess.PIPE)
    out = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    assert status == 0, status
    return time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, out

read()
size = os.path.getsize(core)
limit = statistics.median(read() for _ in range(5))
print(f'core {size / 2**20:.0f} MiB; read {limit:.2f} s')
for options in (['--clusters', '-j2'], ['--clusters', '-j1'], ['--json', '-j2']):
    runs = [run(*options) for _ in range(5)]
    wall, cpu, rss = (statistics.median(r[i] for r in runs) for i in range(3))
    own = json.loads(run('--json')[3])['timing']['peak_memory']
    print(f'{" ".join(options):16} {wall:.2f} s wall, {cpu:.2f} s CPU, peak resident {rss / 2**20:.0f} MiB, '
          f'of which our own {own / 2**20:.0f} MiB; {size / wall / 1e9:.2f} GB/s')
PY
