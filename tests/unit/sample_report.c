/* SPDX-License-Identifier: Apache-2.0 */
#include "sample_report.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define LITERAL(text)                    \
        {                                \
                (text), sizeof(text) - 1 \
        }

/* --- a leak
 * ------------------------------------------------------------------------------------------------------ */

static const char *leak_warnings[] = {
        "files of modules are not on this machine: libgone.so.1: their symbols are unknown",
};

static struct cs_report_kind leak_kinds[] = {
        { "malloc-used", 764411904, 752877568, 14 },
        { "ruby-heap", 41943040, 36700160, 640 },
        { "file", 104857600, 20971520, 61 },
        { "module-code", 33554432, 12582912, 40 },
        { "module-data", 4194304, 3145728, 80 },
        { "malloc-free", 2097152, 1572864, 3 },
        { "stack", 33685504, 540672, 4 },
        { "anonymous", 1048576, 262144, 2 },
        { "malloc-overhead", 135168, 135168, 14 },
        { "vdso", 16384, 8192, 2 },
        { "reserved", 134217728, 0, 3 },
};

static struct cs_report_arena leak_arenas[] = {
        { .address = 0x7f1200000c80,
          .main = true,
          .used = { 612004, 744488960, 744488960 },
          .free = { 811, 1572864, 1310720 },
          .cached = { 2071, 135168, 135168 },
          .overhead = { 4, 2624, 2624 },
          .top = 120832,
          .top_resident = 4096,
          .trimmable = 1048576,
          .trimmable_resident = 786432 },
        { .address = 0x7f1180000030,
          .threads = (int32_t[]){ 4712, 4713, 4714, 4715 },
          .n_threads = 4,
          .used = { 40, 131072, 131072 },
          .free = { 2, 4096, 4096 },
          .cached = { 7, 448, 448 },
          .overhead = { 1, 656, 656 },
          .top = 69632 },
};

static struct cs_report_run leak_runs[] = {
        { 0x55d0c0001000, 524288, 262144 },
        { 0x55d0c0100040, 8192, 8192 },
};

static struct cs_report_run leak_pins[] = { { 0x7f1180020350, 4096, 4096 } };

static struct cs_report_heap leak_heaps[] = {
        {
                .allocator = "glibc",
                .version = "2.36",
                .library = "libc.so.6",
                .walked = true,
                .arenas = leak_arenas,
                .n_arenas = N(leak_arenas),
                .mmapped = { 3, 19922944, 19922944 },
                .runs = { { 700, 268288, 268288 }, { 100, 784384, 784384 }, { 1, 524288, 262144 } },
                .largest_free = leak_runs,
                .n_largest_free = N(leak_runs),
                .pins = leak_pins,
                .n_pins = N(leak_pins),
        },
        { .allocator = "jemalloc", .version = "5.3.0", .library = "libjemalloc.so.2" },
};

static const char *leak_reasons[] = {
        "29,174 of 30,001 RubyHttpConnection_t have nothing that points to them: 692 MiB",
        "with what only they point to, they hold 731 MiB, which is 88 % of all resident memory",
        "the allocator's free and cached memory is 1.6 MiB: no fragmentation",
};

static struct cs_report_evidence leak_evidence[] = {
        { "vtable", 0, "eventmachine_httpserver.so", "vtable for RubyHttpConnection_t", 1.0, 0.9, false },
        { "vtable", 16, "eventmachine_httpserver.so", "vtable for HttpConnection_t", 0.998, 0.5, false },
        { "import", -1, "eventmachine_httpserver.so", "operator new(unsigned long)", 1.0, 0.1, false },
        { "import", -1, "rack.so", "imports http_connection_new but not http_connection_free", 0.97, 0.1,
          true },
};

