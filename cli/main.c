/* SPDX-License-Identifier: Apache-2.0 */
/* Options → image → report → text or JSON → exit status. */
#include "analyse.h"
#include "blocklist.h"
#include "help.h"
#include "hitstream.h"
#include "json.h"
#include "memorycap.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "prometheus.h"
#include "recall.h"
#include "render.h"
#include "rulesource.h"
#include "signals.h"
#include "snapshotfile.h"
#include "terminal.h"
#include "watchview.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WARNINGS_SHOWN = 20, WATCH_NICE = 10, HITS_BUFFER = 64 << 10 };

struct run {
        struct cs_options options;
        bool asks_first;   /* Ctrl-C: half of a comparison is none */
        char live[24];     /* "--live 4711" */
        const char *thing; /* what errors are about */
        enum cs_charset charset;
        struct cs_output report; /* -o; zeroed: standard output */
        struct cs_output blocks;
        struct cs_output metrics;
        struct cs_rulesource rules;
        struct cs_error err;
};

/* One line: "corescan: thing: cause". Neither has a newline left when it is printed. */
static int complain(const struct run *run, const char *thing)
{
        (void)fputs("corescan: ", stderr);
        if (thing) {
                cs_escape_print(stderr, thing, run->charset);
                (void)fputs(": ", stderr);
        }
        cs_escape_print(stderr, run->err.text, run->charset);
        (void)fputs("\n", stderr);
        return CS_EXIT_TROUBLE;
}

static void warn(const struct run *run, const char *text)
{
        (void)fputs("corescan: warning: ", stderr);
        cs_escape_print(stderr, text, run->charset);
        (void)fputs("\n", stderr);
}

static void print_warnings(const struct run *run, const struct cs_report_target *target)
{
        for (size_t i = 0; i < run->rules.rules.notes.n; i++)
                warn(run, run->rules.rules.notes.at[i]);
        size_t n = target->n_warnings;
        /* One line more would take as much room as saying that there is one line more. */
        size_t shown = n <= WARNINGS_SHOWN + 1 ? n : WARNINGS_SHOWN;
        for (size_t i = 0; i < shown; i++)
                warn(run, target->warnings[i]);
        if (shown < n) {
                char text[80];
                (void)snprintf(text, sizeof(text), "%zu more warnings: --json has them all", n - shown);
                warn(run, text);
        }
        if (n == 0 && !target->complete)
                warn(run, "the answer is partial");
}

static enum cs_status open_metrics(struct run *run)
{
        enum cs_status st = cs_output_open(run->options.prometheus, &run->metrics, &run->err);
        cs_output_share(&run->metrics);
        return st;
}

/* Early: nobody should wait for an analysis whose result cannot be written. */
static enum cs_status open_outputs(struct run *run)
{
        const char *report = run->options.output;
        enum cs_status st;
        run->thing = report;
        if (report && strcmp(report, "-") != 0 &&
            (st = cs_output_open(report, &run->report, &run->err)) != CS_OK)
                return st;
        run->thing = run->options.blocks;
        if (run->thing && (st = cs_output_open(run->thing, &run->blocks, &run->err)) != CS_OK)
                return st;
        run->thing = run->options.prometheus;
        return run->thing ? open_metrics(run) : CS_OK;
}

static enum cs_status open_image(struct run *run, const struct cs_image_options *options,
                                 struct cs_image **image)
{
        if (run->options.live) {
                (void)snprintf(run->live, sizeof(run->live), "--live %d", run->options.live);
                run->thing = run->live;
                return cs_image_open_live((pid_t)run->options.live, options, image, &run->err);
        }
        run->thing = run->options.core;
        cs_signals_name_input(run->options.core);
        return cs_image_open_core(run->options.core, options, image, &run->err);
}

