# SPDX-License-Identifier: Apache-2.0
"""The functions of an ELF64 file by address."""
import bisect
import mmap
import struct

SHT_SYMTAB, SHT_DYNSYM = 2, 11
STT_FUNC, STT_GNU_IFUNC = 2, 10
SYMBOL = '<IBBHQQ'


class Elf:
    def __init__(self, path):
        with open(path, 'rb') as f:
            self.data = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
        if self.data[:5] != b'\x7fELF\x02':
            raise ValueError('not ELF64: ' + path)
        section_offset = struct.unpack_from('<Q', self.data, 40)[0]
        size, count = struct.unpack_from('<HH', self.data, 58)
        # name type flags addr offset size link info align entsize
        self.sections = [struct.unpack_from('<IIQQQQIIQQ', self.data, section_offset + i * size)
                         for i in range(count)] if section_offset else []
        self.functions = self._functions()
        self.starts = [start for start, _, _ in self.functions]

    def _symbols(self):
        """(name, value, size, type, section index) of each symbol, exported or not."""
        for section in self.sections:
            if section[1] not in (SHT_SYMTAB, SHT_DYNSYM):
                continue
            offset, size, link = section[4:7]
            names_offset, names_size = self.sections[link][4:6]
            names = self.data[names_offset:names_offset + names_size]
            whole = size // struct.calcsize(SYMBOL) * struct.calcsize(SYMBOL)
            for name, info, _, index, value, length in struct.iter_unpack(SYMBOL, self.data[offset:offset + whole]):
                end = names.find(b'\0', name)
                yield names[name:end].decode('latin1'), value, length, info & 15, index

    def _functions(self):
        """Sorted (start, size, name) of the defined functions; of two at one place, the larger one."""
        seen = {}
        for name, value, size, kind, index in self._symbols():
            if index and value and kind in (STT_FUNC, STT_GNU_IFUNC):
                if value not in seen or size > seen[value][0]:
                    seen[value] = (size, name)
        return sorted((value, size, name) for value, (size, name) in seen.items())

    def function_at(self, address):
        """The name of the function that holds the address; None where no symbol covers it."""
        i = bisect.bisect_right(self.starts, address) - 1
        if i < 0:
            return None
        start, size, name = self.functions[i]
        return name if address < start + size else None
