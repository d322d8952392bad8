#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""table.py SPLIT SCORES --json FILE --markdown FILE: prints the table of all scores, and writes it in two more forms.

SPLIT: lines "tuned-on|held-out PROGRAM". SCORES: a folder with PROGRAM.json of score.py, leaks-PROGRAM.json of leaks.py, and
rank-SEED.json of rank/measure.py.
"""
import argparse
import json
import os

from score import BANDS, calibration

SPLITS = ('tuned-on', 'held-out')
HEADINGS = ('program', 'blocks', 'census', 'extra', 'answered', 'own B', 'own n', 'near B', 'near n', '>=0.9', 'right', 'ECE')


def read_split(path):
    split = {}
    for line in open(path):
        if line.strip() and not line.startswith('#'):
            kind, program = line.split()
            split[program] = kind
    return split


def read_scores(folder, split):
    """The scores by program; by program that logs its leaks; by seed of leaking libraries."""
    programs, leaks, ranks = {}, {}, {}
    for name in sorted(os.listdir(folder)):
        stem, extension = os.path.splitext(name)
        if extension != '.json':
            continue
        with open(os.path.join(folder, name)) as f:
            found = json.load(f)
        if stem.startswith('leaks-'):
            leaks[stem.removeprefix('leaks-')] = found
        elif stem.startswith('rank-'):
            ranks[stem.removeprefix('rank-')] = found
        else:
            programs[stem] = {'split': split.get(stem, 'held-out'), **found}
    return programs, leaks, ranks


def mean(values):
    values = [v for v in values if v is not None]
    return sum(values) / len(values) if values else None


def pooled_bands(scores, weigh):
    """The bands of several programs added up; weigh: every program counts the same, however large it is."""
    bands = []
    for i in range(BANDS):
        band = {'from': i / BANDS, 'blocks': 0, 'bytes': 0, 'own': 0, 'near': 0, 'said': 0}
        for score in scores:
            factor = 1 / max(1, score['bytes']) if weigh else 1
            band['blocks'] += score['bands'][i]['blocks']
            for key in ('bytes', 'own', 'near', 'said'):
                band[key] += score['bands'][i][key] * factor
        bands.append(band)
    return bands


def calibration_of(bands):
    # calibration() counts in bytes; shares of programs are made so many that no rounding matters.
    return calibration([{**band, **{key: band[key] * 2**30 for key in ('bytes', 'own', 'near', 'said')}} for band in bands])


def overall(scores):
    """The mean over programs; and of confidence, all bytes in one pot, and each program weighing the same."""
    both = lambda key: {unit: mean([s[key][unit] for s in scores]) for unit in ('bytes', 'blocks')}
    return {'programs': len(scores), 'blocks': sum(s['blocks'] for s in scores), 'bytes': sum(s['bytes'] for s in scores),
            'missing': sum(s['missing'] for s in scores), 'extra': {'blocks': sum(s['extra']['blocks'] for s in scores)},
            'census': both('census'), 'answered': both('answered'), 'own': both('own'), 'near': both('near'),
            'near_least': min(s['near']['bytes'] for s in scores),
            'bands': pooled_bands(scores, weigh=True), **calibration_of(pooled_bands(scores, weigh=True)),
            'by_bytes': {'bands': pooled_bands(scores, weigh=False), **calibration_of(pooled_bands(scores, weigh=False))}}


def percent(share, digits=1):
    if share is None:
        return '-'
    # Never "100" for what is not all.
    scale = 10 ** (digits + 2)
    return f'{int(share * scale + 1e-6) / scale * 100:.{digits}f}'


def row(name, score):
    return (name, str(score['blocks']), percent(score['census']['blocks'], 2), str(score['extra']['blocks']),
            percent(score['answered']['bytes']), percent(score['own']['bytes']), percent(score['own']['blocks']),
            percent(score['near']['bytes']), percent(score['near']['blocks']), percent(score['sure']['share']),
            percent(score['sure']['near']), f"{score['calibration_error']:.3f}")


def band_rows(result):
    for i in range(BANDS):
        cells = [f'{i / BANDS:.1f}-{(i + 1) / BANDS:.1f}']
        for split in SPLITS:
            found = result['overall'].get(split)
            for bands in (found['bands'], found['by_bytes']['bands']) if found else ():
                answered = sum(band['bytes'] for band in bands)
                band = bands[i]
                cells += [percent(band['bytes'] / answered if answered else None),
                          percent(band['near'] / band['bytes'] if band['bytes'] else None)]
        yield tuple(cells)


def leak_rows(result):
    for name, found in result['leaks'].items():
        yield (name, *(percent(found[what][unit], 2) for what in ('precision', 'recall') for unit in ('bytes', 'blocks')),
               str(found['counts']['possible']['blocks']))


def sections(result):
    """(title, headings, rows) of each table."""
    for split in SPLITS:
        programs = {n: s for n, s in result['programs'].items() if s['split'] == split}
        if programs:
            rows = [row(name, score) for name, score in programs.items()]
            rows.append(row(f'mean of {len(programs)}', result['overall'][split]))
            yield (f'{split}: shares in %; B by bytes, n by blocks; right: near, of what is said with 0.9 and more', HEADINGS, rows)
    splits = [split for split in SPLITS if split in result['overall']]
    if splits:
        headings = ['confidence']
        for split in splits:
            headings += [f'{split} share', 'right', 'by bytes: share', 'right']
        yield ('by confidence: share of what is answered, and how much of it is right (near), in %', headings,
               list(band_rows(result)))
    if result['leaks']:
        yield ('leaks of programs that know theirs, in %',
               ('program', 'precision B', 'precision n', 'recall B', 'recall n', 'possible'), list(leak_rows(result)))
    if result['ranks']:
        yield ('libraries that leak: how often the culprit is named', ('seed', 'leaks', 'first', 'among three'),
               [(seed, *(str(found[what]) for what in ('leaks', 'first', 'among_three')))
                for seed, found in result['ranks'].items()])


def as_text(title, headings, rows):
    widths = [max(len(line[i]) for line in (headings, *rows)) for i in range(len(headings))]
    lines = ['  '.join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths)))
             for line in (headings, *rows)]
    return '\n'.join((title, '', *(line.rstrip() for line in lines), ''))


def as_markdown(title, headings, rows):
    lines = [f'{title}\n', '| ' + ' | '.join(headings) + ' |', '|---' + '|---:' * (len(headings) - 1) + '|']
    return '\n'.join((*lines, *('| ' + ' | '.join(line) + ' |' for line in rows), ''))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('split')
    parser.add_argument('scores')
    parser.add_argument('--json', required=True)
    parser.add_argument('--markdown', required=True)
    arguments = parser.parse_args()
    programs, leaks, ranks = read_scores(arguments.scores, read_split(arguments.split))
    result = {'programs': programs, 'overall': {}, 'leaks': leaks, 'ranks': ranks}
    for split in SPLITS:
        scores = [score for score in programs.values() if score['split'] == split]
        if scores:
            result['overall'][split] = overall(scores)
    with open(arguments.json, 'w') as f:
        json.dump(result, f, indent=1)
    with open(arguments.markdown, 'w') as f:
        f.write('\n'.join(as_markdown(*section) for section in sections(result)))
    print('\n'.join(as_text(*section) for section in sections(result)))


if __name__ == '__main__':
    main()
