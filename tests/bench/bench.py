#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""corescan beside the tools that people have, on inputs made here, in turn in one run. `./dev bench` calls it; see --help."""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # nothing of ours in the sources
from measure import machine, read, run, spread, table

HERE = os.path.dirname(os.path.abspath(__file__))
QUICK_SECONDS = 95  # after these no new round is begun, and nothing slower than what is left
SLOW, VERY_SLOW = 15, 60  # seconds of a peer's first run; it is run three times, or just once, then
PEER_LIMIT = 1200


class Job:
    """A question, corescan's way to the answer, and other tools' ways to the same or less."""

    def __init__(self, name, on, options, peers=(), goal=None, note=None, unpacked=None, before=None):
        """before: is called with the core, for it to lie in the page cache in one way and no other."""
        self.name, self.on, self.options, self.goal, self.note, self.before = name, on, options, goal, note, before
        self.size = os.path.getsize(unpacked or on)
        self.peers = [Peer(*peer) for peer in peers if shutil.which(peer[2])]
        self.absent = [peer[2] for peer in peers if not shutil.which(peer[2])]
        self.rounds = []


class Peer:
    def __init__(self, name, command, needs, size=None):
        self.name, self.command, self.needs, self.size, self.took = name, command, needs, size, []

    def wanted(self, rounds, left):
        if not self.took:
            return left > 0
        first = self.took[0].wall
        most = 1 if first > VERY_SLOW else 3 if first > SLOW else rounds
        return len(self.took) < most and first < left


def rules_of(path):
    return [line.rstrip('\n') for line in open(path)]


def as_yara(rules, path):
    """Each a rule of its own; what YARA's regexes do not know is left out of them."""
    with open(path, 'w') as f:
        for i, rule in enumerate(rules):
            nocase = ' nocase' if rule.startswith('(?i)') else ''
            text = rule.replace('(?i)', '').replace('/', '\\/').replace('(?:', '(')
            f.write(f'rule r{i} {{ strings: $a = /{text}/{nocase} condition: $a }}\n')
    return path


def make_inputs(args, folder):
    """Cores of processes that are made for it; those that are there are taken as they are."""
    q, scale = args.quick, args.scale
    bin_dir = os.path.join(os.environ['BUILD_DIR'], 'tests/bench')
    mib = lambda full, quick: max(16, int((quick if q else full) * scale))
    blocks = int((1000000 if q else 10000000) * scale)
    makers = {
        'mixed': (mib(4096, 384), ['mixed', mib(4096, 384)]),
        'server': (mib(4096, 400), ['server', blocks, mib(4096, 400)]),
        'text': (mib(2048, 192), ['mixed', mib(2048, 192), 'text']),
        'sparse': (mib(4096, 384), ['mixed', mib(4096, 384), 'sparse']),
        'chunks': (int((50000000 if q is False else 2000000) * scale), ['manychunks', int((2000000 if q else 50000000) * scale)]),
        'small': (48, ['mixed', 48]),
    }
    found = {}
    for name, (size, words) in makers.items():
        core = os.path.join(folder, f'{name}-{size}', 'core')
        os.makedirs(os.path.dirname(core), exist_ok=True)
        if not os.path.exists(core):
            print(f'making {name}: {" ".join(map(str, words))}', flush=True)
        line = f'. "$SOURCE_DIR/tests/bench/_core.sh" && bench_core "{core}" "{bin_dir}/{words[0]}" {" ".join(map(str, words[1:]))}'
        subprocess.run(['bash', '-ec', line], check=True)
        found[name] = core
    packed = found['text'] + '.zst'
    if shutil.which('zstd') and not os.path.exists(packed):
        subprocess.run(['zstd', '-q', '-3', '-T0', found['text'], '-o', packed], check=True)
    if os.path.exists(packed):
        found['packed'] = packed
    return found


def largest_segment(core):
    """Address and bytes of the largest part of memory in the core."""
    out = subprocess.run(['readelf', '-lW', core], stdout=subprocess.PIPE, check=True).stdout.decode()
    loads = [line.split() for line in out.splitlines() if line.strip().startswith('LOAD')]
    return max(((int(w[2], 16), int(w[4], 16)) for w in loads), key=lambda load: load[1])