static struct cs_report_field leak_fields[] = {
        { 0, 8, "pointer:module", "vtable for RubyHttpConnection_t in eventmachine_httpserver.so", 1.0,
          NULL },
        { 8, 8, "pointer:block", NULL, 0.97, "c2" },
        { 16, 8, "int", NULL, 0.9, NULL },
        { 24, 8, "int", NULL, 0.8, NULL },
        { 32, 8, "constant", "0x2000", 1.0, NULL },
        { 40, 24, "text", NULL, 0.5, NULL },
        { 64, 8, "zero", NULL, 1.0, NULL },
        { 72, 24800, "zero", NULL, 0.99, NULL },
};

static struct cs_report_referrer leak_referrers[] = {
        { "c9", NULL, 16, 0.02 },     { NULL, "libruby-3.1.so.3.1 (.bss)", -1, 0.004 },
        { NULL, "stack", -1, 0.004 }, { "c9", NULL, 24, 0.003 },
        { NULL, "stack", -1, 0.004 }, { "c9", NULL, 32, 0.003 },
        { NULL, "stack", -1, 0.004 },
};

static uint64_t leak_examples[] = { 0x55d0c3a1f2a0, 0x55d0c3a253e0, 0x55d0c3a2b520, 0x55d0c3a31660,
                                    0x55d0c3a377a0 };

static struct cs_report_evidence text_evidence[] = {
        { "referrer", 8, "eventmachine_httpserver.so", "c1", 0.99, 0.8, false },
};

static struct cs_report_referrer text_referrers[] = { { "c1", NULL, 8, 0.99 } };

static uint64_t text_examples[] = { 0x55d0c3a25300 };

static struct cs_report_cluster leak_clusters[] = {
        {
                .id = "c1",
                .kind = "object",
                .what = "RubyHttpConnection_t",
                .count = 30001,
                .bytes = 746424880,
                .resident = 290000896,
                .block_min = 24880,
                .block_max = 24880,
                .in_use = 30001,
                .library = "eventmachine_httpserver.so",
                .confidence = 0.99,
                .evidence = leak_evidence,
                .n_evidence = N(leak_evidence),
                .fields = leak_fields,
                .n_fields = N(leak_fields),
                .unreferenced = 29174,
                .leak_direct = 29174,
                .leak_indirect = 2,
                .leak_bytes = 725898880,
                .leak_stale = 12,
                .leak_retained = 743403330,
                .leak_retained_resident = 299500000,
                .leak_library = "eventmachine_httpserver.so",
                .leak_confidence = 0.99,
                .referrers = leak_referrers,
                .n_referrers = N(leak_referrers),
                .examples = leak_examples,
                .n_examples = N(leak_examples),
                .signature = "8f14e45fceea167a",
        },
        {
                .id = "c2",
                .kind = "text",
                .what = "POST /api/router/<n> HTTP/1.1",
                .count = 30001,
                .bytes = 18000600,
                .resident = 18000600,
                .block_min = 544,
                .block_max = 1040,
                .in_use = 29998,
                .free = 3,
                .library = "eventmachine_httpserver.so",
                .confidence = 0.96,
                .leak_library = "eventmachine_httpserver.so",
                .leak_confidence = 0.96,
                .evidence = text_evidence,
                .n_evidence = N(text_evidence),
                .has_template = true,
                .template = LITERAL("POST /api/router/<n> HTTP/1.1\r\nHost: <*>\r\n"),
                .leak_indirect = 29174,
                .leak_bytes = 17504400,
                .referrers = text_referrers,
                .n_referrers = N(text_referrers),
                .examples = text_examples,
                .n_examples = N(text_examples),
                .signature = "45c48cce2e2d7fbd",
        },
        {
                .id = "c3",
                .kind = "pattern",
                .what = "blocks of 48 bytes: pointer, int, zero",
                .count = 1,
                .bytes = 48,
                .resident = 48,
                .block_min = 48,
                .block_max = 48,
                .in_use = 1,
                .leak_possible = 1,
                .signature = "d3d9446802a44259",
        },
};