static enum cs_status analyse(struct run *run, struct cs_image *image,
                              const struct cs_image_options *image_options, struct cs_recall *recall,
                              bool brief, struct cs_report **report)
{
        struct cs_progress progress = {
                .to = cs_terminal_progress(stderr, run->options.progress) ? stderr : NULL,
                .width = cs_terminal_width(stderr),
        };
        FILE *out = run->report.stream ? run->report.stream : stdout;
        bool streams = cs_options_streams(&run->options);
        if (streams && !isatty(fileno(out))) /* hits may be millions */
                (void)setvbuf(out, NULL, _IOFBF, HITS_BUFFER);
        struct cs_hitstream stream = {
                .out = out,
                .json = run->options.json,
                .color = cs_terminal_color(out, run->options.color),
                .charset = run->charset,
                .progress = &progress,
        };
        const struct cs_hits_wanted search = {
                .rules = &run->rules.rules,
                .set = run->rules.set,
                .reveal = run->options.reveal,
                .write = cs_hitstream_write,
                .take = streams ? cs_hitstream_take : NULL,
                .context = &stream,
        };
        const struct cs_analyse_options options = {
                .image = *image_options,
                .workers = run->options.workers,
                .detail = cs_options_detail(&run->options),
                .blocks = run->options.blocks != NULL,
                .census_only =
                        cs_options_only(&run->options, CS_SHOW_CENSUS | CS_SHOW_HITS | CS_SHOW_STRINGS),
                .lists_only = cs_options_only(&run->options, CS_SHOW_HITS | CS_SHOW_STRINGS),
                .digest = run->options.json && !streams,
                .strings = run->options.show & CS_SHOW_STRINGS,
                .search = run->options.n_rules ? &search : NULL,
                .regions = run->options.show & CS_SHOW_REGIONS,
                .at = run->options.show & CS_SHOW_AT ? &run->options.at : NULL,
                .refs = run->options.show & CS_SHOW_REFS ? &run->options.refs : NULL,
                .depth = run->options.depth,
                .recall = recall,
                .brief = brief,
                .progress = progress.to ? cs_progress_show : NULL,
                .progress_context = &progress,
        };
        cs_progress_begin(&progress);
        cs_signals_ask_first(run->asks_first);
        enum cs_status st = cs_analyse(image, &options, report, &run->err);
        cs_signals_ask_first(false);
        cs_progress_end(&progress);
        return st;
}

static struct cs_screen screen_of(const struct run *run, FILE *out)
{
        return (struct cs_screen){
                .out = out,
                .color = cs_terminal_color(out, run->options.color),
                .width = cs_terminal_width(out),
                .charset = run->charset,
        };
}

static enum cs_status render(struct run *run, const struct cs_report *report)
{
        FILE *out = run->report.stream ? run->report.stream : stdout;
        if (run->options.json && cs_options_streams(&run->options))
                return cs_json_write_hits_end(out, report, &run->err);
        if (run->options.json)
                return cs_json_write(out, report, &run->options, &run->err);
        struct cs_screen screen = screen_of(run, out);
        cs_render_text(&screen, report, &run->options);
        cs_screen_deinit(&screen);
        return screen.failed ? cs_fail(&run->err, CS_ENOMEM, "not enough memory for the report") : CS_OK;
}

/* Writes everything that was asked for, and makes sure that it is written. */
static enum cs_status deliver(struct run *run, const struct cs_report *report)
{
        enum cs_status st = render(run, report);
        if (st != CS_OK)
                return st;
        run->thing = run->options.output;
        st = run->report.stream ? cs_output_commit(&run->report, &run->err) : CS_OK;
        if (st == CS_OK && run->metrics.stream) {
                run->thing = run->options.prometheus;
                st = cs_prometheus_write(run->metrics.stream, report, &run->options, &run->err);
                if (st == CS_OK)
                        st = cs_output_commit(&run->metrics, &run->err);
        }
        if (st != CS_OK || !run->blocks.stream)
                return st;
        run->thing = run->options.blocks;
        st = cs_blocklist_write(run->blocks.stream, report, &run->err);
        return st == CS_OK ? cs_output_commit(&run->blocks, &run->err) : st;
}

static enum cs_status check_cluster(struct run *run, const struct cs_report *report)
{
        const char *id = run->options.cluster;
        if (!id || report->unrelated || cs_pick_cluster(report, id))
                return CS_OK;
        run->thing = NULL;
        size_t n = report->n_clusters + report->n_patterns;
        if (n == 0)
                return cs_fail(&run->err, CS_EFORMAT, "--cluster %.100s: no such cluster; there are none",
                               id);
        return cs_fail(&run->err, CS_EFORMAT, "--cluster %.100s: no such cluster; they are c1 to c%zu", id,
                       n);
}

