#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What plot.py draws is XML, has a point for each value, and draws nothing beyond its edges, whatever the values are."""
import os
import sys
import tempfile
import xml.etree.ElementTree as tree

sys.dont_write_bytecode = True  # nothing of ours in the sources
from plot import draw, in_proportion

SVG = '{http://www.w3.org/2000/svg}'
SERIES = [
    ('rises', [10, 100, 1000], [.02, .2, 2.], [.01, .1, 1.]),
    ('stays', [1, 2], [.5, .5], [.25, .25]),
    ('one step', [7], [3.], [2.]),
    ('no time at all, <&>', [1, 10**9], [0., 0.], [0., 1000.]),
]


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'plot.svg')
        draw(path, SERIES)
        root = tree.parse(path).getroot()
    wide, tall = (float(n) for n in root.get('viewBox').split()[2:])
    points = [tuple(float(n) for n in pair.split(',')) for one in root.iter(f'{SVG}polyline') for pair in one.get('points').split()]
    circles = list(root.iter(f'{SVG}circle'))
    said = [one.text for one in root.iter(f'{SVG}text')]
    assert len(circles) == sum(len(cpu) + len(wall) for _, _, cpu, wall in SERIES), len(circles)
    assert all(0 <= x <= wide and 0 <= y <= tall for x, y in points), points
    assert all(name in said for name, *_ in SERIES), said
    first = [float(one.get('cy')) for one in circles[:3]]
    assert first[0] > first[1] > first[2], first  # more time is further up
    assert in_proportion([10, 20, 40], [1, 9, 4]) == [1, 2, 4]
    print('5 passed, 0 failed')


main()