static struct cs_report_library leak_libraries[] = {
        { "eventmachine_httpserver.so", "1d2c3b4a59687786", 60002, 764425480, 308001496, 0.985 },
        { "libruby-3.1.so.3.1", "aabbccdd00112233", 551021, 33030144, 31457280, 0.71 },
        { NULL, NULL, 1021, 1048576, 524288, 0 },
};

static const char *leak_modules[] = { "eventmachine_httpserver.so", "libruby-3.1.so.3.1" };

static struct cs_report_block leak_blocks[] = {
        { 0x55d0c3a1f2a0, 24872, 0, 0, 0.985F, CS_LEAK_DIRECT },
        { 0x55d0c3a25300, 536, 1, 0, 0.95F, CS_LEAK_INDIRECT },
        { 0x55d0c3a25400, 40, 2, 1, 0.5F, CS_LEAK_POSSIBLE },
        { 0x55d0c3a25500, 40, UINT32_MAX, UINT32_MAX, 0, CS_LEAK_NONE },
};

static const char *leak_notes[] = {
        "Ruby: what an object keeps as an Integer (twice the address and one) makes a block possibly lost, no more",
};

static struct cs_report leak = {
        .target = { .path = "core.4711",
                    .pid = 4711,
                    .command = "ruby server.rb --port 8080",
                    .exe = "/usr/bin/ruby3.1",
                    .arch = "x86_64",
                    .threads = 4,
                    .complete = true,
                    .consistent = true,
                    .sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                    .warnings = leak_warnings,
                    .n_warnings = N(leak_warnings) },
        .memory = { .mapped = 1120161792,
                    .resident = 828796928,
                    .anonymous = 792543232,
                    .unexplained = 262144,
                    .kinds = leak_kinds,
                    .n_kinds = N(leak_kinds) },
        .heaps = leak_heaps,
        .n_heaps = N(leak_heaps),
        .verdict = { .kind = "leak",
                     .confidence = 0.97,
                     .summary = "30,001 RubyHttpConnection_t of eventmachine_httpserver.so hold 277 MiB, and "
                                "nothing points to 97 % of them",
                     .reasons = leak_reasons,
                     .n_reasons = N(leak_reasons),
                     .cluster = "c1",
                     .library = "eventmachine_httpserver.so" },
        .clusters = leak_clusters,
        .n_clusters = N(leak_clusters),
        .libraries = leak_libraries,
        .n_libraries = N(leak_libraries),
        .leak_direct = { 29174, 725898880 },
        .leak_indirect = { 29176, 17504450 },
        .module_names = leak_modules,
        .n_modules = 2,
        .leak_possible = { 1, 48 },
        .leak_stale = { 12, 298560 },
        .leak_clusters = (size_t[]){ 0, 1, 2 },
        .n_leak_clusters = 3,
        .leak_notes = leak_notes,
        .n_leak_notes = N(leak_notes),
        .blocks = leak_blocks,
        .n_blocks = N(leak_blocks),
        .seconds = 2.4375,
        .bytes_read = 828796928,
        .peak_memory = 104857600,
};

const struct cs_report *sample_leak(void)
{
        return &leak;
}

/* --- nothing known
 * ----------------------------------------------------------------------------------------------- */

static struct cs_report_kind unknown_kinds[] = {
        { "anonymous", 8392704, 3145728, 4 },
        { "module-code", 1048576, 1048576, 1 },
};

static struct cs_report_heap unknown_heaps[] = { { .allocator = "jemalloc", .library = "redis-check-rdb" } };

static struct cs_report unknown = {
        .target = { .live = true,
                    .pid = 99,
                    .arch = "x86_64",
                    .threads = 1,
                    .sampled = 512,
                    .changed = 0.0625 },
        .memory = { .mapped = 9441280,
                    .resident = 4194304,
                    .swapped = 1 << 20,
                    .absent = 4198400,
                    .anonymous = 3145728,
                    .unexplained = 3145728,
                    .kinds = unknown_kinds,
                    .n_kinds = N(unknown_kinds) },
        .heaps = unknown_heaps,
        .n_heaps = N(unknown_heaps),
        .verdict = { .kind = "unknown", .summary = "no heap of this process can be read by this version" },
};