static struct cs_image_options image_options_of(const struct cs_options *options)
{
        /* Of what we may take, a compressed core gets three quarters. */
        uint64_t most = options->max_memory;
        uint64_t unpacked = most > CS_MEMORYCAP_LEAST ? most / 4 * 3 : CS_MEMORYCAP_LEAST / 2;
        return (struct cs_image_options){
                .sysroot = options->sysroot,
                .debug_dir = options->debug_dir,
                .max_memory = most < unpacked ? most : unpacked,
                .temp_dir = options->temp_dir,
                .freeze = options->freeze,
        };
}

static int run_report(struct run *run)
{
        const struct cs_image_options image_options = image_options_of(&run->options);
        cs_cleanup(cs_image_closep) struct cs_image *image = NULL;
        cs_cleanup(cs_report_destroyp) struct cs_report *report = NULL;
        if (open_outputs(run) != CS_OK)
                return complain(run, run->thing);
        if (cs_rulesource_load(&run->options, &run->rules, &run->err) != CS_OK)
                return complain(run, NULL);
        /* After the outputs: /dev/stdout and /dev/fd/N cannot be opened any more then. */
        cs_signals_no_dump();
        run->asks_first = true;
        if (open_image(run, &image_options, &image) != CS_OK ||
            analyse(run, image, &image_options, NULL, false, &report) != CS_OK)
                return complain(run, run->thing);
        cs_image_thaw(image);
        if (check_cluster(run, report) != CS_OK)
                return complain(run, run->thing);
        print_warnings(run, &report->target);
        if (deliver(run, report) != CS_OK)
                return complain(run, run->thing);
        return (int)cs_options_exit(&run->options, report);
}

/* One of several: a saved report, or a core, of which only what is compared is kept. */
static enum cs_status take_snapshot(struct run *run, const char *path, struct cs_snapshot **out, bool *stop)
{
        const struct cs_image_options image_options = image_options_of(&run->options);
        cs_cleanup(cs_image_closep) struct cs_image *image = NULL;
        cs_cleanup(cs_report_destroyp) struct cs_report *report = NULL;
        enum cs_status st;
        run->thing = run->options.core = path;
        if (cs_snapshotfile_is(path))
                return cs_snapshotfile_read(path, out, &run->err);
        if ((st = open_image(run, &image_options, &image)) != CS_OK ||
            (st = analyse(run, image, &image_options, NULL, false, &report)) != CS_OK)
                return st;
        for (size_t i = 0; i < report->target.n_warnings && i < WARNINGS_SHOWN; i++) {
                char text[CS_ERROR_TEXT];
                (void)snprintf(text, sizeof(text), "%.150s: %.300s", path, report->target.warnings[i]);
                warn(run, text);
        }
        *stop = report->target.interrupted != NULL;
        return cs_snapshot_take(report, out, &run->err);
}

static enum cs_status take_growth(struct run *run, struct cs_growth **out)
{
        size_t n = run->options.n_snapshots, taken = 0;
        struct cs_snapshot **snapshots = calloc(n, sizeof(struct cs_snapshot *));
        enum cs_status st = snapshots ? CS_OK : cs_fail(&run->err, CS_ENOMEM, "not enough memory");
        /* After a Ctrl-C what is there is compared. */
        for (bool stop = false; st == CS_OK && taken < n && !stop; taken += st == CS_OK)
                st = take_snapshot(run, run->options.snapshots[taken], &snapshots[taken], &stop);
        if (st == CS_OK) {
                st = cs_growth_build(snapshots, taken, out, &run->err);
                taken = 0; /* they are its own now */
        }
        for (size_t i = 0; i < taken; i++)
                cs_snapshot_destroy(snapshots[i]);
        free(snapshots);
        return st;
}

static enum cs_status deliver_metrics(struct run *run, const struct cs_growth *growth)
{
        if (!run->options.prometheus)
                return CS_OK;
        run->thing = run->options.prometheus;
        /* It was put in place before: a watch puts a newer one there. */
        enum cs_status st = run->metrics.stream ? CS_OK : open_metrics(run);
        if (st == CS_OK)
                st = cs_prometheus_write_growth(run->metrics.stream, growth, &run->options, &run->err);
        return st == CS_OK ? cs_output_commit(&run->metrics, &run->err) : st;
}

