#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""annotate.py DIR: makes the truth out of what atdump wrote to DIR.

in      truth.raw.tsv stacks.raw.tsv modules.raw.tsv maps
out     truth.tsv       addr size usable flags caller_module caller_offset owner_module ms stack next_module
        stacks.tsv      stack owner_module blocks usable frames (module+0xoffset(function);...)

caller_module is the module of malloc's direct caller; owner_module and next_module are explained in owners.py.
"""
import os
import sys

from elf import Elf
from owners import find_hubs, owner_of


class Modules:
    """The modules of the stacks. ld.so knows a library by the name it was asked for (libfoo.so.1); the truth uses the name of the
    file that is mapped (libfoo.so.1.2.3), which is what a core's NT_FILE note and /proc/PID/maps show."""

    def __init__(self, modules, maps):
        self.paths, self.files, self.aliases = {}, {}, {}
        mapped = {}
        for line in open(maps):
            fields = line.rstrip('\n').split(None, 5)
            if len(fields) == 6 and fields[5].startswith('/'):
                mapped[int(fields[0].split('-')[0], 16)] = fields[5].removesuffix(' (deleted)')
        for line in open(modules):
            _, start, _, _, path = line.rstrip('\n').split('\t')
            real = mapped.get(int(start, 16)) or os.path.realpath(path)
            self.aliases.setdefault(os.path.basename(path), os.path.basename(real))
            self.paths.setdefault(os.path.basename(real), real)

    def name(self, module):
        return self.aliases.get(module, module)

    def function(self, module, address):
        if module not in self.files:
            try:
                self.files[module] = Elf(self.paths[module])
            except (KeyError, OSError, ValueError):
                self.files[module] = None
        file = self.files[module]
        return file.function_at(address) if file else None


def rows_of(path):
    with open(path) as f:
        next(f)
        for line in f:
            yield line.rstrip('\n').split('\t')


def read_stacks(path, modules):
    stacks = {}
    for stack, text in rows_of(path):
        frames = []
        for frame in text.split(';'):
            module, offset = frame.rsplit('+', 1)
            module, offset = modules.name(module), int(offset, 16)
            # A return address: the call stands before it.
            frames.append((module, offset, modules.function(module, offset - 1)))
        stacks[stack] = frames
    return stacks


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    place = lambda name: os.path.join(sys.argv[1], name)
    modules = Modules(place('modules.raw.tsv'), place('maps'))
    stacks = read_stacks(place('stacks.raw.tsv'), modules)
    hubs = find_hubs(stacks.values())
    owners = {stack: owner_of(frames, hubs) for stack, frames in stacks.items()}
    totals = {stack: [0, 0] for stack in stacks}
    with open(place('truth.tsv'), 'w') as f:
        f.write('addr\tsize\tusable\tflags\tcaller_module\tcaller_offset\towner_module\tms\tstack\tnext_module\n')
        for address, size, usable, flags, caller, offset, ms, stack in rows_of(place('truth.raw.tsv')):
            owner, above = owners[stack]
            totals[stack][0] += 1
            totals[stack][1] += int(usable)
            f.write('\t'.join((address, size, usable, flags, modules.name(caller), offset, owner, ms, stack, above)) + '\n')
    with open(place('stacks.tsv'), 'w') as f:
        f.write('stack\towner_module\tblocks\tusable\tframes\n')
        for stack, (blocks, usable) in sorted(totals.items(), key=lambda item: -item[1][1]):
            text = ';'.join(f'{module}+{offset:#x}' + (f'({function})' if function else '')
                            for module, offset, function in stacks[stack])
            f.write(f'{stack}\t{owners[stack][0]}\t{blocks}\t{usable}\t{text}\n')
    for name in ('truth.raw.tsv', 'stacks.raw.tsv', 'modules.raw.tsv'):
        os.unlink(place(name))


if __name__ == '__main__':
    main()
