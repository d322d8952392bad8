#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""measure.py --host HOST --corescan CORESCAN DIR: at which rank does corescan name the library that leaks?

Writes the libraries of generate.py to DIR, compiles and strips them, runs each scenario, cores it, and asks corescan whose the
leaked bytes are. Prints a line for each scenario, and then, as JSON: how many there are, in how many the culprit stands first,
and in how many among the first three. Leaked blocks without an owner stand in the ranking too, as one more library.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import subprocess
import sys

from generate import scenarios

STANDARD = {False: ['cc', '-std=gnu17'], True: ['c++', '-std=gnu++17']}


def compile_library(folder, library):
    path = os.path.join(folder, library.file)
    source = path + ('.cc' if library.cxx else '.c')
    with open(source, 'w') as f:
        f.write(library.source)
    command, standard = STANDARD[library.cxx]
    compiler = os.environ.get('CXX' if library.cxx else 'CC') or command
    needs = [os.path.join(folder, need.file) for need in library.needs]
    subprocess.run([compiler, standard, *library.flags, '-w', '-fPIC', '-shared', '-s', '-Wl,--build-id', '-Wl,-rpath,$ORIGIN',
                    '-Wl,-soname,' + library.file, '-o', path, source, *needs], check=True)
    os.unlink(source)


def compile_all(folder, made, workers):
    """Those that others need come first."""
    left = list({library.file: library for _, _, libraries, _, _ in made for library in libraries}.values())
    done = set()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        while left:
            now = [library for library in left if all(need.file in done for need in library.needs)]
            list(pool.map(lambda library: compile_library(folder, library), now))
            done.update(library.file for library in now)
            left = [library for library in left if library.file not in done]


def take_core(host, folder, number, loaded, rounds):
    core = os.path.join(folder, f'core.{number}')
    arguments = [f'{os.path.join(folder, library.file)}:{size}' for library, size in loaded]
    process = subprocess.Popen([host, str(rounds), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        if process.stdout.readline() != b'ready\n':
            raise RuntimeError(f'scenario {number}: the program ended early')
        subprocess.run(['gdb', '-nx', '-batch', '-iex', 'set debuginfod enabled off', '-iex', 'set auto-solib-add off', '-p',
                        str(process.pid), '-ex', 'gcore ' + core], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)
    finally:
        process.kill()
        process.wait()
    return core


def ranking(corescan, core):
    """[(library or None, leaked bytes)], largest first: what a leak cluster retains is its library's."""
    said = subprocess.run([corescan, '--json', '--leaks', '--libraries', '--clusters', '--top', '0', core], check=True,
                          stdout=subprocess.PIPE).stdout
    report = json.loads(said)
    leaked = collections.Counter()
    for leak in report['leaks']['clusters']:
        leaked[leak['library']] += leak['retained']
    return leaked.most_common()


def measure(arguments, number, scenario):
    what, culprit, _, loaded, rounds = scenario
    core = take_core(arguments.host, arguments.folder, number, loaded, rounds)
    leaked = ranking(arguments.corescan, core)
    if not arguments.keep:
        os.unlink(core)
    place = next((i + 1 for i, (library, _) in enumerate(leaked) if library == culprit), None)
    first = ', '.join(f'{library or "(no owner)"} {size}' for library, size in leaked[:3])
    return place, f'{number + 1:2}  {what:32} {culprit:18} place {place or "-"}: {first}'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder')
    parser.add_argument('--host', required=True)
    parser.add_argument('--corescan', required=True)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--keep', action='store_true', help='keep the cores')
    arguments = parser.parse_args()
    arguments.folder = os.path.abspath(arguments.folder)
    made = scenarios(arguments.seed)
    workers = os.cpu_count() or 1
    compile_all(arguments.folder, made, workers)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        results = list(pool.map(lambda item: measure(arguments, *item), enumerate(made)))
    print('\n'.join(line for _, line in results), file=sys.stderr)
    print(json.dumps({'seed': arguments.seed, 'leaks': len(results), 'first': sum(place == 1 for place, _ in results),
                      'among_three': sum(place is not None and place <= 3 for place, _ in results)}))


if __name__ == '__main__':
    main()
