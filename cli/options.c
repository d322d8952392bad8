/* SPDX-License-Identifier: Apache-2.0 */
#include "options_private.h"

#include "case.h"
#include "kinds.h"
#include "strings.h"
#include "work.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Values of long options that have no letter. */
enum {
        OPT_SUMMARY = 256,
        OPT_CLUSTERS,
        OPT_LIBRARIES,
        OPT_REGIONS,
        OPT_HEAP,
        OPT_LEAKS,
        OPT_JSON,
        OPT_LIVE,
        OPT_TOP,
        OPT_MIN_BYTES,
        OPT_LIBRARY,
        OPT_CLUSTER,
        OPT_REGION,
        OPT_BLOCKS,
        OPT_COLOR,
        OPT_PROGRESS,
        OPT_STRICT,
        OPT_FAIL_ON,
        OPT_SYSROOT,
        OPT_DEBUG_DIR,
        OPT_MAX_MEMORY,
        OPT_TEMP_DIR,
        OPT_FREEZE,
        OPT_AT,
        OPT_REFS,
        OPT_DEPTH,
        OPT_RULES,
        OPT_REVEAL,
        OPT_STRINGS,
        OPT_ENCODING,
        OPT_PROMETHEUS,
        OPT_WATCH,
        OPT_SAMPLES,
        OPT_LATER,
};

/* Seconds between samples: a day. */
enum { WATCH_MOST = 86400 };

/* Clusters that get details when --library picks some of them: we cannot know which before the analysis. */
enum { DETAIL_LIBRARY = 1000 };

/* A flag of the interface that this version lacks: known, so that the message can say so. Its argument is
 * never looked at, hence optional. */
#define LATER(name)                                        \
        {                                                  \
                (name), optional_argument, NULL, OPT_LATER \
        }

static const struct option long_options[] = {
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { "live", required_argument, NULL, OPT_LIVE },
        { "summary", no_argument, NULL, OPT_SUMMARY },
        { "clusters", no_argument, NULL, OPT_CLUSTERS },
        { "libraries", no_argument, NULL, OPT_LIBRARIES },
        { "regions", no_argument, NULL, OPT_REGIONS },
        { "heap", no_argument, NULL, OPT_HEAP },
        { "leaks", no_argument, NULL, OPT_LEAKS },
        { "at", required_argument, NULL, OPT_AT },
        { "refs", required_argument, NULL, OPT_REFS },
        { "depth", required_argument, NULL, OPT_DEPTH },
        { "strings", no_argument, NULL, OPT_STRINGS },
        { "encoding", required_argument, NULL, OPT_ENCODING },
        { "grep", required_argument, NULL, 'e' },
        { "rules", required_argument, NULL, OPT_RULES },
        { "reveal", no_argument, NULL, OPT_REVEAL },
        { "json", no_argument, NULL, OPT_JSON },
        { "top", required_argument, NULL, OPT_TOP },
        { "min-bytes", required_argument, NULL, OPT_MIN_BYTES },
        { "library", required_argument, NULL, OPT_LIBRARY },
        { "cluster", required_argument, NULL, OPT_CLUSTER },
        { "region", required_argument, NULL, OPT_REGION },
        { "blocks", required_argument, NULL, OPT_BLOCKS },
        { "watch", required_argument, NULL, OPT_WATCH },
        { "samples", required_argument, NULL, OPT_SAMPLES },
        { "prometheus", required_argument, NULL, OPT_PROMETHEUS },
        { "output", required_argument, NULL, 'o' },
        { "color", required_argument, NULL, OPT_COLOR },
        { "progress", required_argument, NULL, OPT_PROGRESS },
        { "jobs", required_argument, NULL, 'j' },
        { "strict", no_argument, NULL, OPT_STRICT },
        { "fail-on", required_argument, NULL, OPT_FAIL_ON },
        { "sysroot", required_argument, NULL, OPT_SYSROOT },
        { "debug-dir", required_argument, NULL, OPT_DEBUG_DIR },
        { "max-memory", required_argument, NULL, OPT_MAX_MEMORY },
        { "temp-dir", required_argument, NULL, OPT_TEMP_DIR },
        { "freeze", no_argument, NULL, OPT_FREEZE },
        LATER("debuginfod"),
        LATER("html"),
        LATER("folded"),
        LATER("pprof"),
        { 0 },
};