static enum cs_status deliver_growth(struct run *run, const struct cs_growth *growth)
{
        FILE *out = run->report.stream ? run->report.stream : stdout;
        enum cs_status st = CS_OK;
        run->thing = NULL;
        if (run->options.json) {
                st = cs_json_write_growth(out, growth, &run->options, &run->err);
        } else {
                struct cs_screen screen = screen_of(run, out);
                cs_render_growth(&screen, growth, &run->options);
                cs_screen_deinit(&screen);
                st = screen.failed ? cs_fail(&run->err, CS_ENOMEM, "not enough memory for the report")
                                   : CS_OK;
        }
        run->thing = run->options.output;
        if (st == CS_OK && run->report.stream)
                st = cs_output_commit(&run->report, &run->err);
        return st == CS_OK ? deliver_metrics(run, growth) : st;
}

static int run_compare(struct run *run)
{
        cs_cleanup(cs_growth_destroyp) struct cs_growth *growth = NULL;
        bool complete = true;
        if (open_outputs(run) != CS_OK)
                return complain(run, run->thing);
        cs_signals_no_dump();
        if (take_growth(run, &growth) != CS_OK)
                return complain(run, run->thing);
        for (size_t i = 0; i < growth->n_notes; i++)
                warn(run, growth->notes[i]);
        if (deliver_growth(run, growth) != CS_OK)
                return complain(run, run->thing);
        for (size_t i = 0; i < growth->n_snapshots; i++)
                complete &= growth->snapshots[i]->complete;
        return (int)cs_options_exit_verdict(&run->options, complete, growth->verdict.kind);
}

/* What the looks of a watch leave each other. */
struct looking {
        struct run *run;
        struct cs_recall recall;
        struct cs_snapshot *whole; /* the last that looked at all of it */
};

static void looking_deinit(struct looking *l)
{
        cs_recall_deinit(&l->recall);
        cs_snapshot_destroy(l->whole);
}

static enum cs_status look_once(struct looking *l, bool brief, struct cs_snapshot **out, bool *stop,
                                struct cs_error *err)
{
        struct run *run = l->run;
        const struct cs_image_options image_options = image_options_of(&run->options);
        /* Where memory is short, nothing is left for the next one. */
        struct cs_recall *recall = run->options.max_memory ? NULL : &l->recall;
        cs_cleanup(cs_image_closep) struct cs_image *image = NULL;
        cs_cleanup(cs_report_destroyp) struct cs_report *report = NULL;
        enum cs_status st = open_image(run, &image_options, &image);
        if (st == CS_OK)
                st = analyse(run, image, &image_options, recall, brief && l->whole, &report);
        cs_signals_ask_first(true);
        if (st != CS_OK)
                return st;
        *stop = report->target.interrupted != NULL;
        if (!report->brief) {
                cs_snapshot_destroy(cs_take(l->whole));
                st = cs_snapshot_take(report, &l->whole, err);
        }
        return st == CS_OK ? cs_snapshot_take(report, out, err) : st;
}

/* New kinds of blocks of so much memory are worth a whole look, for a brief one does not tell whose they are. */
static bool is_strange(uint64_t strange, const struct cs_snapshot *s)
{
        enum { STRANGE_BYTES = 256 << 10, STRANGE_PERCENT = 1 };
        return strange > STRANGE_BYTES && strange > s->memory.anonymous / 100 * STRANGE_PERCENT;
}

/* A look of a watch. */
static enum cs_status look(void *context, bool brief, struct cs_snapshot **out, bool *stop,
                           struct cs_error *err)
{
        struct looking *l = context;
        uint64_t strange = 0;
        enum cs_status st = look_once(l, brief, out, stop, err);
        if (st != CS_OK || !(*out)->brief)
                return st;
        st = cs_snapshot_carry(*out, l->whole, &strange, err);
        bool again = st == CS_OK && !*stop && is_strange(strange, *out);
        if (st != CS_OK || again)
                cs_snapshot_destroy(cs_take(*out));
        return again ? look_once(l, false, out, stop, err) : st;
}

struct watching {
        struct run *run;
        struct cs_watchview *view;
};

/* A sample; after a whole look the metrics, too, for who collects them does not wait for the end. What is no regular file gets those of the
 * end only. Should it not be possible now, it may be later; the end says so. */
