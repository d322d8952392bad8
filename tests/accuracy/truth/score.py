#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""score.py SET BLOCKS.tsv: how corescan's --blocks fits the truth of a set, as JSON.

own     the answer is the owner of the truth
near    own, or malloc's direct caller, or the next module up the stack: what a person would accept

A version does not matter: libfoo.so.1 and libfoo.so.1.2.3 are one library. No answer counts as a wrong one; the bands of
confidence, and so the calibration error, are about the blocks that have an answer.
"""
import json
import os
import re
import sys

BANDS = 10
UNKNOWN = ('', '-')


def canonical(name):
    return re.sub(r'(\.so)(\.[\w.]+)?$', r'\1', os.path.basename(name))


def read_truth(path):
    """address -> (usable size, owner, all that is near)"""
    truth = {}
    with open(path) as f:
        column = {name: i for i, name in enumerate(next(f).rstrip('\n').split('\t'))}
        for line in f:
            fields = line.rstrip('\n').split('\t')
            owner, caller, above = (canonical(fields[column[name]])
                                    for name in ('owner_module', 'caller_module', 'next_module'))
            truth[int(fields[column['addr']], 16)] = (int(fields[column['usable']]), owner, {owner, caller, above})
    return truth


def read_blocks(path):
    """address -> (usable size, library or None, confidence)"""
    blocks = {}
    with open(path) as f:
        for line in f:
            fields = line.rstrip('\n').split('\t')
            if fields[0].startswith('0x'):
                library = None if fields[2] in UNKNOWN else canonical(fields[2])
                blocks[int(fields[0], 16)] = (int(fields[1]), library, float(fields[3]) if library else 0.0)
    return blocks


class Tally:
    """Blocks and bytes by what holds of them."""

    def __init__(self):
        self.blocks, self.bytes = {}, {}

    def add(self, name, size):
        self.blocks[name] = self.blocks.get(name, 0) + 1
        self.bytes[name] = self.bytes.get(name, 0) + size

    def share(self, name, of):
        return {'blocks': self.blocks.get(name, 0) / max(1, self.blocks.get(of, 0)),
                'bytes': self.bytes.get(name, 0) / max(1, self.bytes.get(of, 0))}


def score(truth, blocks):
    tally = Tally()
    bands = [{'from': i / BANDS, 'blocks': 0, 'bytes': 0, 'own': 0, 'near': 0, 'said': 0.0} for i in range(BANDS)]
    for address, (usable, owner, near) in truth.items():
        tally.add('all', usable)
        if address not in blocks:
            continue
        size, library, confidence = blocks[address]
        if size == usable:
            tally.add('found', usable)
        if library is None:
            continue
        tally.add('answered', usable)
        if library == owner:
            tally.add('own', usable)
        if library in near:
            tally.add('near', usable)
        band = bands[min(int(confidence * BANDS), BANDS - 1)]
        band['blocks'] += 1
        band['bytes'] += usable
        band['own'] += usable if library == owner else 0
        band['near'] += usable if library in near else 0
        band['said'] += usable * confidence
    for address in blocks.keys() - truth.keys():
        tally.add('extra', blocks[address][0])
    return {'blocks': tally.blocks.get('all', 0), 'bytes': tally.bytes.get('all', 0),
            'census': tally.share('found', 'all'), 'missing': tally.blocks.get('all', 0) - tally.blocks.get('found', 0),
            'extra': {'blocks': tally.blocks.get('extra', 0), 'bytes': tally.bytes.get('extra', 0)},
            'answered': tally.share('answered', 'all'), 'own': tally.share('own', 'all'),
            'near': tally.share('near', 'all'), 'bands': bands, **calibration(bands)}


def calibration(bands):
    """The expected calibration error (how far what is said lies from what is right, weighted by bytes), and what is said with a
    confidence of 0.9 and more: its share of the bytes that are answered, and how much of it is right (near)."""
    answered = sum(band['bytes'] for band in bands)
    sure = bands[-1]
    return {'calibration_error': sum(abs(band['said'] - band['near']) for band in bands) / max(1, answered),
            'sure': {'share': sure['bytes'] / max(1, answered),
                     'near': sure['near'] / sure['bytes'] if sure['bytes'] else None,
                     'own': sure['own'] / sure['bytes'] if sure['bytes'] else None}}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(json.dumps(score(read_truth(os.path.join(sys.argv[1], 'truth.tsv')), read_blocks(sys.argv[2]))))


if __name__ == '__main__':
    main()