static const char *const verdicts[] = {
        "leak",    "growth",  "fragmentation", "retention", "managed-heap", "cache-or-live-data",
        "healthy", "unknown",
};

const char *cs_options_verdict_name(size_t i)
{
        return i < sizeof(verdicts) / sizeof(verdicts[0]) ? verdicts[i] : NULL;
}

unsigned cs_options_verdict_bit(const char *name)
{
        for (unsigned i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
                if (strcmp(name, verdicts[i]) == 0)
                        return 1u << i;
        return 0;
}

/* Decimal digits only: strtoull alone takes blanks, signs and octal. *end is where they stop. */
static bool parse_number(const char *text, uint64_t *value, const char **end)
{
        uint64_t n = 0;
        const char *at = text;
        for (; *at >= '0' && *at <= '9'; at++)
                if (__builtin_mul_overflow(n, 10u, &n) ||
                    __builtin_add_overflow(n, (uint64_t)(*at - '0'), &n))
                        return false;
        *value = n;
        *end = at;
        return at != text;
}

static bool parse_count(const char *text, uint64_t most, uint64_t *value)
{
        const char *end;
        return parse_number(text, value, &end) && *end == '\0' && *value <= most;
}

bool cs_options_size(const char *text, uint64_t *bytes)
{
        uint64_t n;
        const char *end;
        if (!parse_number(text, &n, &end))
                return false;
        unsigned shift = 0;
        switch (*end) {
        case 'K':
        case 'k':
                shift = 10;
                break;
        case 'M':
        case 'm':
                shift = 20;
                break;
        case 'G':
        case 'g':
                shift = 30;
                break;
        default:
                break;
        }
        if (shift)
                end++;
        if (*end != '\0' || n > UINT64_MAX >> shift)
                return false;
        *bytes = n << shift;
        return true;
}

bool cs_options_address(const char *text, uint64_t *address)
{
        static const char digits[] = "0123456789abcdefABCDEF";
        if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
                text += 2;
        size_t len = strlen(text);
        while (len > 1 && *text == '0') {
                text++;
                len--;
        }
        if (len == 0 || len > 16 || strspn(text, digits) != len)
                return false;
        *address = strtoull(text, NULL, 16);
        return true;
}

static enum cs_status parse_when(const char *flag, const char *text, enum cs_when *when, struct cs_error *err)
{
        static const char *const names[] = { "auto", "always", "never" };
        for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                if (strcmp(text, names[i]) == 0) {
                        *when = (enum cs_when)i;
                        return CS_OK;
                }
        }
        return cs_fail(err, CS_EFORMAT, "%s %.100s: not one of auto, always, never", flag, text);
}

static enum cs_status parse_verdicts(const char *text, unsigned *bits, struct cs_error *err)
{
        for (const char *at = text;; at++) {
                size_t len = strcspn(at, ",");
                char name[32] = { 0 };
                if (len < sizeof(name))
                        memcpy(name, at, len);
                unsigned bit = cs_options_verdict_bit(name);
                if (!bit)
                        return cs_fail(
                                err, CS_EFORMAT,
                                "--fail-on %.100s: not a verdict; there are leak, growth, fragmentation, "
                                "retention, managed-heap, cache-or-live-data, healthy, unknown",
                                text);
                *bits |= bit;
                at += len;
                if (*at == '\0')
                        return CS_OK;
        }
}

static enum cs_status parse_live(const char *text, struct cs_options *o, struct cs_error *err)
{
        uint64_t pid;
        if (!parse_count(text, INT_MAX, &pid) || pid == 0)
                return cs_fail(err, CS_EFORMAT, "--live %.100s: not a process id; give a positive number",
                               text);
        if (o->live)
                return cs_fail(err, CS_EFORMAT,
                               "--live %.100s: one process at a time; --live %d was given before", text,
                               o->live);
        o->live = (int)pid;
        return CS_OK;
}

/* One address for each: to look at another costs a run, but the answer to each has a place of its own in the JSON. */
static enum cs_status parse_address(const char *flag, const char *text, enum cs_show show, uint64_t *address,
                                    struct cs_options *o, struct cs_error *err)
{
        if (o->show & (unsigned)show)
                return cs_fail(err, CS_EFORMAT, "%s %.100s: one address at a time; it was given before", flag,
                               text);
        if (!cs_options_address(text, address))
                return cs_fail(
                        err, CS_EFORMAT,
                        "%s %.100s: not an address; give up to 16 hexadecimal digits, with or without 0x",
                        flag, text);
        o->show |= (unsigned)show;
        return CS_OK;
}

