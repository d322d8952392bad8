#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions that corescan takes for a few questions about a small core that `synth` makes, beside those of guard.txt: seconds are noisy, these are
the same each time. More than a tenth above is a failure. `./dev bench --guard` runs it; with --update guard.txt is written anew."""
import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
STORED = os.path.join(HERE, 'guard.txt')
TOLERANCE = .10
CORE = 'blocks=20000 arenas=4 threads=3 modules=6 classes=200 mib=4 stride=4'.split()
RULES = ['ghp_[A-Za-z0-9]{36}', 'AKIA[A-Z2-7]{16}', r'[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.13', r'[a-z0-9.-]+@[a-z0-9]+\.org']
CASES = {
    'heap': ['--heap'],
    'summary': ['--summary'],
    'strings': ['--strings'],
    'rules': [word for rule in RULES for word in ('-e', rule)],
}
SKIPPED = 77


def skip(why):
    print(f'skipped: {why}')
    sys.exit(SKIPPED)


def conditions(tool):
    """What the figures depend on besides our code."""
    with open(tool, 'rb') as f:
        found = re.search(rb'(GCC: \([^)]*\) [0-9.]+|clang version [0-9.]+)', f.read())
    vectors = next((v for v in ('avx2', 'ssse3') if f' {v}' in open('/proc/cpuinfo').read()), 'none')
    return f'{found[1].decode() if found else "unknown compiler"}; {" ".join(platform.libc_ver())}; {vectors}'


def count(tool, options, core, folder):
    log = os.path.join(folder, 'log')
    status = subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', f'--log-file={log}', tool, *options, '-j1', core],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    text = open(log).read()
    found = re.search(r'Collected : (\d+)', text)
    if status not in (0, 1) or not found:
        sys.exit(f'guard: corescan {" ".join(options)} under callgrind: exit status {status}: {text[-2000:]}')
    return int(found[1])


def stored():
    lines = [line.rstrip('\n') for line in open(STORED) if not line.startswith('#')] if os.path.exists(STORED) else []
    return (lines[0] if lines else None), {name: int(number) for name, number in (line.split() for line in lines[1:])}


def write(where, found):
    with open(STORED, 'w') as f:
        f.write('# Instructions by question; see guard.py. The first line is what else they depend on.\n')
        f.write(where + '\n')
        f.writelines(f'{name} {number}\n' for name, number in found.items())


def main():
    parser = argparse.ArgumentParser(prog='./dev bench --guard', description=__doc__)
    parser.add_argument('--update', action='store_true', help='take the figures of now for those to come')
    args = parser.parse_args()
    tool, build = os.environ['CORESCAN'], os.environ['BUILD_DIR']
    if not shutil.which('valgrind'):
        skip('valgrind is not installed')
    cache = open(os.path.join(build, 'CMakeCache.txt')).read()
    if not re.search(r'^CS_SANITIZE:STRING=$', cache, re.M) or not re.search(r'^CMAKE_BUILD_TYPE:\w+=Release$', cache, re.M):
        skip('figures are those of a release without sanitizers')
    here, (there, known) = conditions(tool), stored()
    if not args.update and here != there:
        skip(f'the figures of guard.txt are those of "{there}", and this is "{here}"')
    found, bad = {}, 0
    with tempfile.TemporaryDirectory() as folder:
        core = os.path.join(folder, 'core')
        subprocess.run([os.path.join(build, 'tests/bench/synth'), core, *CORE], check=True)
        for name, options in CASES.items():
            found[name] = count(tool, options, core, folder)
            before = known.get(name)
            if before is None:
                print(f'{name:8} {found[name]:12,} instructions; none stored')
                bad += not args.update
                continue
            change = found[name] / before - 1
            verdict = 'MORE THAN IT MAY BE' if change > TOLERANCE else 'less: --update keeps it so' if change < -TOLERANCE else 'kept'
            bad += change > TOLERANCE and not args.update
            print(f'{name:8} {found[name]:12,} instructions, {before:,} before: {change:+.1%}, {verdict}')
    if args.update:
        write(here, found)
    sys.exit(1 if bad else 0)


if __name__ == '__main__':
    main()