def write_anew(core):
    """As whoever took it a moment ago left it: the kernel keeps what is written in smaller pieces than what it reads."""
    subprocess.run(['cp', '--sparse=always', core, core + '.new'], check=True)
    subprocess.run(['sync', core + '.new'], check=True)
    os.rename(core + '.new', core)


def forget(core):
    """To be read from the disk once more: 2 MiB at a time, which are mapped like that, so that who goes through it meets no page fault."""
    with open(core, 'rb') as f:
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def rule_jobs(inputs, folder):
    core, jobs = inputs['mixed'], []
    own, other = (rules_of(os.path.join(HERE, name)) for name in ('rules-50.txt', 'rules-other-50.txt'))
    sets = [('one rule', own[:1], 1.3, None), ('10 rules', own[:10], 6, 6), ('50 rules', own, 10, 30),
            ('10 other rules', other[:10], 4, None), ('50 other rules', other, 5, None)]
    for name, rules, goal, yara_goal in sets:
        stem = os.path.join(folder, name.replace(' ', '-'))
        with open(stem, 'w') as f:
            f.write('\n'.join(rules) + '\n')
        peers = [('rg -a -o', ['rg', '-a', '-o', '-N', '--no-unicode', '-f', stem, core], 'rg')]
        if len(rules) > 1 and rules[0] == own[0]:
            peers.append(('yara', ['yara', '-s', '-w', as_yara(rules, stem + '.yar'), core], 'yara'))
        if len(rules) == 1:
            peers.append(('grep -aoP', ['grep', '-aoP', '--', rules[0], core], 'grep'))
            address, size = largest_segment(core)
            peers.append(('gdb find, one word', ['gdb', '-nx', '-batch', '-ex', f'core-file {core}', '-ex', f'find /g {address:#x}, '
                                                 f'{address + size - 1:#x}, 0x1122334455667788'], 'gdb', size))
        options = [w for rule in rules for w in ('-e', rule)]
        if len(rules) == 1:
            jobs.append(Job(name + ', core read back', core, options, peers[:1], before=forget))
        jobs.append(Job(name, core, options, peers, {'rg -a -o': goal, 'yara': yara_goal}, before=write_anew if len(rules) == 1 else None))
    return jobs


def all_jobs(inputs, folder):
    strings = 'strings -n 8 "{0}" | LC_ALL=C sort -S2G | uniq -c | sort -rn >/dev/null'
    pipe = 'strings | sort | uniq -c | sort'
    jobs = [
        Job('start, 50 MB', inputs['small'], ['--heap'], goal={'seconds': .15}),
        Job('what is it? (--summary)', inputs['server'], ['--summary'], goal={'seconds': 3, 'bytes': 24}, note='blocks'),
        Job('what is it? one thread', inputs['server'], ['--summary', '-j1'], note='blocks'),
        Job('what is lost? (--leaks)', inputs['server'], ['--leaks'], note='blocks'),
        Job('heaps (--heap), small blocks', inputs['chunks'], ['--heap', '-j1'], note='blocks'),
        Job('regions, mostly zeros', inputs['sparse'], ['--regions'], [('xxhsum', ['xxhsum', '-q', inputs['sparse']], 'xxhsum')]),
    ]
    for name in ('mixed', 'text', 'sparse'):
        jobs.append(Job(f'texts (--strings), {name}', inputs[name], ['--strings'], [(pipe, strings.format(inputs[name]), 'strings')],
                        goal={pipe: 30, 'own': 512 << 20} if name == 'mixed' else {'own': 512 << 20}))
    jobs += rule_jobs(inputs, folder)
    if 'packed' in inputs:
        jobs.append(Job('.zst, regions', inputs['packed'], ['--regions'], [('zstdcat', f'zstdcat "{inputs["packed"]}" >/dev/null', 'zstdcat')],
                        goal={'zstdcat': .8}, unpacked=inputs['text']))
    return jobs


