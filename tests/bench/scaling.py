#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time and memory against the number of each thing: sizes from 64 MB to 16 GB, modules, mappings, threads, arenas, blocks, classes (so clusters), rules. Cores
are made by `synth`; one thing grows, the others stay few. The exponent is the slope of CPU time above that of the smallest step, in a plot of logarithms: 1 is
linear; above 1.3 it says so. `./dev bench --scaling` calls it."""
import argparse
import math
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # nothing of ours in the sources
from measure import machine, read, run, table
from plot import draw

TOO_STEEP = 1.3
LEAST = 0.2  # seconds above the smallest step; less than that says nothing of a slope
SERIES = [
    ('size, MiB', 'mib', [64, 256, 1024, 4096, 16384], ['--summary'], 'stride=16'),
    ('size, texts', 'mib', [64, 256, 1024, 4096, 16384], ['--strings'], 'stride=64'),
    ('blocks', 'blocks', [50000, 200000, 800000, 3200000], ['--summary'], ''),
    ('classes', 'classes', [100, 1000, 10000, 50000], ['--summary'], 'blocks=400000 modules=20'),
    ('modules', 'modules', [10, 100, 1000, 4000], ['--summary'], ''),
    ('mappings', 'mappings', [1000, 10000, 60000, 240000], ['--summary'], ''),
    ('threads', 'threads', [10, 100, 1000, 5000], ['--summary'], ''),
    ('arenas', 'arenas', [1, 10, 100, 1000], ['--summary'], 'blocks=400000'),
    ('rules', None, [1, 10, 100, 1000, 4000], [], 'mib=256 stride=2'),
]


def rules(n, folder):
    """Literals of their own, and a tail that varies."""
    path = os.path.join(folder, 'rules.yaml')
    with open(path, 'w') as f:
        f.writelines(f"- id: r{i}\n  regex: 'tok{i * 7919 % 100003:05d}_[A-Za-z0-9]{{{8 + i % 24}}}'\n" for i in range(n))
    return ['--rules', path]


def measure(tool, synth, folder, series, most):
    name, what, steps, options, rest = series
    rows, core = [], os.path.join(folder, 'core')
    for step in steps:
        if most and step > most:
            break
        words = [f'{what}={step}'] if what else []
        if what or not os.path.exists(core):
            subprocess.run([synth, core, *rest.split(), *words], check=True)
        read(core)
        took = [run([tool, *(options or rules(step, folder)), core], keep=True) for _ in range(3)]
        if any(t.status not in (0, 1) for t in took):
            sys.exit(f'scaling: {name} {step}: exit status {took[0].status}')
        best = min(took, key=lambda t: t.cpu)
        rows.append((step, os.stat(core).st_size, os.stat(core).st_blocks * 512, best.wall, best.cpu, max(t.peak for t in took)))
    if os.path.exists(core):
        os.unlink(core)
    return rows


def slope(rows):
    """The steepest between one step and the next, of those that take long enough to be told from noise."""
    base, steep = rows[0], None
    for a, b in zip(rows[1:], rows[2:]):
        if a[4] - base[4] > LEAST / 4 and b[4] - base[4] > LEAST:
            now = math.log((b[4] - base[4]) / (a[4] - base[4])) / math.log((b[0] - base[0]) / (a[0] - base[0]))
            steep = now if steep is None else max(steep, now)
    return steep


def main():
    parser = argparse.ArgumentParser(prog='./dev bench --scaling', description=__doc__)
    parser.add_argument('--only', metavar='WORD', help='series of such a name')
    parser.add_argument('--most', type=int, help='no steps above this number')
    parser.add_argument('--out', metavar='FILE', help='where the table is written, and beside it, as .svg, the plot')
    args = parser.parse_args()
    tool, synth = os.environ['CORESCAN'], os.path.join(os.environ['BUILD_DIR'], 'tests/bench/synth')
    os.makedirs(os.environ['BUILD_DIR'], exist_ok=True)
    out = [('of', 'number', 'core MiB', 'on disk MiB', 'wall, s', 'CPU, s', 'own MiB', 'exponent')]
    steep, drawn = [], []
    for series in SERIES:
        if args.only and args.only not in series[0]:
            continue
        with tempfile.TemporaryDirectory(dir=os.environ['BUILD_DIR']) as folder:
            rows = measure(tool, synth, folder, series, args.most)
        drawn.append((series[0], *([row[i] for row in rows] for i in (0, 4, 3))))
        power = slope(rows)
        if power and power > TOO_STEEP:
            steep.append(series[0])
        for i, (step, size, disk, wall, cpu, peak) in enumerate(rows):
            said = '' if i + 1 < len(rows) else 'too quick to say' if power is None else f'{power:.2f}' + (' TOO STEEP' if power > TOO_STEEP else '')
            out.append(('' if i else series[0], f'{step:,}', f'{size >> 20:,}', f'{disk >> 20:,}', f'{wall:.2f}', f'{cpu:.2f}', f'{peak >> 20:,}', said))
        print(table([out[0], *out[-len(rows):]]), flush=True)
    if args.out:
        plot = os.path.splitext(args.out)[0] + '.svg'
        draw(plot, drawn)
        with open(args.out, 'w') as f:
            f.write(f'# Scaling\n\n{__doc__.strip()}\n\nMachine: {machine()}.\n\n![seconds by number of each thing]({os.path.basename(plot)})\n\n{table(out)}\n')
    if steep:
        print(f'grows faster than in proportion: {", ".join(steep)}')
        sys.exit(1)


if __name__ == '__main__':
    main()