const struct cs_report *sample_unknown(void)
{
        return &unknown;
}

/* --- one address
 * ------------------------------------------------------------------------------------------------- */

static struct cs_report_evidence case_evidence[] = {
        { "vtable", 0, "libshop.so.1", "vtable for Session", 1.0, 0.98, false },
        { "referrer", 16, "libshop.so.1", "c2", 0.5, 0.9, false },
};

static struct cs_report_held case_block = {
        .address = 0x55d0c3a1f2a0,
        .usable = 200,
        .size = 208,
        .state = "in-use",
        .has_arena = true,
        .main_arena = true,
        .arena = 0x7f1200000c80,
        .offset = 24,
        .cluster = "c1",
        .what = "Session",
        .alike = 30001,
        .library = "libshop.so.1",
        .confidence = 0.98,
        .evidence = case_evidence,
        .n_evidence = N(case_evidence),
        .reached = true,
        .retains = 3,
        .retained_bytes = 1264,
};

#define CASE_PLACE                                                                                        \
        {                                                                                                 \
                .address = 0x55d0c3a1f2b8, .what = "24 bytes into a block in use", .kind = "malloc-used", \
                .start = 0x55d0c3a00000, .end = 0x55d0c3b00000, .perms = "rw-p", .path = "[heap]",        \
                .detail = "main arena: 0.9 MiB in use, 0 bytes free"                                      \
        }

static uint8_t case_bytes[160] = {
        [0] = 0x80,  [1] = 0x3d,  [2] = 0x10,  [5] = 0x7f, [8] = 0xa0, [9] = 0xf2, [10] = 0xa1, [11] = 0xc3,
        [12] = 0xd0, [13] = 0x55, [16] = 42,   [24] = 'G', [25] = 'E', [26] = 'T', [27] = ' ',  [28] = '/',
        [29] = 'x',  [30] = 27,   [88] = 0x7f, [96] = 1,   [104] = 1,  [112] = 1,  [120] = 1,   [128] = 1,
};

static struct cs_report_word case_words[] = {
        { 0,
          8,
          "pointer:module",
          0x7f0000103d80,
          "vtable for Session (libshop.so.1 .data.rel.ro)",
          NULL,
          NULL,
          { 0 } },
        { 8,
          8,
          "pointer:block",
          0x55d0c3a1f2a0,
          "a name that is much too long for what is left of the line, +8",
          "c7",
          "libshop.so.1",
          { 0 } },
        { 16, 8, "int", 42, "42", NULL, NULL, { 0 } },
        { 24, 64, "text", 0, NULL, NULL, NULL, LITERAL("GET /x and so on, up to where the text ends: here") },
        { 88, 8, "mixed", 0x7f, NULL, NULL, NULL, { 0 } },
        { 96, 8, "int", 1, "1", NULL, NULL, { 0 } },
        { 104, 8, "int", 1, "1", NULL, NULL, { 0 } },
        { 112, 8, "int", 1, "1", NULL, NULL, { 0 } },
        { 120, 8, "int", 1, "1", NULL, NULL, { 0 } },
        { 128, 8, "int", 1, "1", NULL, NULL, { 0 } },
        { 136, 8, "zero", 0, NULL, NULL, NULL, { 0 } },
        { 144, 16, "gap", 0, "not dumped", NULL, NULL, { 0 } },
};

static struct cs_report_dump case_dump = {
        .start = 0x55d0c3a1f2a0,
        .bytes = case_bytes,
        .len = sizeof(case_bytes),
        .words = case_words,
        .n_words = N(case_words),
        .behind = 40,
};