def measure(jobs, rounds, tool, deadline):
    """Every round takes each job once, and in it corescan and its peers one after the other."""
    limits = {}
    for number in range(rounds):
        if number and time.monotonic() > deadline:
            break
        for job in jobs:
            left = deadline - time.monotonic()
            if number and left < 0:
                break
            if sys.stderr.isatty():
                print(f'\rround {number + 1} of {rounds}: {job.name}\033[K', end='', file=sys.stderr, flush=True)
            if job.before:
                job.before(job.on)
            limits.setdefault(job.on, []).append(read(job.on))
            took = run([tool, *job.options, job.on], keep=True)  # some tools look whether anybody reads
            took.out = None
            if took.status not in (0, 1):
                sys.exit(f'bench: corescan {" ".join(job.options)} {job.on}: exit status {took.status}')
            row = {}
            for peer in job.peers:
                if peer.wanted(rounds, deadline - time.monotonic()):
                    read(job.on)
                    theirs = run(peer.command, keep=True, limit=min(PEER_LIMIT, max(10, deadline - time.monotonic())))
                    if theirs.status in (0, 1):
                        theirs.out = None
                        peer.took.append(theirs)
                        row[peer.name] = theirs
                    else:
                        job.absent.append(f'{peer.name} (exit status {theirs.status})')
                        peer.command, peer.took = None, peer.took or []
            job.peers = [peer for peer in job.peers if peer.command]
            job.rounds.append((took, row))
    if sys.stderr.isatty():
        print('\r\033[K', end='', file=sys.stderr)
    return limits


def blocks_of(tool, core):
    heaps = json.loads(run([tool, '--heap', '--json', core], keep=True).out)['heaps']
    return sum(a[kind]['count'] for h in heaps for a in h['arenas'] for kind in ('used', 'free', 'cached')) + \
        sum(h['mmapped']['count'] for h in heaps)


def kept(verdict):
    return 'kept' if verdict else 'MISSED'


def judge(job, tool, ours, own):
    """What else is to be said: figures by block, and how the goals stand."""
    said, goal = [], job.goal or {}
    if job.note == 'blocks':
        n = max(1, blocks_of(tool, job.on))
        said.append(f'{n / 1e6:.1f} M blocks: {ours * 1e9 / n:.0f} ns, {own / n:.1f} B each')
        if 'bytes' in goal:
            said.append(f'goal {goal["bytes"]} B: {kept(own / n <= goal["bytes"])}')
    if 'seconds' in goal:
        said.append(f'goal {goal["seconds"]} s: {kept(ours <= goal["seconds"])}')
    if 'own' in goal:
        said.append(f'goal {goal["own"] >> 20} MiB: {kept(own <= goal["own"])}')
    return said


def result_rows(jobs, limits, tool, quick):
    rows = [('job', 'GB', 'corescan, s', 'GB/s', 'of a read loop', 'own MiB', 'beside', 'its s', 'its MiB', 'times as fast', 'and')]
    for job in jobs:
        size = job.size
        ours = [took.wall for took, _ in job.rounds]
        limit = statistics.median(took.wall for took in limits[job.on])
        wall, own = statistics.median(ours), max(took.peak for took, _ in job.rounds)
        said = judge(job, tool, wall, own) if not quick or 'blocks' == job.note else []
        head = [job.name, f'{size / 1e9:.2f}', spread(ours), f'{size / wall / 1e9:.2f}', f'{limit / wall:.0%}', f'{own / 2**20:.0f}']
        said += [f'without {name}' for name in dict.fromkeys(job.absent)]
        if not job.peers:
            rows.append((*head, '', '', '', '', '; '.join(said)))
        for peer in job.peers:
            theirs = [row[peer.name].wall for _, row in job.rounds if peer.name in row]
            if not theirs:
                continue
            share = size / peer.size if peer.size else 1  # it looked at a part only
            usual = statistics.median(theirs)
            ratio = usual * share / wall
            # By rounds; of one in which it did not run, by what it takes usually.
            ratios = [(row[peer.name].wall if peer.name in row else usual) * share / took.wall for took, row in job.rounds]
            goal = (job.goal or {}).get(peer.name)
            more = list(said)
            if peer.size:
                more.append(f'{peer.name}: of {peer.size / 1e9:.2f} GB, the ratio is by GB/s')
            if goal and not quick:
                more.append(f'goal {goal}: {kept(ratio >= goal)}')
            rows.append((*head, peer.name, spread(theirs), f'{max(t.peak for t in peer.took) / 2**20:.0f}',
                         spread(ratios, 1, ratio), '; '.join(more)))
            head, said = [''] * len(head), []
    return rows


