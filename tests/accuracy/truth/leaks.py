#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""leaks.py LOG BLOCKS.tsv [--each]: how corescan's leak column fits what leaktruth logged, as JSON; --each: by scenario, as text.

lost and indirect blocks should be called leaked, live and interior ones not. hidden ones (the pointer is encoded, in the kernel,
or one past the end) look lost to any scan, and stale ones look reachable: neither counts. "possible" is not "leaked".
"""
import json
import sys

POSITIVE, NEGATIVE = ('lost', 'indirect'), ('live', 'interior')


def read_log(path):
    """address -> (state, size, scenario)"""
    log = {}
    for line in open(path):
        state, address, size, scenario = line.rstrip('\n').split('\t')
        log[int(address, 16)] = (state, int(size), scenario)
    return log


def read_leaks(path):
    leaks = {}
    for line in open(path):
        fields = line.rstrip('\n').split('\t')
        if fields[0].startswith('0x'):
            leaks[int(fields[0], 16)] = fields[5]
    return leaks


def score(log, leaks):
    count = {key: [0, 0] for key in ('hit', 'missed', 'false', 'right', 'hidden', 'stale', 'possible')}
    for address, (state, size, _) in log.items():
        said = leaks.get(address, '-')
        leaked = said in ('direct', 'indirect')
        if said == 'possible':
            keys = ['possible']
        else:
            keys = []
        if state in POSITIVE:
            keys.append('hit' if leaked else 'missed')
        elif state in NEGATIVE:
            keys.append('false' if leaked else 'right')
        elif leaked:
            keys.append(state)
        for key in keys:
            count[key][0] += 1
            count[key][1] += size
    share = lambda a, b, unit: count[a][unit] / max(1, count[a][unit] + count[b][unit])
    return {'precision': {'blocks': share('hit', 'false', 0), 'bytes': share('hit', 'false', 1)},
            'recall': {'blocks': share('hit', 'missed', 0), 'bytes': share('hit', 'missed', 1)},
            'counts': {key: {'blocks': n, 'bytes': size} for key, (n, size) in count.items()}}


def each(log, leaks):
    rows = {}
    for address, (state, _, scenario) in log.items():
        row = rows.setdefault((scenario, state), [0, 0, 0])
        said = leaks.get(address, '-')
        row[0] += 1
        row[1] += said in ('direct', 'indirect')
        row[2] += said == 'possible'
    for (scenario, state), (n, leaked, possible) in rows.items():
        wanted = n if state in POSITIVE else 0 if state in NEGATIVE else None
        verdict = '' if wanted is None else 'right' if leaked == wanted else 'WRONG'
        print(f'{scenario:32} {state:9} {n:5} blocks, {leaked:5} leaked, {possible:5} possible  {verdict}')


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    log, leaks = read_log(sys.argv[1]), read_leaks(sys.argv[2])
    if sys.argv[3:] == ['--each']:
        each(log, leaks)
    else:
        print(json.dumps(score(log, leaks)))


if __name__ == '__main__':
    main()
