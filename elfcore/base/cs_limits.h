/* SPDX-License-Identifier: Apache-2.0 */
/* Every limit of the tool, with its reason. Whoever reaches one says so in the report's warnings. */
#ifndef CS_LIMITS_H
#define CS_LIMITS_H

enum {
        /* Pages of one mapping that are looked at one by one: 1 TiB; sanitizer shadows and the like are larger. */
        CS_LIMIT_MAPPING_PAGES = 1 << 28,
        /* A core has one program header per mapping; the kernel's default vm.max_map_count is 65,530. */
        CS_LIMIT_MAPPINGS = 1 << 22,
        /* What a compressed core may become: 16 TiB is more than machines have. */
        CS_LIMIT_UNPACKED_GIB = 16 << 10,
        /* And what it may become beyond 16 GiB, by its size on disk: memory that is used packs to a fifth, one reserved by the
         * hundred GiB makes it a thousandth at times; zstd packs nothing but zeros to a 30,000th. */
        CS_LIMIT_BOMB_GIB = 16,
        CS_LIMIT_BOMB_RATIO = 4096,
        /* Threads beyond this (kernel default threads-max on big machines) are a lie in the notes. */
        CS_LIMIT_THREADS = 1 << 20,
        /* Descriptors of a process that runs, with more of which nobody asks what its epoll descriptors watch. */
        CS_LIMIT_EPOLLED_FDS = 4 << 10,
        /* A notes segment holds 336 bytes of registers per thread plus NT_FILE; larger ones are a lie. */
        CS_LIMIT_NOTE_BYTES = 1 << 30,
        /* Distinct (size, offset, target) features that are counted; a real 10-million-block heap has some 100,000. */
        CS_LIMIT_FEATURES = 1 << 22,
        /* Bytes at the start of a block that are searched for signatures: objects are not larger, buffers are. */
        CS_LIMIT_SIGNATURE_SPAN = 64 << 10,
        /* Module pointers per block that count as features: more are arrays of pointers, not fields. */
        CS_LIMIT_BLOCK_FEATURES = 64,
        /* String constants of modules: 24 bytes each, twice. */
        CS_LIMIT_LITERALS = 1 << 21,
        /* Distinct templates that are kept apart, at some 400 bytes each and worker until they are merged; of more of them a part counts as one
         * cluster of other text. */
        CS_LIMIT_TEMPLATES = 1 << 18,
        /* Blocks of a cluster that are read for its field map: shares are good to two per cent. */
        CS_LIMIT_FIELD_SAMPLES = 512,
        /* Words of a field map; larger objects are mapped up to here. */
        CS_LIMIT_FIELD_WORDS = 8 << 10,
        /* Clusters whose first bytes are compared with libmagic's database, at half a millisecond each: the largest. */
        CS_LIMIT_CONTENTS = 200,
        /* Clusters that leak, the largest, for which hints are looked for among modules' imports: more than anyone reads. */
        CS_LIMIT_HINTED = 32,
        /* Names of modules that are looked at for them: a desktop program's 300 modules have some 200,000. */
        CS_LIMIT_HINT_NAMES = 1 << 22,
        /* Distinct edges between clusters; beyond it those of the smallest clusters are left out. */
        CS_LIMIT_EDGES = 1 << 22,
        /* Traces of lost blocks in one unit of memory (8 MiB of blocks, or 4 MiB of other memory); beyond it the unit is full of
         * numbers that look so. */
        CS_LIMIT_TRACES = 1 << 14,
        /* Writable data of one module that is searched for main_arena, which is initialised and so lies before .bss. */
        CS_LIMIT_DATA_BYTES = 64 << 20,
        /* glibc makes at most 8 arenas per core; a longer ring is corrupt. */
        CS_LIMIT_ARENAS = 1 << 16,
        /* Symbol names and demangled names longer than this are cut. */
        CS_LIMIT_NAME = 4 << 10,
        /* Sections (or segments) of one ELF file: linked files have some 40; objects with more need SHN_XINDEX. */
        CS_LIMIT_SECTIONS = 1 << 16,
        /* Bytes of one symbol or string table: Chrome's debug file, the largest about, has 300 MB of names. */
        CS_LIMIT_SYMBOL_BYTES = 1 << 29,
        /* Symbols of one module, all its tables together. */
        CS_LIMIT_SYMBOLS = 1 << 24,
        /* Spans of data of a sparse file whose places are kept (16 MiB of them); of others the kernel is asked each time. */
        CS_LIMIT_EXTENTS = 1 << 20,
        /* Objects that a loader lists, or that are found in memory; the largest desktop programs load some 1,000. */
        CS_LIMIT_LINKS = 1 << 14,
        /* Address space of one object that is found in memory; what declares more is no loaded object. */
        CS_LIMIT_OBJECT_GIB = 64,
        /* Pages that are searched for the headers of modules where the notes are missing: 4 GiB of read-only memory. */
        CS_LIMIT_SEARCH_PAGES = 1 << 20,
        /* Entries of a dynamic section: real ones have some 40, and one more per needed library. */
        CS_LIMIT_DYNAMIC = 1 << 14,
        /* Bytes of one entry of call frame information: those of the largest functions have some thousand. */
        CS_LIMIT_CFI_ENTRY = 64 << 10,
        /* Call frame information of one module: Chrome's has some 20 MB. */
        CS_LIMIT_CFI_BYTES = 256 << 20,
        /* Frames of all threads together: a stack of 8 MiB has no more than half as many. */
        CS_LIMIT_FRAMES = 1 << 20,
        /* Instructions of call frame information that are followed in all: a frame takes some 10, and what was asked before
         * is kept. */
        CS_LIMIT_CFI_STEPS = 1 << 26,
        /* Freed memory that is searched for what the loader left of unloaded libraries: a second's reading. */
        CS_LIMIT_LEFT_BYTES = 1 << 30,
        /* Rules of all files together: rule sets that people keep have some thousand. */
        CS_LIMIT_RULES = 1 << 17,
        /* Bytes of one file of rules. */
        CS_LIMIT_RULE_BYTES = 64 << 20,
        /* Bytes of one regex: PCRE2 itself takes no more (LINK_SIZE of 2). */
        CS_LIMIT_REGEX_BYTES = 64 << 10,
        /* Bytes of one match: a certificate with its chain, a key of any kind; what is longer is cut here. */
        CS_LIMIT_MATCH_BYTES = 64 << 10,
        /* Bytes before and behind a match that rules may look at: allowlists see the line, keywords stand near. PCRE2's look-behind
         * reaches 255 bytes at most. */
        CS_LIMIT_CONTEXT_BYTES = 1 << 10,
        /* Steps of one attempt to match at one place; PCRE2's own default of 10 million is some 0.05 s, for each place. */
        CS_LIMIT_MATCH_STEPS = 1 << 20,
        CS_LIMIT_MATCH_DEPTH = 1 << 14,
        CS_LIMIT_MATCH_HEAP_KIB = 16 << 10,
        CS_LIMIT_JIT_STACK = 1 << 20,
        /* How often a rule may run into these in one unit (8 MiB) before it is left out for the rest of it. */
        CS_LIMIT_MATCH_FAILURES = 4,
        /* Milliseconds of processor time that a rule may take for one window (1 MiB): what is no trouble takes some ten. Attempts that each
         * go far and fail ("[ab]{50,}x" in a million times "a") take no steps that PCRE2 would count. */
        CS_LIMIT_MATCH_MSEC = 1000,
        /* Rules that are made machine code: some 4 KiB and a tenth of a millisecond each. */
        CS_LIMIT_JIT_RULES = 4 << 10,
        /* Hits of one unit (8 MiB); what is beyond is counted and not told. */
        CS_LIMIT_UNIT_HITS = 1 << 20,
        /* Bytes of one hit that are kept and shown; its length is told whole. */
        CS_LIMIT_HIT_TEXT = 4 << 10,
        /* And of all hits of one unit; beyond, only where they are is told. */
        CS_LIMIT_UNIT_TEXT = 64 << 20,
        /* Hits that wait until owners are known, some 100 bytes each; with more of them, owners are looked for at once. */
        CS_LIMIT_HITS_WAITING = 1 << 20,
        /* Blocks in a heap up to which hits and texts alone are reason enough to find all clusters and owners (a second's work); beyond, whose something
         * is is told by what lies around it. */
        CS_LIMIT_RELATED_BLOCKS = 1 << 20,
        /* Hits that a report with other views holds; a stream of hits alone has no such bound. */
        CS_LIMIT_HITS_KEPT = 1 << 18,
        /* Needles that Vectorscan gets: it takes a second to build its tables for as many. */
        CS_LIMIT_VECTORSCAN_NEEDLES = 10000,
        /* Resident bytes of unclaimed memory that are looked at for arrays of records; less is not worth a line. */
        CS_LIMIT_REPEAT_LEAST = 64 << 10,
        /* Parts of such memory that are looked at, of 1 MiB each: 64 GiB; beyond it the parts become larger. */
        CS_LIMIT_REPEAT_CHUNKS = 1 << 16,
        /* Different arrays that are told apart: each is compared with all others, and more are no list for people. */
        CS_LIMIT_REPEATS = 1 << 10,
        /* Pages that are compared with one another, at 16 bytes each: 16 GiB; of more only those with certain hashes. */
        CS_LIMIT_TWIN_PAGES = 1 << 22,
        /* Bytes of a saved report: one with all clusters of the largest heaps has some hundred million. */
        CS_LIMIT_REPORT_BYTES = 1 << 30,
        /* Bytes of one value of it that is taken as a whole: templates are far shorter. */
        CS_LIMIT_REPORT_VALUE = 1 << 20,
        /* Kinds of memory in it: there are some 20. */
        CS_LIMIT_REPORT_KINDS = 1 << 8,
        /* Looks that a shape is told by: more do not make it surer. */
        CS_LIMIT_TREND_SAMPLES = 1 << 10,
        /* Types of files that mappings begin like: more are no list for people. */
        CS_LIMIT_PAYLOADS = 32,
};

#endif
