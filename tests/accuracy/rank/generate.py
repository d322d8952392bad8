# SPDX-License-Identifier: Apache-2.0
"""Libraries that leak, written from a seed: what their blocks look like, how large they are, and who stands before the culprit.

A scenario is a set of libraries that one host loads. One is the culprit. It loses a block a round; it may take it from another
library (a wrapper around malloc, one that puts a header of its own in front, a container that holds the blocks in its nodes), and
it may itself be called by one more (a broker, which keeps a few of the objects). The others are healthy, and have as much to do;
one has blocks of the culprit's size, and one loses a block now and then.

Names, offsets, sizes, counts, constants and flags are drawn from the seed.
"""
import random
import string

SYLLABLES = ('ba', 'co', 'du', 'fe', 'gi', 'ho', 'ju', 'ka', 'le', 'mi', 'no', 'pu', 'ra', 'se', 'ti', 'vo', 'wu', 'xa', 'ze')
NOUNS = ('session', 'order', 'packet', 'frame', 'ticket', 'route', 'sensor', 'cursor', 'window', 'parcel', 'invoice', 'channel')
# What the blocks look like, and who stands before the culprit.
SCENARIOS = (
    ('table', ''), ('table', 'wrapper'), ('table', 'wrapper broker'), ('table', 'header'), ('constant', ''),
    ('constant', 'wrapper'), ('constant', 'container'), ('state', ''), ('state', 'broker'), ('state', 'container wrapper'),
    ('virtual', ''), ('virtual', 'broker'), ('virtual', 'wrapper'), ('virtual', 'container'), ('members', ''),
    ('members', 'broker'), ('text', ''), ('text', 'wrapper'), ('text', 'container'), ('opaque', ''), ('opaque', 'neighbours'),
    ('handle', 'wrapper'), ('list', ''), ('cycle', 'broker'), ('callback', ''))
CXX = ('virtual', 'members', 'callback')
SMALLEST = {'table': 40, 'constant': 16, 'state': 24, 'virtual': 64, 'members': 80, 'text': 20, 'opaque': 24, 'handle': 48,
            'list': 40, 'cycle': 48, 'callback': 64}
LARGEST = {'text': 600, 'list': 4000, 'cycle': 4000}
HEALTHY = ('live_list', 'live_table', 'live_text', 'live_map', 'live_buffers', 'churn')

HEAD = '''#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define EXPORT {linkage}__attribute__((visibility("default")))
/* What is lost must not be optimised away. */
#define LEFT_ALONE __attribute__((noinline, noclone))
static unsigned next_number(void)
{{
        static unsigned state = {number}u;
        return state = state * 1664525u + 1013904223u;
}}
static size_t block_size = {size};
EXPORT void setup(size_t n)
{{
        if (n)
                block_size = n;
}}
'''


class Library:
    def __init__(self, name, source, needs=(), cxx=False, flags=()):
        self.name, self.source, self.needs, self.cxx, self.flags = name, source, tuple(needs), cxx, tuple(flags)
        self.file = f'lib{name}.so'