static void show(void *context, const struct cs_watch_state *state)
{
        const struct watching *w = context;
        struct run *run = w->run;
        cs_watchview_show(w->view, state);
        if (!state->looked || !state->growth || (run->metrics.stream && !run->metrics.aside))
                return;
        if (deliver_metrics(run, state->growth) != CS_OK) {
                cs_output_discard(&run->metrics);
                run->err = (struct cs_error){ 0 };
        }
        run->thing = run->live;
}

static enum cs_status watch(struct run *run, struct cs_watchview *view, struct cs_watch_state *state,
                            struct cs_growth **growth)
{
        FILE *out = run->report.stream ? run->report.stream : stdout;
        *view = (struct cs_watchview){ .out = out,
                                       .json = run->options.json,
                                       .redraw =
                                               !run->options.json && cs_terminal_progress(out, CS_WHEN_AUTO),
                                       .color = cs_terminal_color(out, run->options.color),
                                       .charset = run->charset,
                                       .width = cs_terminal_width };
        struct watching watching = { run, view };
        cs_cleanup(looking_deinit) struct looking looking = { .run = run };
        const struct cs_watch what = { .pid = run->options.live,
                                       .interval = run->options.watch,
                                       .samples = run->options.samples,
                                       .look = look,
                                       .look_context = &looking,
                                       .show = show,
                                       .show_context = &watching };
        (void)snprintf(run->live, sizeof(run->live), "--live %d", run->options.live);
        run->thing = run->live;
        cs_signals_ask_first(true);
        /* Where processors are short, those who are watched come first. */
        (void)!nice(WATCH_NICE);
        enum cs_status st = cs_watch_run(&what, state, growth, &run->err);
        cs_signals_ask_first(false);
        return st;
}

static int run_watch(struct run *run)
{
        cs_cleanup(cs_growth_destroyp) struct cs_growth *growth = NULL;
        cs_cleanup(cs_watch_state_deinit) struct cs_watch_state state = { 0 };
        struct cs_watchview view;
        if (open_outputs(run) != CS_OK)
                return complain(run, run->thing);
        cs_signals_no_dump();
        if (watch(run, &view, &state, &growth) != CS_OK)
                return complain(run, run->thing);
        if (state.end == CS_WATCH_GONE)
                warn(run,
                     "the process ended, or could not be read any more, during the watch: what was seen until then is told");
        for (size_t i = 0; i < growth->n_notes; i++)
                warn(run, growth->notes[i]);
        run->thing = NULL;
        if (cs_watchview_end(&view, &state, growth, &run->options, &run->err) != CS_OK)
                return complain(run, run->thing);
        run->thing = run->options.output;
        if ((run->report.stream && cs_output_commit(&run->report, &run->err) != CS_OK) ||
            deliver_metrics(run, growth) != CS_OK)
                return complain(run, run->thing);
        return (int)cs_options_exit_verdict(&run->options, state.end != CS_WATCH_GONE, growth->verdict.kind);
}

int main(int argc, char **argv)
{
        static char line[1 << 10]; /* stdio writes what goes to stderr byte by byte */
        struct run run = { 0 };
        (void)setvbuf(stderr, line, _IOLBF, sizeof(line));
        cs_signals_install();
        run.charset = cs_terminal_charset();
        if (cs_options_parse(argc, argv, &run.options, &run.err) != CS_OK)
                return complain(&run, NULL);
        if (run.options.max_memory)
                cs_memorycap_set(run.options.max_memory, run.options.workers);
        int status = CS_EXIT_DONE;
        switch (run.options.command) {
        case CS_COMMAND_HELP:
                cs_help_print(stdout);
                break;
        case CS_COMMAND_VERSION:
                cs_help_print_version(stdout);
                break;
        case CS_COMMAND_REPORT:
                status = run.options.n_snapshots ? run_compare(&run)
                         : run.options.watch > 0 ? run_watch(&run)
                                                 : run_report(&run);
                break;
        }
        cs_rulesource_deinit(&run.rules);
        cs_output_discard(&run.report);
        cs_output_discard(&run.blocks);
        cs_output_discard(&run.metrics);
        if (status != CS_EXIT_TROUBLE && cs_output_finish_stdout(&run.err) != CS_OK)
                return complain(&run, NULL);
        return status;
}