static struct cs_report_group case_groups[] = {
        { .id = 1,
          .level = 1,
          .cluster = "c2",
          .what = "std::map<std::string, Session*> node",
          .library = "libshop.so.1",
          .blocks = 3,
          .references = 4,
          .places = { { 40, 3 } },
          .n_places = 1,
          .elsewhere = 1,
          .examples = { { 0x55d0c3a20000, NULL }, { 0x55d0c3a20040, NULL }, { 0x55d0c3a20080, NULL } },
          .n_examples = 3,
          .left_groups = 2,
          .left_references = 12345 },
        { .id = 2,
          .parent = 1,
          .level = 2,
          .what = "static variables of shop",
          .references = 6,
          .examples = { { 0x555500005040, "sessions+0x8 (shop .bss)" }, { 12, "rdx of thread 4711" } },
          .n_examples = 2 },
        { .id = 3,
          .parent = 1,
          .level = 2,
          .cluster = "c2",
          .what = "std::map<std::string, Session*> node",
          .library = "libshop.so.1",
          .blocks = 2,
          .references = 2,
          .places = { { 16, 2 } },
          .n_places = 1,
          .again = true,
          .cycle = true,
          .same = 1,
          .examples = { { 0x55d0c3a20000, NULL }, { 0x55d0c3a20040, NULL } },
          .n_examples = 2 },
        { .id = 4,
          .level = 1,
          .cluster = "c3",
          .what = "GET /api/<n>",
          .blocks = 10000000,
          .references = 10000000,
          .unread = 10000000,
          .stale = true,
          .examples = { { 0x55d0c3a30000, NULL } },
          .n_examples = 1 },
        { .id = 5,
          .parent = 4,
          .level = 2,
          .cluster = "c1",
          .what = "Session",
          .library = "libshop.so.1",
          .blocks = 1,
          .references = 1,
          .places = { { 8, 1 } },
          .n_places = 1,
          .again = true,
          .cycle = true,
          .examples = { { 0x55d0c3a1f2a0, NULL } },
          .n_examples = 1 },
};

static struct cs_report_link case_links[] = {
        { .address = 0x55d0c3a20000,
          .offset = 40,
          .cluster = "c2",
          .what = "std::map<std::string, Session*> node",
          .library = "libshop.so.1" },
        { .address = 0x55d0c3a30000, .offset = -1, .cluster = "c3", .what = "GET /api/<n>", .stale = true },
        { .root = true, .address = 0x555500005040, .offset = -1, .what = "sessions+0x8 (shop .bss)" },
};

static struct cs_report_link case_register[] = {
        { .root = true, .address = 12, .offset = -1, .what = "rdx of thread 4711" }
};

static struct cs_report_chain case_chains[] = {
        { .links = case_register, .n_links = 1 },
        { .links = case_links, .n_links = N(case_links), .left_at = 2, .left_out = 12345 },
};

static const char *case_notes[] = { "offsets were looked for in the first 262144 referring blocks" };

static struct cs_report_case case_at = {
        .place = CASE_PLACE,
        .block = &case_block,
        .dump = &case_dump,
        .referrers = 10000003,
        .groups = case_groups,
        .n_groups = N(case_groups),
        .left_groups = 1,
        .left_references = 1,
        .chains = case_chains,
        .n_chains = N(case_chains),
        .notes = case_notes,
        .n_notes = N(case_notes),
};

static struct cs_report_case case_refs = {
        .place = CASE_PLACE,
        .block = &case_block,
        .referrers = 10000003,
        .slots = 1,
        .depth = 3,
        .groups = case_groups,
        .n_groups = N(case_groups),
};

static struct cs_report sample_of_case = {
        .target = { .path = "core.4711", .pid = 4711, .arch = "x86_64", .threads = 1, .complete = true },
        .at = &case_at,
        .refs = &case_refs,
};

const struct cs_report *sample_case(void)
{
        return &sample_of_case;
}

