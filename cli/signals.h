/* SPDX-License-Identifier: Apache-2.0 */
/* A clean end, whatever comes: Ctrl-C, a reader that went away, an input file that shrinks under our mapping.
 * Main thread only, except that the signals may arrive on any. */
#ifndef CS_SIGNALS_H
#define CS_SIGNALS_H

#include <stdbool.h>

/* SIGPIPE is ignored (write errors tell); SIGINT, SIGTERM and SIGHUP restore the progress line, remove
 * unfinished files and exit with 128 + number (those that were ignored at start stay so: nohup); SIGBUS
 * from a mapped file that became shorter prints one line and exits 2. Also makes sure that the three
 * standard descriptors are open, so that no file of ours takes the place of one. */
void cs_signals_install(void);

/* From here on the first SIGINT asks for what is there so far (pulse.h), and only the next one ends us; or no more. */
void cs_signals_ask_first(bool ask);

/* We hold other people's memory: a crash of ours must not leave a second copy of it on disk. Standard
 * output can no longer be opened by name (/dev/stdout) afterwards. Does nothing in sanitizer builds, which
 * look at their own process. */
void cs_signals_no_dump(void);

/* What a SIGBUS prints; kept as a copy. */
void cs_signals_name_input(const char *path);

/* The file is removed when a signal ends us, until cs_signals_keep(). path is borrowed. */
void cs_signals_remove_at_end(const char *path);
void cs_signals_keep(const char *path);

/* A progress line stands on standard error: erase it when a signal ends us. */
void cs_signals_line(bool there);

#endif
