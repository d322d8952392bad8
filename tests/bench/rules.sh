#!/usr/bin/env bash
# Regexes in a core of mixed content (BENCH_MIB, usually 4096; made by tests/bench/mixed): one rule, 10 and 50, beside `rg -a -o` and yara with the same rules.
# Medians of ratios over BENCH_RUNS runs, each of which takes all tools in turn. "search" is the search alone, without finding out whose the hits are.
set -eu
mib=${BENCH_MIB:-4096}
runs=${BENCH_RUNS:-5}
dir=${BENCH_DIR:-$BUILD_DIR/bench/mixed-$mib}
bin=$BUILD_DIR/tests/bench
mkdir -p "$dir"
if [ ! -s "$dir/core" ]; then
        "$bin/mixed" "$mib" >"$dir/ready" &
        pid=$!
        trap 'kill "$pid" 2>/dev/null || true' EXIT
        for _ in $(seq 1200); do
                grep -q ready "$dir/ready" && break
                kill -0 "$pid"
                sleep 0.5
        done
        gcore -o "$dir/new" "$pid" >/dev/null 2>&1
        mv "$dir/new.$pid" "$dir/core"
        kill "$pid"
        trap - EXIT
fi

# Tokens, keys, addresses: none of them is found often, as none is in what people look through.
cat >"$dir/50" <<'END'
ghp_[A-Za-z0-9]{36}
AKIA[A-Z2-7]{16}
[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.org
10\.[0-9]{1,3}\.[0-9]{1,3}\.13
[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-00[0-9a-f]{10}
eyJ[A-Za-z0-9_-]{10,200}\.eyJ[A-Za-z0-9_-]{10,200}
-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----
(DELETE|PATCH|PUT) /[!-~]+ HTTP/1\.[01]
4[0-9]{3}-[0-9]{4}-[0-9]{4}-[0-9]{4}
passw(or)?d[=:][^ ]{8,40}
gho_[A-Za-z0-9]{36}
ghs_[A-Za-z0-9]{36}
github_pat_[A-Za-z0-9_]{82}
glpat-[A-Za-z0-9_-]{20}
xox[abps]-[A-Za-z0-9-]{10,80}
sk_live_[A-Za-z0-9]{24}
rk_live_[A-Za-z0-9]{24}
AIza[A-Za-z0-9_-]{35}
ya29\.[A-Za-z0-9_-]{30,100}
npm_[A-Za-z0-9]{36}
pypi-AgEI[A-Za-z0-9_-]{50,100}
SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}
key-[0-9a-f]{32}
hooks\.slack\.com/services/[A-Za-z0-9/]{40,50}
dop_v1_[a-f0-9]{64}
shpat_[a-fA-F0-9]{32}
hf_[A-Za-z]{34}
glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}
AccountKey=[A-Za-z0-9+/]{86}==
aws_secret_access_key[ =:]+[A-Za-z0-9/+]{40}
Authorization: Basic [A-Za-z0-9+/]{20,80}=*
mongodb://[^ ]{10,100}
postgres://[^ ]{10,100}
redis://[^ ]{10,100}
amqps?://[^ ]{10,100}
BEGIN CERTIFICATE-----
ssh-rsa AAAA[A-Za-z0-9+/]{100,600}
ssh-ed25519 AAAA[A-Za-z0-9+/]{50,100}
AGE-SECRET-KEY-1[A-Z0-9]{58}
dckr_pat_[A-Za-z0-9_-]{27}
rubygems_[a-f0-9]{48}
sk-ant-[A-Za-z0-9_-]{80,110}
hvs\.[A-Za-z0-9_-]{24,100}
EAACEdEose0cBA[0-9A-Za-z]+
amzn\.mws\.[0-9a-f]{8}-[0-9a-f]{4}
sq0csp-[0-9A-Za-z_-]{43}
client_secret[=:][A-Za-z0-9_-]{20,60}
X-Api-Key: [A-Za-z0-9]{20,60}
[0-9]{3}-[0-9]{2}-[0-9]{4}-SSN
DE[0-9]{2} [0-9]{4} [0-9]{4} [0-9]{4} [0-9]{4} [0-9]{2}
END
head -n 10 "$dir/50" >"$dir/10"
head -n 1 "$dir/50" >"$dir/1"

cat "$dir/core" >/dev/null # into the page cache
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
