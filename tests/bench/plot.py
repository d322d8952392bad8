# SPDX-License-Identifier: Apache-2.0
"""Draws how time grows as an SVG: one panel a series, both axes logarithmic, beside a dashed line of what would be in proportion."""
import math
from xml.sax.saxutils import escape

COLUMNS, WIDTH, HEIGHT = 3, 310, 230
LEFT, RIGHT, TOP, BOTTOM = 48, 14, 34, 34  # of a panel, around its axes
HEAD = 30  # for the legend
LEAST = 1e-3  # seconds: below it there is nothing to see
LINES = [('CPU, s', '#1f6fb4', ''), ('wall, s', '#c45a11', ''), ('in proportion', '#777', '5 4')]


def short(n):
    """400000 as 400k."""
    for unit, name in ((10**6, 'M'), (10**3, 'k')):
        if n >= unit and n % (unit / 10) == 0:
            return f'{n / unit:g}{name}'
    return f'{n:g}'


def text(x, y, what, anchor='middle', more=''):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(what)}</text>'


def line(points, color, dash):
    at = ' '.join(f'{x:.1f},{y:.1f}' for x, y in points)
    return f'<polyline points="{at}" fill="none" stroke="{color}" stroke-width="1.6"' + (f' stroke-dasharray="{dash}"' if dash else '') + '/>'


def in_proportion(numbers, seconds):
    """What lies between the first and the last where each one more takes as long as the one before."""
    rise = (seconds[-1] - seconds[0]) / (numbers[-1] - numbers[0]) if numbers[-1] > numbers[0] else 0
    return [seconds[0] + rise * (n - numbers[0]) for n in numbers]


def panel(name, numbers, cpu, wall, left, top):
    """The lines of one series whose panel's corner is at (left, top)."""
    seconds = [max(s, LEAST) for s in (*cpu, *wall)]
    low, high = 10 ** math.floor(math.log10(min(seconds))), 10 ** math.ceil(math.log10(max(seconds)))
    high = high if high > low else low * 10
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    span = math.log(numbers[-1] / numbers[0]) or 1

    def place(n, s):
        return (left + LEFT + wide * math.log(n / numbers[0]) / span,
                top + TOP + tall * (1 - math.log(max(s, LEAST) / low) / math.log(high / low)))

    out = [text(left + LEFT, top + TOP - 12, name, 'start', ' font-weight="bold"')]
    mark = low
    while mark <= high * 1.001:
        x, y = place(numbers[0], mark)
        out += [f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{x + wide:.1f}" y2="{y:.1f}" stroke="#ddd"/>', text(x - 6, y + 4, f'{mark:g}', 'end')]
        mark *= 10
    for n in numbers:
        x, y = place(n, low)
        out += [f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{x:.1f}" y2="{y + 4:.1f}" stroke="#777"/>', text(x, y + 17, short(n))]
    for (_, color, dash), values in zip(LINES, (cpu, wall, in_proportion(numbers, cpu))):
        points = [place(n, s) for n, s in zip(numbers, values)]
        out.append(line(points, color, dash))
        if not dash:
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{color}"/>' for x, y in points]
    return out


def draw(path, series):
    """series: (name, numbers, seconds of CPU, seconds of wall time), each with one value a step, numbers rising."""
    rows = (len(series) + COLUMNS - 1) // COLUMNS
    wide, tall = COLUMNS * WIDTH, HEAD + rows * HEIGHT
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" font-family="sans-serif" font-size="11" fill="#333">',
           f'<rect width="{wide}" height="{tall}" fill="#fff"/>']
    for i, (name, color, dash) in enumerate(LINES):
        x = LEFT + i * 130
        out += [line([(x, 20), (x + 28, 20)], color, dash), text(x + 34, 24, name, 'start')]
    for i, one in enumerate(series):
        out += panel(*one, i % COLUMNS * WIDTH, HEAD + i // COLUMNS * HEIGHT)
    with open(path, 'w') as f:
        f.write('\n'.join([*out, '</svg>']) + '\n')