static enum cs_status parse_depth(const char *text, struct cs_options *o, struct cs_error *err)
{
        uint64_t n;
        if (!parse_count(text, CS_CASE_DEPTH_MOST, &n) || n == 0)
                return cs_fail(err, CS_EFORMAT, "--depth %.100s: not a number from 1 to %d", text,
                               CS_CASE_DEPTH_MOST);
        o->depth = (unsigned)n;
        return CS_OK;
}

/* "5", "0.25": seconds, down to a thousandth. */
static enum cs_status parse_watch(const char *text, struct cs_options *o, struct cs_error *err)
{
        uint64_t whole = 0, part = 0;
        const char *end;
        size_t digits = 0;
        bool good = parse_number(text, &whole, &end) && whole <= WATCH_MOST;
        if (good && *end == '.') {
                const char *from = end + 1;
                good = parse_number(from, &part, &end);
                digits = good ? (size_t)(end - from) : 0;
        }
        o->watch = (double)whole + (double)part / (digits == 1 ? 10 : digits == 2 ? 100 : 1000);
        if (!good || *end || digits > 3 || o->watch <= 0)
                return cs_fail(err, CS_EFORMAT, "--watch %.100s: not a number of seconds from 0.001 to %d",
                               text, WATCH_MOST);
        return CS_OK;
}

static enum cs_status parse_cluster(const char *text, struct cs_options *o, struct cs_error *err)
{
        if (text[0] != 'c' || text[1] == '0' || !parse_count(text + 1, UINT32_MAX, &o->cluster_rank))
                return cs_fail(err, CS_EFORMAT,
                               "--cluster %.100s: not a cluster's id; they are c1, c2, … by size", text);
        o->cluster = text;
        return CS_OK;
}

static enum cs_status parse_encoding(const char *text, struct cs_options *o, struct cs_error *err)
{
        for (int i = 0; i < CS_ENCODINGS; i++)
                if (strcmp(text, cs_encoding_name((enum cs_encoding)i)) == 0)
                        o->encoding = text;
        return o->encoding ? CS_OK
                           : cs_fail(err, CS_EFORMAT, "--encoding %.100s: not one of ascii, utf-8, utf-16le",
                                     text);
}

/* Options that say how much of what is shown. */
static enum cs_status take_selection(int option, const char *arg, struct cs_options *o, struct cs_error *err)
{
        switch (option) {
        case OPT_TOP:
                o->top_given = true;
                if (!parse_count(arg, UINT32_MAX, &o->top))
                        return cs_fail(err, CS_EFORMAT, "--top %.100s: not a number; 0 shows all", arg);
                return CS_OK;
        case OPT_MIN_BYTES:
                if (!cs_options_size(arg, &o->min_bytes))
                        return cs_fail(
                                err, CS_EFORMAT,
                                "--min-bytes %.100s: not a size; give bytes, or a number with K, M or G",
                                arg);
                return CS_OK;
        case OPT_LIBRARY:
                o->library = arg;
                return CS_OK;
        case OPT_REGION:
                if (cs_kind_named(arg) == CS_KINDS)
                        return cs_fail(err, CS_EFORMAT,
                                       "--region %.100s: not a kind of memory; see corescan(1)", arg);
                o->region = arg;
                return CS_OK;
        case OPT_ENCODING:
                return parse_encoding(arg, o, err);
        case OPT_AT:
                return parse_address("--at", arg, CS_SHOW_AT, &o->at, o, err);
        case OPT_REFS:
                return parse_address("--refs", arg, CS_SHOW_REFS, &o->refs, o, err);
        case OPT_DEPTH:
                return parse_depth(arg, o, err);
        case OPT_WATCH:
                return parse_watch(arg, o, err);
        case OPT_SAMPLES:
                if (!parse_count(arg, UINT32_MAX, &o->samples) || o->samples == 0)
                        return cs_fail(err, CS_EFORMAT, "--samples %.100s: not a number from 1 on", arg);
                return CS_OK;
        default:
                return parse_cluster(arg, o, err);
        }
}

static enum cs_status take_file(const char *flag, const char *arg, const char **file, struct cs_error *err)
{
        if (*arg == '\0')
                return cs_fail(err, CS_EFORMAT, "%s: the file's name is empty", flag);
        *file = arg;
        return CS_OK;
}