static struct cs_report_held lost_block = { .address = 0x7f0000000010,
                                            .usable = 4194288,
                                            .size = 4194304,
                                            .state = "in-use",
                                            .mmapped = true,
                                            .cluster = "c9",
                                            .what = "4194304-byte blocks without a mark",
                                            .alike = 1,
                                            .leak = CS_LEAK_INDIRECT,
                                            .stale = true,
                                            .retains = 1,
                                            .retained_bytes = 4194304 };

static struct cs_report_chain lost_chain = { .to_head = true, .links = case_links, .n_links = 1 };

static struct cs_report_held freed_block = { .address = 0x55d0c3a1f2a0,
                                             .usable = 24,
                                             .size = 32,
                                             .state = "cached",
                                             .has_arena = true,
                                             .arena = 0x7f1200000030 };

static struct cs_report_case lost_at = {
        .place = { .address = 0x7f0000000010,
                   .what = "the start of a block in use",
                   .kind = "malloc-used",
                   .start = 0x7f0000000000,
                   .end = 0x7f0000400000,
                   .perms = "rw-p",
                   .gap = "its bytes are not known: whoever wrote the core left them out" },
        .block = &lost_block,
        .referrers = 1,
        .groups = case_groups,
        .n_groups = 1,
        .chains = &lost_chain,
        .n_chains = 1,
};

static struct cs_report_case freed_refs = {
        .place = { .address = 0x55d0c3a1f2a0,
                   .what = "the start of a freed block",
                   .kind = "malloc-used",
                   .start = 0x55d0c3a00000,
                   .end = 0x55d0c3b00000,
                   .perms = "rw-p" },
        .block = &freed_block,
        .depth = 3,
};

static struct cs_report sample_of_lost = {
        .target = { .path = "core.4711", .pid = 4711, .arch = "x86_64", .threads = 1, .complete = true },
        .at = &lost_at,
        .refs = &freed_refs,
};

const struct cs_report *sample_lost(void)
{
        return &sample_of_lost;
}

/* --- hostile
 * ----------------------------------------------------------------------------------------------------- */

#define TITLE "\033]0;owned\007"
#define RLO "\xe2\x80\xae"
#define C1_CSI "\xc2\x9b"
#define NI_HAO "\xe4\xbd\xa0\xe5\xa5\xbd"
#define BAD "\xff\xfe"

static const char *hostile_texts[] = { TITLE "warning\nsecond line", RLO "gnp.exe", BAD, "" };

static struct cs_report_kind hostile_kinds[] = { { TITLE, UINT64_MAX, UINT64_MAX, UINT64_MAX } };

static struct cs_report_arena hostile_arenas[] = {
        { .address = UINT64_MAX,
          .main = true,
          .used = { UINT64_MAX, UINT64_MAX, UINT64_MAX },
          .free = { 0, 0, 0 },
          .cached = { 0, 0, 0 },
          .top = UINT64_MAX,
          .trimmable = UINT64_MAX },
};

static struct cs_report_corrupt hostile_corrupt[] = { { UINT64_MAX, "size " C1_CSI "2J" }, { 0, BAD } };

static struct cs_report_heap hostile_heaps[] = {
        {
                .allocator = "glibc" TITLE,
                .version = BAD,
                .walked = true,
                .arenas = hostile_arenas,
                .n_arenas = N(hostile_arenas),
                .corrupt = hostile_corrupt,
                .n_corrupt = N(hostile_corrupt),
        },
        { .allocator = RLO, .library = TITLE },
};

static struct cs_report_evidence hostile_evidence[] = {
        { RLO, INT64_MAX, TITLE, C1_CSI "31m", 0.0, 1.0, false },
        { "data", -1, NULL, NULL, 0.5, 0.5, false },
        { "import", -1, TITLE, RLO C1_CSI "31m", 0.5, 0.1, true },
};

