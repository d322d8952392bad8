# SPDX-License-Identifier: Apache-2.0
"""Running commands and saying what they took: wall and CPU time, memory of their own; the machine; tables."""
import os
import platform
import resource
import signal
import statistics
import subprocess
import threading
import time

READS, WAITS, BRIEF = 3, 1.3, .05  # more readings at most; wall by CPU time of one that waited; seconds that do not matter
PIECE = 1 << 18  # what a plain loop reads at a time: more is no faster from the page cache


def family(pid):
    """The process and all that descend from it."""
    found, todo = [], [pid]
    while todo:
        pid = todo.pop()
        found.append(pid)
        try:
            for task in os.listdir(f'/proc/{pid}/task'):
                with open(f'/proc/{pid}/task/{task}/children') as f:
                    todo += [int(word) for word in f.read().split()]
        except OSError:
            pass
    return found


def anonymous(pid):
    """Bytes of memory of its own: mapped files (the core, most of all) are the page cache's and go when others want room."""
    total = 0
    for one in family(pid):
        try:
            with open(f'/proc/{one}/status') as f:
                total += sum(int(line.split()[1]) << 10 for line in f if line.startswith('RssAnon'))
        except OSError:
            pass
    return total


class Took:
    """One run of a command."""

    def __init__(self, wall, cpu, peak, out, status):
        self.wall, self.cpu, self.peak, self.out, self.status = wall, cpu, peak, out, status


def run(command, keep=False, limit=None):
    """Runs a list of words, or a line for bash. Its output is kept, or thrown away."""
    words = command if isinstance(command, list) else ['bash', '-c', command]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if keep else subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
    peak, over = [0], threading.Event()

    def watch():
        # Looking takes a millisecond of a processor, which what is measured may want: seldom enough not to be seen in its time.
        while not over.wait(min(0.1, max(0.01, (time.monotonic() - start) / 10))):
            peak[0] = max(peak[0], anonymous(child.pid))
            if limit and time.monotonic() - start > limit:
                os.killpg(child.pid, signal.SIGKILL)
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        out = child.stdout.read() if keep else b''
        status = child.wait()
    finally:
        over.set()
        watcher.join()
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Took(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak[0], out, status)


def read_once(path):
    before, start = os.times(), time.monotonic()
    piece = bytearray(PIECE)
    with open(path, 'rb', buffering=0) as f:
        while f.readinto(piece):
            pass
    after = os.times()
    return Took(time.monotonic() - start, after.user + after.system - before.user - before.system, 0, b'', 0)


def read(path):
    """A plain loop over the file: what no tool can be faster than, in one thread. Also brings it into the page cache, out of which some kernels take what
    nobody read for a while: so it is read until it waits for no disk any more."""
    took = read_once(path)
    for _ in range(READS):
        if took.wall < max(WAITS * took.cpu, BRIEF):
            break
        took = read_once(path)
    return took


def spread(values, digits=None, middle=None):
    """Median, or what else stands for them, and least to most where there are several."""
    middle = statistics.median(values) if middle is None else middle
    if digits is None:
        digits = 2 if middle >= 1 else 3
    text = f'{middle:.{digits}f}'
    return text if len(values) < 2 else f'{text} ({min(values):.{digits}f}–{max(values):.{digits}f})'


def machine():
    """What the figures were taken on; no names of hosts."""
    model = 'unknown processor'
    with open('/proc/cpuinfo') as f:
        for line in f:
            if line.startswith('model name'):
                model = line.split(':', 1)[1].strip()
                break
    with open('/proc/meminfo') as f:
        memory = int(f.readline().split()[1]) / 2**20
    flags = open('/proc/cpuinfo').read()
    best = next((name for name in ('avx512bw', 'avx2', 'ssse3') if f' {name}' in flags), 'no vector extension known')
    release = platform.freedesktop_os_release().get('PRETTY_NAME', 'unknown system')
    return f'{model}, {best}, {os.cpu_count()} processors, {memory:.0f} GiB of memory, Linux {platform.release().split("-")[0]}, {release}'


def table(rows):
    """Markdown, with columns laid out for a terminal as well; the first row is the head."""
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    lines = ['| ' + ' | '.join(str(cell).ljust(width) for cell, width in zip(row, widths)) + ' |' for row in rows]
    lines.insert(1, '|' + '|'.join('-' * (width + 2) for width in widths) + '|')
    return '\n'.join(lines)
