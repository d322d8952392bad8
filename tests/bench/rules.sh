#!/usr/bin/env bash
# Regexes in a core of mixed content (BENCH_MIB, usually 4096; made by tests/bench/mixed): one rule, 10 and 50, beside `rg -a -o` and yara with the same rules.
# Medians of ratios over BENCH_RUNS runs, each of which takes all tools in turn. "search" is the search alone, without finding out whose the hits are.
set -eu
. "$SOURCE_DIR/tests/bench/_core.sh"
mib=${BENCH_MIB:-4096}
runs=${BENCH_RUNS:-5}
dir=$(bench_dir "mixed-$mib")
bin=$BUILD_DIR/tests/bench
bench_core "$dir/core" "$bin/mixed" "$mib"

# Tokens, keys, addresses: none of them is found often, as none is in what people look through.
cp "$SOURCE_DIR/tests/bench/rules-50.txt" "$dir/50"
head -n 10 "$dir/50" >"$dir/10"
head -n 1 "$dir/50" >"$dir/1"

bench_warm "$dir/core"
python3 - "$CORESCAN" "$dir" "$runs" <<'PY'
import json, os, resource, shutil, statistics, subprocess, sys, time

tool, folder, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
core = os.path.join(folder, "core")

def run(*command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, out

def medians(rows):
    return [statistics.median(column) for column in zip(*rows)]

for n in ("1", "10", "50"):
    rules = [line.rstrip("\n") for line in open(os.path.join(folder, n))]
    yar = os.path.join(folder, n + ".yar")
    with open(yar, "w") as f:
        for i, rule in enumerate(rules):
            f.write("rule r%d { strings: $a = /%s/ condition: $a }\n" % (i, rule.replace("/", "\\/")))
    rows, theirs = [], None
    for _ in range(runs):
        ours = run(tool, "--json", *(word for rule in rules for word in ("-e", rule)), core)
        end = json.loads(ours[2].splitlines()[-1])
        row = [ours[0], ours[1], end["timing"]["search_seconds"]]
        if shutil.which("rg"):
            theirs = run("rg", "-a", "-o", "-N", "--no-unicode", "-f", os.path.join(folder, n), core)
            row += [theirs[0], theirs[1], theirs[0] / ours[0], theirs[0] / row[2]]
        rows.append(row)
    m = medians(rows)
    line = "%2s rules: %d hits, corescan %.2f s (CPU %.2f s), of which search %.2f s" % (n, end["hits"], m[0], m[1], m[2])
    if theirs:
        line += "; rg %d hits, %.2f s (CPU %.2f s): ratio %.2f, to the search alone %.2f" % (
            len(theirs[2].splitlines()), m[3], m[4], m[5], m[6])
    print(line, flush=True)
    if shutil.which("yara") and n != "1":
        wall, cpu, out = run("yara", "-s", "-w", yar, core)
        print("          yara %.1f s (CPU %.1f s): ratio %.1f, to the search alone %.1f" % (wall, cpu, wall / m[0], wall / m[2]), flush=True)
PY