class Writer:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.names = set()

    def name(self):
        while True:
            name = ''.join(self.rng.choice(SYLLABLES) for _ in range(self.rng.randint(2, 4)))
            if name not in self.names:
                self.names.add(name)
                return name

    def word(self):
        return ''.join(self.rng.choice(string.ascii_lowercase) for _ in range(self.rng.randint(3, 9)))

    def library(self, source, needs=(), cxx=False, name=None):
        head = HEAD.format(linkage='extern "C" ' if cxx else '', number=self.rng.randrange(1 << 31), size=64)
        flags = [self.rng.choice(('-O1', '-O2', '-O3', '-Os'))]
        if self.rng.random() < .5:
            flags.append('-fvisibility=hidden')
        if self.rng.random() < .5:
            flags.append('-Wl,-z,relro,-z,now')
        return Library(name or self.name(), head + source, needs, cxx, flags)

    # What stands between the culprit and malloc. Each returns the library, and how the culprit calls it.

    def wrapper(self):
        name = self.name()
        source = f'''
static unsigned long {name}_calls, {name}_bytes;
EXPORT void *{name}_get(size_t n)
{{
        void *p = {self.rng.choice(('malloc(n)', 'calloc(1, n)', 'realloc(NULL, n)'))};
        if (!p)
                abort();
        {name}_calls++;
        {name}_bytes += n;
        return p;
}}
static void *{name}_kept[64];
EXPORT void step(unsigned round)
{{
        free({name}_kept[round % 64]);
        {name}_kept[round % 64] = {name}_get({self.rng.randint(20, 300)});
        snprintf((char *){name}_kept[round % 64], 20, "{self.word()} %u", round);
}}
'''
        return self.library(source, name=name), f'void *{name}_get(size_t);', f'{name}_get({{n}})'

    def header(self):
        name = self.name()
        source = f'''
struct zone {{ unsigned long calls, bytes; const char *name; }};
static struct zone {name}_zone = {{ 0, 0, "{self.word()} zone" }};
struct front {{ size_t n; struct zone *zone; }};
EXPORT void *{name}_take(size_t n)
{{
        struct front *f = malloc(n + sizeof *f);
        if (!f)
                abort();
        f->n = n;
        f->zone = &{name}_zone;
        {name}_zone.calls++;
        return f + 1;
}}
EXPORT void step(unsigned round)
{{
        {name}_zone.bytes += round;
}}
'''
        return self.library(source, name=name), f'void *{name}_take(size_t);', f'{name}_take({{n}})'

    def container(self):
        name = self.name()
        source = f'''
struct node {{ struct node *left, *right; uint64_t key; void *value; }};
static unsigned long {name}_nodes;
EXPORT void {name}_put(void **root, uint64_t key, void *value)
{{
        struct node **at = (struct node **)root;
        while (*at)
                at = key < (*at)->key ? &(*at)->left : &(*at)->right;
        *at = calloc(1, sizeof **at);
        (*at)->key = key;
        (*at)->value = value;
        {name}_nodes++;
}}
static void *{name}_own;
EXPORT void step(unsigned round)
{{
        if (round < 200)
                {name}_put(&{name}_own, next_number(), strdup("{self.word()}"));
}}
'''
        return self.library(source, name=name), f'void {name}_put(void **, uint64_t, void *);', f'{name}_put'

    def broker(self, culprit, make):
        """Asks the culprit for objects, keeps a few of them, and forgets the rest."""
        name = self.name()
        every = self.rng.randint(20, 60)
        source = f'''
void *{make}(unsigned);
static void *volatile {name}_kept[32];
static const char *const {name}_stages[] = {{ "{self.word()}", "{self.word()}", "{self.word()}" }};
static volatile struct {{ const char *stage; unsigned done; }} {name}_work;
EXPORT void step(unsigned round)
{{
        void *p = {make}(round);
        {name}_work.stage = {name}_stages[round % 3];
        if (round % {every} == 0)
                {name}_kept[round / {every} % 32] = p;
        {name}_work.done++;
}}
'''
        return self.library(source, needs=[culprit], name=name)

    # What the culprit's blocks look like: declarations, and statements that leave the new block in p.

    def struct(self, size, fields):
        """A C struct of about so many bytes with the fields in it, somewhere."""
        room = max(0, size - 8 * len(fields)) // 8
        before = self.rng.randint(0, min(room, 12))
        lines = [f'        uint64_t before[{before}];'] if before else []
        lines += [f'        {field};' for field in self.rng.sample(fields, len(fields))]
        if room > before:
            lines.append(f'        uint64_t after[{room - before}];')
        fill = 'p->before[0] = next_number();' if before else ''
        return 'struct item {\n' + '\n'.join(lines) + '\n};\n', fill

    def table(self, size, get):
        noun = self.rng.choice(NOUNS)
        struct, fill = self.struct(size, ['const struct table *calls', 'unsigned number, flags', 'double weight'])
        functions = [f'{noun}_{self.word()}' for _ in range(self.rng.randint(2, 6))]
        bodies = ''.join(f'static int {f}(int x)\n{{\n        return x * {i + 3} + (int)block_size;\n}}\n'
                         for i, f in enumerate(functions))
        return (f'{bodies}struct table {{ int (*call[{len(functions)}])(int); const char *name; }};\n'
                f'static const struct table {noun}_table = {{ {{ {", ".join(functions)} }}, "{noun}" }};\n{struct}',
                f'struct item *p = {get.format(n="sizeof *p")};\nmemset(p, 0, sizeof *p);\np->calls = &{noun}_table;\n'
                f'p->number = round;\np->weight = round * 0.5;\n{fill}')

    def constant(self, size, get):
        words = [self.word() for _ in range(5)]
        fields = ['const char *kind', 'unsigned number, flags']
        struct, fill = self.struct(size, fields)
        return (f'static const char *const kinds[] = {{ {", ".join(chr(34) + w + chr(34) for w in words)} }};\n{struct}',
                f'struct item *p = {get.format(n="sizeof *p")};\nmemset(p, 0, sizeof *p);\np->kind = kinds[round % 5];\n'
                f'p->number = round;\np->flags = next_number() & 7;\n{fill}')

    def state(self, size, get):
        struct, fill = self.struct(size, ['struct state *state', 'uint64_t stamp', 'uint32_t a, b'])
        return (f'struct state {{ unsigned long made, bytes; unsigned char log[{self.rng.randint(64, 900)}]; }};\n'
                f'static struct state state;\n{struct}',
                f'struct item *p = {get.format(n="sizeof *p")};\nmemset(p, 0, sizeof *p);\np->state = &state;\n'
                f'p->stamp = 1700000000000u + round;\np->a = next_number();\nstate.made++;\n{fill}')

    def virtual(self, size, get):
        noun = self.rng.choice(NOUNS).capitalize()
        new = '' if get == 'malloc({n})' else f'static void *operator new(size_t n)\n{{\n        return {get.format(n="n")};\n}}\n'
        room = max(8, size - 56)
        return (f'#include <string>\n#include <vector>\nclass {noun} {{\npublic:\n        virtual ~{noun}();\n'
                f'        virtual int cost(int x) const;\n        {new}'
                f'        unsigned number = 0;\n        std::string label;\n        std::vector<double> marks;\n'
                f'        char room[{room}];\n}};\n{noun}::~{noun}()\n{{\n}}\nint {noun}::cost(int x) const\n{{\n'
                f'        return x + (int)number;\n}}\n',
                f'auto *p = new {noun};\np->number = round;\n'
                f'p->label = "{self.word()} {self.word()} {self.word()} " + std::to_string(round);\n'
                f'p->marks.assign(1 + round % 4, round * 0.25);\np->room[0] = 1;')

    def members(self, size, get):
        room = max(8, size - 72)
        return (f'#include <map>\n#include <string>\nstruct item {{\n        std::string name;\n'
                f'        std::map<int, std::string> notes;\n        char room[{room}];\n}};\n',
                f'auto *p = new item;\nchar text[90];\n'
                f'snprintf(text, sizeof text, "{self.word()}-{self.word()}: number=%u {self.word()}=%x", round, next_number());\n'
                f'p->name = text;\np->notes[(int)round] = "{self.word()} {self.word()} {self.word()} {self.word()}";\np->room[0] = 1;')

    def callback(self, size, get):
        room = max(8, size - 40)
        return (f'#include <functional>\nstatic unsigned long served;\nstruct item {{\n        uint64_t number;\n'
                f'        std::function<int(int)> done;\n        char room[{room}];\n}};\n',
                f'auto *p = new item;\np->number = round;\n'
                f'p->done = [round](int x) {{\n        served += round;\n        return x + (int)served;\n}};\np->room[0] = 1;')

    def text(self, size, get):
        fields = ';'.join(f'{self.word()}={form}' for form in self.rng.sample(['%u', '%08x', '%lu', 'x%03u'], 2))
        form = f'{self.word()} {fields};{self.word()}'
        values = {'%u': 'round', '%08x': 'next_number()', '%lu': '(unsigned long)next_number()', 'x%03u': 'round % 1000'}
        arguments = ', '.join(values[part.split('=')[1]] for part in fields.split(';'))
        return ('', f'char line[700];\nint length = snprintf(line, sizeof line, "{form}", {arguments});\n'
                f'while (length < {size} - 1)\n        line[length++] = (char)(\'a\' + next_number() % 26);\nline[length] = 0;\n'
                f'char *p = {get.format(n="(size_t)length + 1")};\nmemcpy(p, line, (size_t)length + 1);')

    def opaque(self, size, get):
        return ('static unsigned char *volatile current;\n',
                f'unsigned char *p = {get.format(n=str(size))};\nfor (size_t i = 0; i < {size}; i++)\n'
                f'        p[i] = (unsigned char)(next_number() >> 16);\ncurrent = p;')

    def neighbours(self, size, get):
        return ('struct entry {\n        struct entry *next;\n        const char *what;\n        uint64_t number;\n};\n'
                'static struct entry *entries;\n',
                f'struct entry *e = malloc(sizeof *e);\ne->next = entries;\ne->what = "{self.word()}";\ne->number = round;\n'
                f'entries = e;\nunsigned char *p = {get.format(n=str(size))};\nfor (size_t i = 0; i < {size}; i++)\n'
                f'        p[i] = (unsigned char)(next_number() >> 16);')

    def handle(self, size, get):
        declared, made = self.table(48, get)
        return (declared.replace('struct item {\n', 'struct item {\n        unsigned char *buffer;\n'),
                f'{made}\np->buffer = {get.format(n=str(size))};\nfor (size_t i = 0; i < {size}; i++)\n'
                f'        p->buffer[i] = (unsigned char)(next_number() >> 16);')

    def chain(self, size, get, closed):
        length = self.rng.randint(4, 16)
        inner = max(8, size - 32)
        declared = (f'struct item {{\n        struct item *next;\n        const char *tag;\n        uint64_t number;\n'
                    f'        char room[{inner}];\n}};\n')
        tag = f'i == {length - 1} ? "{self.word()}" : NULL' if closed else f'i % 4 ? NULL : "{self.word()}"'
        made = (f'struct item *p = NULL, *tail = NULL;\nfor (int i = 0; i < {length}; i++) {{\n'
                f'        struct item *q = {get.format(n="sizeof *q")};\n        memset(q, 0, sizeof *q);\n        q->next = p;\n'
                f'        q->tag = {tag};\n        q->number = round * 100u + (unsigned)i;\n'
                f'        snprintf(q->room, 8, "%u", round);\n        if (!tail)\n                tail = q;\n        p = q;\n}}\n')
        return declared, made + ('tail->next = p;' if closed else '(void)tail;')

    def list(self, size, get):
        return self.chain(size, get, closed=False)

    def cycle(self, size, get):
        return self.chain(size, get, closed=True)

    def culprit(self, look, before, size):
        """The libraries of the leak, the culprit first; the last one is what the host calls."""
        libraries, declared, get = [], '', 'malloc({n})'
        put = None
        for kind in before.split():
            if kind in ('wrapper', 'header'):
                library, prototype, get = getattr(self, kind)()
            elif kind == 'container':
                library, prototype, put = self.container()
            else:
                continue
            declared += f'extern "C" {prototype}\n' if look in CXX else prototype + '\n'
            libraries.append(library)
        name = self.name()
        make = f'{name}_make'
        types, made = getattr(self, 'neighbours' if 'neighbours' in before else look)(size, get)
        if look not in CXX:
            made = made.replace('\n', '\n        ')
        source = f'{types}EXPORT LEFT_ALONE void *{make}(unsigned round)\n{{\n        {made}\n        return p;\n}}\n'
        if put:
            # The root is dropped now and then, and what it held is lost.
            step = (f'static void *root;\nEXPORT void step(unsigned round)\n{{\n'
                    f'        {put}(&root, next_number(), {make}(round));\n        if (round % {self.rng.randint(20, 40)} == 19)\n'
                    f'                root = NULL;\n}}\n')
        elif 'broker' in before:
            step = 'EXPORT void step(unsigned round)\n{\n        block_size += round;\n}\n'
        else:
            step = f'EXPORT void step(unsigned round)\n{{\n        (void){make}(round);\n}}\n'
        culprit = self.library(declared + source + step, needs=libraries, cxx=look in CXX, name=name)
        libraries.insert(0, culprit)
        if 'broker' in before:
            libraries.append(self.broker(culprit, make))
        return libraries

    # Those who lose nothing, or next to nothing.

    def healthy(self, kind, noisy):
        lose = f'if (round == {self.rng.randint(30, 60)})\n                *(char *volatile *)&lost = (char *)malloc({self.rng.randint(60, 900)});'
        lose = 'char *lost;\n        (void)lost;\n        ' + lose if noisy else '(void)round;'
        bodies = {
            'live_list': ('struct one { struct one *next; const char *what; unsigned n; };\nstatic struct one *all;\n',
                          f'struct one *o = malloc(sizeof *o > block_size ? sizeof *o : block_size);\no->next = all;\n'
                          f'o->what = "{self.word()}";\no->n = round;\nall = o;'),
            'live_table': ('struct calls { int (*go)(int); };\nstatic int go(int x)\n{\n        return x + 1;\n}\n'
                           'static const struct calls calls = { go };\nstruct one { uint64_t n; const struct calls *calls; };\n'
                           'static struct one *all[8192];\n',
                           'struct one *o = calloc(1, sizeof *o + block_size);\no->n = round;\no->calls = &calls;\n'
                           'free(all[round % 8192]);\nall[round % 8192] = o;'),
            'live_text': ('static char *all[4096];\n',
                          f'char line[80];\nsnprintf(line, sizeof line, "{self.word()}: %u {self.word()} %x", round, next_number());\n'
                          'free(all[round % 4096]);\nall[round % 4096] = strdup(line);'),
            'live_map': ('#include <map>\n#include <string>\nstatic std::map<unsigned, std::string> all;\n',
                         f'all[round] = std::string("{self.word()} {self.word()} {self.word()} ") + std::to_string(next_number());'),
            'live_buffers': ('static unsigned char *all[1024];\n',
                             'unsigned char *b = malloc(block_size);\nfor (size_t i = 0; i < block_size; i++)\n'
                             '        b[i] = (unsigned char)(next_number() >> 20);\nfree(all[round % 1024]);\nall[round % 1024] = b;'),
            'churn': ('struct one { struct one *peer; char room[1]; };\nstatic struct one *all[64];\n',
                      'for (int i = 0; i < 4; i++) {\n        unsigned at = next_number() % 64;\n        free(all[at]);\n'
                      '        all[at] = calloc(1, sizeof(struct one) + next_number() % 500);\n        all[at]->peer = all[(at + 1) % 64];\n}'),
        }
        types, made = bodies[kind]
        # A freed peer must not be found through a stale pointer: it is set again each time.
        source = f'{types}EXPORT void step(unsigned round)\n{{\n        {made}\n        {lose}\n}}\n'
        return self.library(source, cxx=kind == 'live_map')


def scenarios(seed):
    """[(what, culprit's file, libraries, [(library, size)] that the host loads, rounds)]"""
    writer = Writer(seed)
    rng = writer.rng
    count = len(SCENARIOS)
    sizes = [int(16 * (25000 / 16) ** (i / (count - 1))) for i in range(count)]
    rng.shuffle(sizes)
    pool = [(kind, writer.healthy(kind, noisy)) for kind in HEALTHY for noisy in (False, True)]
    made = []
    for (look, before), size in zip(SCENARIOS, sizes):
        size = max(SMALLEST[look], min(size, LARGEST.get(look, 25000)))
        leak = writer.culprit(look, before, size)
        others = [library for _, library in rng.sample(pool, 5)]
        # A container or a wrapper works for others as well.
        called = [(library, 0) for library in leak[1:]] + ([] if 'broker' in before else [(leak[0], 0)])
        loaded = called + [(library, size if i == 0 else rng.randint(24, 600)) for i, library in enumerate(others)]
        rng.shuffle(loaded)
        rounds = max(60, min(3000, 1000000 // size))
        made.append((f'{look} {size} B' + (f', {before}' if before else ''), leak[0].file, leak + others, loaded, rounds))
    return made