static struct cs_report_field hostile_fields[] = {
        { UINT64_MAX - 8, UINT64_MAX, TITLE, RLO, 1.0, BAD },
        { 0, 0, "mixed", NULL, 0.001, NULL },
};

static struct cs_report_referrer hostile_referrers[] = { { NULL, "stack of " TITLE, -1, 0.5 },
                                                         { RLO, NULL, INT64_MAX, 1 } };

static uint64_t hostile_examples[] = { 0, UINT64_MAX };

static struct cs_report_cluster hostile_clusters[] = {
        {
                .id = "c1",
                .kind = "text",
                .what = "a\tb\r\n" TITLE RLO C1_CSI BAD "\x7f\xe2\x80\x8b end",
                .count = UINT64_MAX,
                .bytes = UINT64_MAX,
                .resident = UINT64_MAX,
                .block_min = 1,
                .block_max = UINT64_MAX,
                .in_use = UINT64_MAX,
                .library = "lib\t\n" RLO ".so",
                .confidence = 1,
                .evidence = hostile_evidence,
                .n_evidence = N(hostile_evidence),
                .fields = hostile_fields,
                .n_fields = N(hostile_fields),
                .has_template = true,
                .template = LITERAL("\0" TITLE BAD "\0"),
                .unreferenced = UINT64_MAX,
                .leak_direct = UINT64_MAX,
                .leak_bytes = UINT64_MAX,
                .referrers = hostile_referrers,
                .n_referrers = N(hostile_referrers),
                .examples = hostile_examples,
                .n_examples = N(hostile_examples),
        },
        {
                .id = "c2",
                .kind = "text",
                .what = NI_HAO ", wide: " NI_HAO NI_HAO NI_HAO NI_HAO NI_HAO NI_HAO
                               " and a long name behind it, much longer than any screen is wide, so that its "
                               "middle is cut out and both ends stay",
                .has_template = true,
                .template = LITERAL("\0 NUL is UTF-8 \xe4\xbd\xa0"),
        },
};

static struct cs_report_library hostile_libraries[] = {
        { TITLE RLO BAD, BAD, UINT64_MAX, UINT64_MAX, UINT64_MAX, 1 },
};

static const char *hostile_modules[] = { "lib\t\n" RLO ".so" };

static struct cs_report_block hostile_blocks[] = { { UINT64_MAX, UINT64_MAX, 0, 0, 1, 77 } };

static struct cs_report_held hostile_held = { .address = UINT64_MAX,
                                              .usable = UINT64_MAX,
                                              .size = UINT64_MAX,
                                              .state = "in-use",
                                              .offset = INT64_MIN,
                                              .cluster = RLO,
                                              .what = TITLE "what" BAD,
                                              .library = "lib" C1_CSI,
                                              .confidence = 2,
                                              .evidence = hostile_evidence,
                                              .n_evidence = N(hostile_evidence),
                                              .leak = 99,
                                              .retains = UINT64_MAX,
                                              .retained_bytes = UINT64_MAX };

static uint8_t hostile_bytes[24] = { 27, '[', '2', 'J', 0xff, 0xe2, 0x80, 0xae, 0x9b };

static struct cs_report_word hostile_words[] = {
        { 0, 8, "text", 0, NULL, NULL, NULL, LITERAL(TITLE BAD "\0" RLO) },
        { 8, 8, "pointer:block", UINT64_MAX, "→" RLO C1_CSI, TITLE, BAD, { 0 } },
        { 16, 8, TITLE, 1, BAD, NULL, NULL, { 0 } },
        { UINT64_MAX, 8, "int", 1, "beyond", NULL, NULL, { 0 } },
        { 16, UINT64_MAX, "zero", 0, NULL, NULL, NULL, { 0 } },
};