def live_lines():
    """How a process is read: the program says it itself."""
    mib = os.environ.get('LIVE_MIB', '512')
    return own_program('live_time', mib, '5').splitlines() or ['live: not measured here']


def own_program(name, *words):
    """What one of our own programs says."""
    return run([os.path.join(os.environ['BUILD_DIR'], 'tests/bench', name), *words], keep=True).out.decode()


def against(goal, values, quick):
    return '' if quick else f'; goal {goal}: {kept(statistics.median(values) <= goal)}'


def walk_lines(core, quick):
    """Parts that a whole run does not show: the walk over a heap of small chunks, and marking from the roots."""
    read(core)
    took = re.findall(r'^(\d+) chunks in .*: census .*, ([\d.]+) ns per chunk.* line alone ([\d.]+) ns', own_program('census_time', core, '5'), re.M)
    if not took:
        return ['walks: not measured here']
    chunks, census, plain = ([float(m[i]) for m in took] for i in range(3))
    lines = [f'census of {chunks[0] / 1e6:.1f} M chunks, one thread: {spread(census)} ns of CPU a chunk{against(5, census, quick)}; '
             f'reading a byte of each line alone: {spread(plain)}']
    for workers, goal in ((1, 70), (2, 40)):
        read(core)
        wall = re.findall(r'^marking +([\d.]+) s wall', own_program('relate_time', core, str(workers), '2'), re.M)
        mark = [float(seconds) * 100 for seconds in wall]  # it says them for 10 million
        lines.append(f'mark, {workers} thread{"s"[:workers - 1]}: {spread(mark, 1)} ns a chunk{against(goal, mark, quick)}')
    return lines


def bandwidth(limits):
    best = max((os.path.getsize(path) / took.wall / 1e9 for path, all_took in limits.items() for took in all_took))
    return f'Reading from the page cache, one thread, 256 KiB at a time: up to {best:.1f} GB/s.'


def document(args, inputs, rows, limits, rounds):
    command = './dev bench' + (' --quick' if args.quick else '')
    return '\n'.join([
        '# Benchmarks', '',
        f'Written by `{command}`: corescan beside the tools that people have, in turn in one run, medians of up to {rounds} rounds (least–most); '
        'peers that take long are run less often. The cores lie in the page cache. "Own" memory is anonymous memory at its peak, without the '
        'pages of the core. "of a read loop": the speed beside a plain loop that reads the file and does nothing with it. '
        '"Times as fast": the ratio of the medians (least–most of a round).', '',
        f'Machine: {machine()}. {bandwidth(limits)}', '', table(rows), '', 'Walks:', '',
        *(f'    {line}' for line in walk_lines(inputs['chunks'], args.quick)), '', 'Live processes:', '',
        *(f'    {line}' for line in live_lines()), ''])


def main():
    parser = argparse.ArgumentParser(prog='./dev bench', description=__doc__)
    parser.add_argument('--quick', action='store_true', help='small inputs, at most two minutes')
    parser.add_argument('--rounds', type=int, help='instead of 5 (--quick: 3)')
    parser.add_argument('--only', metavar='REGEX', help='jobs with such names')
    parser.add_argument('--scale', type=float, default=1, help='inputs of other sizes: 0.5 for half of it')
    parser.add_argument('--out', metavar='FILE', help='where the table is written')
    args = parser.parse_args()
    begun = time.monotonic()
    tool = os.environ['CORESCAN']
    folder = os.environ.get('BENCH_DIR', os.path.join(os.environ['BUILD_DIR'], 'bench'))
    inputs = make_inputs(args, folder)
    jobs = [job for job in all_jobs(inputs, folder) if not args.only or re.search(args.only, job.name)]
    if not jobs:
        sys.exit(f'bench: no job has a name like {args.only}')
    rounds = args.rounds or (3 if args.quick else 5)
    limits = measure(jobs, rounds, tool, begun + QUICK_SECONDS if args.quick else float('inf'))
    text = document(args, inputs, result_rows(jobs, limits, tool, args.quick), limits, rounds)
    print(text)
    if args.out:
        os.makedirs(os.path.dirname(os.path.abspath(args.out)), exist_ok=True)
        with open(args.out, 'w') as f:
            f.write(text)
        print(f'written to {args.out}; {time.monotonic() - begun:.0f} s')


if __name__ == '__main__':
    main()