static enum cs_status take_rules(bool grep, const char *arg, struct cs_options *o, struct cs_error *err)
{
        const char *flag = grep ? "-e" : "--rules";
        if (*arg == '\0')
                return cs_fail(err, CS_EFORMAT,
                               grep ? "%s: the regex is empty" : "%s: the file's name is empty", flag);
        if (o->n_rules == CS_RULE_SOURCES)
                return cs_fail(err, CS_EFORMAT,
                               "%s %.100s: more than %d of --grep and --rules; put them into one file", flag,
                               arg, CS_RULE_SOURCES);
        o->rules[o->n_rules++] = (struct cs_rule_source){ grep, arg };
        o->show |= CS_SHOW_HITS;
        return CS_OK;
}

static enum cs_status take_valued(int option, const char *arg, struct cs_options *o, struct cs_error *err)
{
        uint64_t n;
        switch (option) {
        case OPT_LIVE:
                return parse_live(arg, o, err);
        case 'e':
        case OPT_RULES:
                return take_rules(option == 'e', arg, o, err);
        case OPT_BLOCKS:
                if (strcmp(arg, "-") == 0)
                        return cs_fail(err, CS_ENOTSUP,
                                       "--blocks -: standard output has the report; give a file");
                return take_file("--blocks", arg, &o->blocks, err);
        case OPT_PROMETHEUS:
                return take_file("--prometheus", arg, &o->prometheus, err);
        case 'o':
                return take_file("-o", arg, &o->output, err);
        case OPT_COLOR:
                return parse_when("--color", arg, &o->color, err);
        case OPT_PROGRESS:
                return parse_when("--progress", arg, &o->progress, err);
        case OPT_FAIL_ON:
                return parse_verdicts(arg, &o->fail_on, err);
        case OPT_SYSROOT:
                return take_file("--sysroot", arg, &o->sysroot, err);
        case OPT_DEBUG_DIR:
                return take_file("--debug-dir", arg, &o->debug_dir, err);
        case OPT_TEMP_DIR:
                return take_file("--temp-dir", arg, &o->temp_dir, err);
        case OPT_MAX_MEMORY:
                if (!cs_options_size(arg, &o->max_memory) || o->max_memory == 0)
                        return cs_fail(
                                err, CS_EFORMAT,
                                "--max-memory %.100s: not a size; give bytes, or a number with K, M or G",
                                arg);
                return CS_OK;
        case 'j':
                if (!parse_count(arg, CS_WORKERS_MAX, &n))
                        return cs_fail(err, CS_EFORMAT,
                                       "-j %.100s: not a number from 0 (all processors) to %d", arg,
                                       CS_WORKERS_MAX);
                o->workers = (unsigned)n;
                return CS_OK;
        default:
                return take_selection(option, arg, o, err);
        }
}

static enum cs_status take_option(int option, const char *arg, struct cs_options *o, struct cs_error *err)
{
        switch (option) {
        case 'h':
                o->command = CS_COMMAND_HELP;
                return CS_OK;
        case 'V':
                o->command = CS_COMMAND_VERSION;
                return CS_OK;
        case OPT_SUMMARY:
                o->show |= CS_SHOW_SUMMARY;
                return CS_OK;
        case OPT_CLUSTERS:
                o->show |= CS_SHOW_CLUSTERS;
                return CS_OK;
        case OPT_LIBRARIES:
                o->show |= CS_SHOW_LIBRARIES;
                return CS_OK;
        case OPT_REGIONS:
                o->show |= CS_SHOW_REGIONS;
                return CS_OK;
        case OPT_HEAP:
                o->show |= CS_SHOW_HEAP;
                return CS_OK;
        case OPT_LEAKS:
                o->show |= CS_SHOW_LEAKS;
                return CS_OK;
        case OPT_STRINGS:
                o->show |= CS_SHOW_STRINGS;
                return CS_OK;
        case OPT_JSON:
                o->json = true;
                return CS_OK;
        case OPT_STRICT:
                o->strict = true;
                return CS_OK;
        case OPT_FREEZE:
                o->freeze = true;
                return CS_OK;
        case OPT_REVEAL:
                o->reveal = true;
                return CS_OK;
        default:
                return take_valued(option, arg, o, err);
        }
}

/* The word on the command line that getopt_long has just taken; a separate argument stands behind it. */
static const char *taken_word(char **argv, const char *arg)
{
        return arg && optind >= 2 && arg == argv[optind - 1] ? argv[optind - 2] : argv[optind - 1];
}

