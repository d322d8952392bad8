#!/usr/bin/env bash
# What --watch costs: the target (its work each second with nobody there, and watched, in turn), and us (light samples; whole and brief looks).
# A target of a gigabyte that grows by a tenth of a per cent each second (WATCH_MIB for another size, WATCH_ROUNDS for more rounds). Then light
# samples of four gigabytes (WATCH_LARGE_MIB).
set -eu
exec python3 - "$CORESCAN" "$BUILD_DIR/tests/bench/watched" "${WATCH_MIB:-1024}" "${WATCH_ROUNDS:-4}" "${WATCH_LARGE_MIB:-4096}" <<'PY'
import json, signal, statistics, subprocess, sys

corescan, watched, mib, rounds, large = *sys.argv[1:3], *map(int, sys.argv[3:6])


def start(size, *more):
    target = subprocess.Popen([watched, str(size), *more], stdout=subprocess.PIPE, text=True)
    assert target.stdout.readline() == 'ready\n'
    return target


def seconds(target, n):
    """(units, seconds, seconds of waiting for a processor) of so many seconds of work"""
    return [tuple(map(float, target.stdout.readline().split())) for _ in range(n)]


def rate(work):
    units, wall, waited = (sum(w[i] for w in work) for i in range(3))
    return units / wall, units / (wall - waited)


def watch(target, *options):
    return subprocess.Popen([corescan, '--live', str(target.pid), '--watch', '1', '--json', *options],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def compare(target, watcher, pairs, window, samples):
    """The target's work with the watcher stopped and going on, in turn; every other pair the other way round, so that no drift counts."""
    lost, control, last = [], [], None
    for pair in range(pairs):
        rates = {}
        for goes_on in (False, True) if pair % 2 else (True, False):
            watcher.send_signal(signal.SIGCONT if goes_on else signal.SIGSTOP)
            seconds(target, 1)
            rates[goes_on] = rate(seconds(target, window))
        lost.append([100 * (b / a - 1) for a, b in zip(rates[False], rates[True])])
        if last:
            control.append(100 * (rates[False][1] / last[1] - 1))
        last = rates[False]
    watcher.send_signal(signal.SIGCONT)
    watcher.send_signal(signal.SIGINT)
    samples += [s for s in map(json.loads, watcher.stdout) if s['type'] == 'sample']
    watcher.wait()
    own, wall = (statistics.median(l[i] for l in lost) for i in (1, 0))
    own_error, noise = (1.25 * statistics.pstdev(x) / len(x) ** .5 for x in ([l[1] for l in lost], control))
    return (f'work {own:+.2f} % ± {own_error:.2f} ({wall:+.2f} % with what it waited for a processor), median of {pairs} times {window} s each way; '
            f'from one to the next with nobody there {statistics.median(control):+.2f} % ± {noise:.2f}')


# At rest there are light samples only, but for the first look, which is over when it begins.
target, samples = start(mib), []
watcher = watch(target)
seconds(target, 15)
print(f'target of {mib} MiB at rest under --watch 1:', compare(target, watcher, 5 * rounds, 2, []), flush=True)
target.kill()

target = start(mib, '1')
watcher = watch(target)
seconds(target, 15)
print(f'the same, growing by 1 % in 10 s:', compare(target, watcher, rounds, 10, samples), flush=True)
target.kill()
looks = {kind: [s['look_seconds'] for s in samples if s['looked'] and s['brief'] == kind] for kind in (False, True)}
for kind, name in ((False, 'whole'), (True, 'brief')):
    if looks[kind]:
        print(f'{name} looks: {len(looks[kind])}, median {statistics.median(looks[kind]):.2f} s, least {min(looks[kind]):.2f} s')
if looks[True] and looks[False]:
    print(f'brief by the first, whole one: {100 * statistics.median(looks[True]) / looks[False][0]:.0f} % (by the quickest of each '
          f'{100 * min(looks[True]) / min(looks[False]):.0f} %)')

target = start(large)
watcher = watch(target, '--samples', '20')
took = [s['sample_seconds'] for s in map(json.loads, watcher.stdout) if s['type'] == 'sample']
target.kill()
print(f'light samples of {large} MiB: median {1000 * statistics.median(took):.2f} ms, most {1000 * max(took):.2f} ms')
PY
