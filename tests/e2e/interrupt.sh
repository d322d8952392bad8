#!/bin/bash
# Ctrl-C: within 0.2 s what is there so far is told, whatever was being done; it says what is missing. Sanitizers make all
# of it slower by a factor.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command python3 jq

limit=0.2
grep -q '^CS_SANITIZE:STRING=..*' "$BUILD_DIR/CMakeCache.txt" && limit=1.5
blocks=1500000
[ "$limit" = 0.2 ] || blocks=150000
"$BUILD_DIR/tests/bench/synth" "$tmp/core" blocks=$blocks arenas=8 threads=20 modules=20 classes=500 mib=64 stride=2 ||
        give_up "a core of many blocks is made"

cat >"$tmp/interrupt.py" <<'PY'
import json, signal, subprocess, sys, threading, time
tool, core, folder, limit, *options = sys.argv[1:]
limit = float(limit)

def start():
    out = open(f'{folder}/out', 'wb')
    return subprocess.Popen([tool, *options, core], stdout=out, stderr=subprocess.DEVNULL)

begun = time.monotonic()
start().wait()
whole = time.monotonic() - begun
stages, worst, caught = {}, 0, 0
moments = [(step + .5) / 8 for step in range(8)]
tries = {}
for moment in moments: # grows while it is gone through
    child = start()
    time.sleep(whole * moment)
    asked = time.monotonic()
    child.send_signal(signal.SIGINT)
    status = child.wait()
    took = time.monotonic() - asked
    text = open(f'{folder}/out', 'rb').read()
    try:
        report = json.loads(text) if not text.startswith(b'{"type"') else json.loads(text.splitlines()[-1])
    except ValueError:
        # Before there was anything to tell of, or while it was told.
        if status != 130:
            print(f'not JSON, exit status {status}: {text[:300]}')
        continue
    target = report['target']
    if 'interrupted' not in target:
        continue
    caught += 1
    tries[moment] = tries.get(moment, 0) + 1
    if took > limit and tries[moment] < 4: # others may have had the processors
        moments.append(moment)
        continue
    worst = max(worst, took)
    stages[target['interrupted']] = stages.get(target['interrupted'], 0) + 1
    if status not in (0, 1) or target['complete'] or not any('interrupted while' in w for w in target['warnings']):
        print(f'exit status {status}, {json.dumps(target)[:400]}')
    if report.get('verdict', {}).get('kind', 'unknown') != 'unknown':
        print(f'a verdict: {report["verdict"]}')
    if took > limit:
        print(f'interrupted while {target["interrupted"]}: {took:.3f} s until the end')
    json.dump(report, open(f'{folder}/last.json', 'w'))
if caught < 3:
    print(f'interrupted only {caught} times')
print(f'# {whole:.1f} s without, {caught} times, at most {worst:.3f} s: {stages}', file=sys.stderr)
PY

for options in "--summary --leaks" "-e user-[0-9]+3@ -e part-9[0-9]" "--clusters --strings"; do
        # shellcheck disable=SC2086 # words
        said=$(python3 "$tmp/interrupt.py" "$CORESCAN" "$tmp/core" "$tmp" "$limit" --json $options 2>"$err")
        cat "$err"
        assert_eq "$said" "" "$options: told within $limit s"
        case $options in
        -e*) ;;
        *) assert_schema "$tmp/last.json" ;;
        esac
done

# Text, files and exit statuses: interrupted as soon as it has begun.
cat >"$tmp/soon.py" <<'PY'
import signal, subprocess, sys, time
stage = sys.argv[1].encode()
child = subprocess.Popen(sys.argv[2:], stdout=open('/dev/null', 'wb'), stderr=subprocess.PIPE)
line = b''
while stage not in line: # the progress line
    more = child.stderr.read(1)
    if not more:
        break
    line += more
child.send_signal(signal.SIGINT)
rest = child.stderr.read()
sys.stderr.buffer.write(rest)
sys.exit(child.wait())
PY
soon=(python3 "$tmp/soon.py" comparing "$CORESCAN" --progress always)
assert_exit 0 "${soon[@]}" --clusters -o "$tmp/report" --blocks "$tmp/blocks" "$tmp/core"
assert_file_contains "$err" "corescan: warning: interrupted while comparing blocks: only what was found before is told"
assert_file_contains "$tmp/report" "clusters: not known: interrupted while comparing blocks"
assert_eq "$(wc -l <"$tmp/blocks")" 0 "no block has an owner yet"
assert_exit 3 "${soon[@]}" --strict "$tmp/core"
assert_exit 0 "${soon[@]}" --summary --heap -o "$tmp/report" "$tmp/core"
assert_file_contains "$tmp/report" "UNKNOWN"
assert_file_contains "$tmp/report" "malloc-used"
assert_file_contains "$tmp/report" "main"
assert_exit 0 "${soon[@]}" --cluster c1 "$tmp/core"

# Hits that wait for their owners are told without.
"$CORESCAN" --clusters -e 'user-[0-9]+3@' -e 'part-9[0-9]' --json "$tmp/core" >"$tmp/all.json"
assert_exit 0 "${soon[@]}" --clusters -e 'user-[0-9]+3@' -e 'part-9[0-9]' --json -o "$tmp/part.json" "$tmp/core"
assert_schema "$tmp/part.json"
assert_eq "$(jq -n --slurpfile a "$tmp/all.json" --slurpfile b "$tmp/part.json" \
        '($b[0].hits | map([.address, .rule, .block])) as $p | ($a[0].hits | map([.address, .rule, .block])) as $w |
         ($p | length) > 0 and $p == $w[:$p | length] and ($b[0].hits | all(.cluster == null))')" true \
        "hits that were found before the end was asked for are told"
assert_eq "$(jq '.hits_found.count >= (.hits | length)' "$tmp/part.json")" true "as many were found"

# Of texts those are told that were read before: their number is that of what was gone through, and no more than there are.
"$CORESCAN" --strings --json "$tmp/core" >"$tmp/all.json"
for _ in 1 2 3 4; do
        assert_exit 0 python3 "$tmp/soon.py" "texts" "$CORESCAN" --progress always --strings --json -o "$tmp/part.json" "$tmp/core"
        [ "$(jq '.strings_found.searched // 0' "$tmp/part.json")" = 0 ] || break
done
said=$(jq -r '.target.interrupted // "ended"' "$tmp/part.json")
if [ "$said" = "reading texts" ]; then
        assert_eq "$(jq -n --slurpfile a "$tmp/all.json" --slurpfile b "$tmp/part.json" \
                '$b[0].strings_found as $p | $a[0].strings_found as $w |
                 $p.searched < $w.searched and $p.count <= $w.count and ($p.count == 0) == ($b[0].strings == [])')" true \
                "what was read before the end was asked for is told"
else
        echo "# the texts were read before anybody could ask for the end"
fi