/* getopt_long takes beginnings of names ("--cl"). We do not: a flag added later would change what they
 * mean. */
static bool is_whole_name(const char *word, const char *name)
{
        size_t len = strlen(name);
        return strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, len) == 0 &&
               (word[2 + len] == '\0' || word[2 + len] == '=');
}

static enum cs_status fail_unknown_name(const char *word, struct cs_error *err)
{
        int len = (int)strcspn(word, "=");
        return cs_fail(err, CS_EFORMAT, "%.*s: no such option; see corescan --help", len < 100 ? len : 100,
                       word);
}

/* What getopt_long reports as wrong. Behind an unknown letter optind may still stand at the word before. */
static enum cs_status fail_getopt(int option, char **argv, struct cs_error *err)
{
        const char *word = argv[optind - 1];
        if (option == ':' && strncmp(word, "--", 2) == 0)
                return cs_fail(err, CS_EFORMAT, "%.100s: an argument is missing; see corescan --help", word);
        if (option == ':')
                return cs_fail(err, CS_EFORMAT, "-%c: an argument is missing; see corescan --help", optopt);
        if (optopt == 0)
                return fail_unknown_name(word, err);
        for (const struct option *o = long_options; o->name; o++) {
                if (o->val != optopt)
                        continue;
                if (!is_whole_name(word, o->name))
                        return fail_unknown_name(word, err);
                return cs_fail(err, CS_EFORMAT, "--%s: takes no argument", o->name);
        }
        return cs_fail(err, CS_EFORMAT, "-%c: no such option; see corescan --help", optopt);
}

enum cs_status cs_options_parse(int argc, char **argv, struct cs_options *out, struct cs_error *err)
{
        struct cs_options o = { 0 };
        opterr = 0;
        optind = 0; /* glibc: start over, also after an earlier call */
        for (;;) {
                int index = -1;
                int option = getopt_long(argc, argv, ":hVo:j:e:", long_options, &index);
                if (option == -1)
                        break;
                if (option == '?' || option == ':')
                        return fail_getopt(option, argv, err);
                if (index >= 0 && !is_whole_name(taken_word(argv, optarg), long_options[index].name))
                        return fail_unknown_name(taken_word(argv, optarg), err);
                if (option == OPT_LATER)
                        return cs_fail(err, CS_ENOTSUP, "--%s: not in this version",
                                       long_options[index].name);
                enum cs_status st = take_option(option, optarg, &o, err);
                if (st != CS_OK)
                        return st;
                if (o.command != CS_COMMAND_REPORT) {
                        *out = o;
                        return CS_OK;
                }
        }
        enum cs_status st = cs_options_take_operands(argc - optind, argv + optind, &o, err);
        if (st != CS_OK)
                return st;
        if (o.show == 0)
                o.show = o.cluster ? CS_SHOW_CLUSTERS : o.region ? CS_SHOW_REGIONS : CS_SHOW_SUMMARY;
        if (o.depth == 0)
                o.depth = CS_CASE_DEPTH;
        *out = o;
        return CS_OK;
}

size_t cs_options_top(const struct cs_options *options, size_t usual)
{
        if (!options->top_given)
                return usual;
        return options->top == CS_TOP_GIVEN_ALL ? SIZE_MAX : options->top;
}

size_t cs_options_detail(const struct cs_options *options)
{
        if (options->cluster)
                return options->cluster_rank;
        if (!(options->show & (CS_SHOW_SUMMARY | CS_SHOW_CLUSTERS)))
                return 0;
        size_t top = cs_options_top(options, options->json ? CS_TOP_JSON : CS_TOP_CLUSTERS);
        return options->library && top < DETAIL_LIBRARY ? DETAIL_LIBRARY : top;
}

enum cs_exit cs_options_exit_verdict(const struct cs_options *options, bool complete, const char *verdict)
{
        if (options->strict && !complete)
                return CS_EXIT_PARTIAL;
        return verdict && options->fail_on & cs_options_verdict_bit(verdict) ? CS_EXIT_VERDICT : CS_EXIT_DONE;
}

enum cs_exit cs_options_exit(const struct cs_options *options, const struct cs_report *report)
{
        enum cs_exit status = cs_options_exit_verdict(options, report->target.complete, report->verdict.kind);
        return status == CS_EXIT_DONE && report->hits && report->hits->count == 0 ? CS_EXIT_NOTHING : status;
}