static struct cs_report_dump hostile_dump = { .start = UINT64_MAX - 7,
                                              .bytes = hostile_bytes,
                                              .len = sizeof(hostile_bytes),
                                              .words = hostile_words,
                                              .n_words = N(hostile_words),
                                              .before = UINT64_MAX,
                                              .behind = UINT64_MAX };

static struct cs_report_group hostile_groups[] = {
        { .id = 1,
          .level = UINT32_MAX,
          .cluster = RLO,
          .what = TITLE BAD,
          .library = C1_CSI,
          .blocks = UINT64_MAX,
          .references = UINT64_MAX,
          .elsewhere = UINT64_MAX,
          .unread = UINT64_MAX,
          .stale = true,
          .again = true,
          .same = UINT32_MAX },
        { .id = 2,
          .level = 1,
          .what = TITLE,
          .references = 1,
          .examples = { { UINT64_MAX, RLO BAD } },
          .n_examples = 1 },
        { .id = 3, .level = 1 },
};

static struct cs_report_link hostile_links[] = {
        { .address = UINT64_MAX,
          .offset = INT64_MAX,
          .stale = true,
          .cluster = TITLE,
          .what = RLO,
          .library = BAD },
        { .root = true, .what = C1_CSI TITLE },
};

static struct cs_report_chain hostile_chains[] = {
        { .links = hostile_links, .n_links = N(hostile_links), .left_out = UINT64_MAX },
        { 0 },
};

static struct cs_report_case hostile_case = {
        .place = { .address = UINT64_MAX,
                   .what = "in " RLO TITLE,
                   .kind = "stack",
                   .start = UINT64_MAX,
                   .end = UINT64_MAX,
                   .perms = "\033[2J",
                   .path = "/tmp/" RLO,
                   .detail = TITLE,
                   .gap = BAD,
                   .module = C1_CSI ".so",
                   .module_offset = UINT64_MAX,
                   .section = "." RLO,
                   .symbol = TITLE "::f()" },
        .block = &hostile_held,
        .dump = &hostile_dump,
        .referrers = UINT64_MAX,
        .slots = UINT64_MAX,
        .groups = hostile_groups,
        .n_groups = N(hostile_groups),
        .left_groups = UINT64_MAX,
        .left_references = UINT64_MAX,
        .chains = hostile_chains,
        .n_chains = N(hostile_chains),
        .notes = hostile_texts,
        .n_notes = N(hostile_texts),
};

static struct cs_report hostile = {
        .target = { .path = "/tmp/" TITLE "core " RLO,
                    .pid = INT64_MAX,
                    .command = "sh -c " C1_CSI "2J" BAD "\n\n\nfake line",
                    .exe = BAD,
                    .arch = TITLE,
                    .threads = SIZE_MAX,
                    .warnings = hostile_texts,
                    .n_warnings = N(hostile_texts) },
        .memory = { .mapped = UINT64_MAX,
                    .resident = UINT64_MAX,
                    .anonymous = UINT64_MAX,
                    .unexplained = UINT64_MAX,
                    .kinds = hostile_kinds,
                    .n_kinds = N(hostile_kinds) },
        .heaps = hostile_heaps,
        .n_heaps = N(hostile_heaps),
        .verdict = { .kind = TITLE,
                     .confidence = 2,
                     .summary = "one " RLO "sentence" TITLE,
                     .reasons = hostile_texts,
                     .n_reasons = N(hostile_texts),
                     .cluster = RLO,
                     .library = BAD },
        .clusters = hostile_clusters,
        .n_clusters = N(hostile_clusters),
        .libraries = hostile_libraries,
        .n_libraries = N(hostile_libraries),
        .module_names = hostile_modules,
        .n_modules = 1,
        .at = &hostile_case,
        .refs = &hostile_case,
        .blocks = hostile_blocks,
        .n_blocks = N(hostile_blocks),
        .seconds = -1,
        .bytes_read = UINT64_MAX,
        .peak_memory = UINT64_MAX,
};

const struct cs_report *sample_hostile(void)
{
        return &hostile;
}
