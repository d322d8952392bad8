/* SPDX-License-Identifier: Apache-2.0 */
/* From a running process to an image: a child of ours with known memory, and processes that cannot be looked at. */
#include "image.h"
#include "live.h"
#include "pagemap.h"
#include "range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct cs_image_options options = { 0 };
static const char secret[] = "what the child holds in its data";

/* Does it sleep? What it does until then brings pages in. */
static bool sleeps(pid_t pid)
{
        char path[64], state = 0;
        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        FILE *f = fopen(path, "re");
        bool known = f && fscanf(f, "%*d (%*[^)]) %c", &state) == 1;
        if (f)
                fclose(f);
        return !known || (state != 'R' && state != 'D'); /* asleep, or ended */
}

/* A child that runs `start` and then says so and sleeps until it is killed. */
static pid_t spawn(void (*start)(void *), void *context)
{
        int ready[2];
        char byte = 0;
        assert_int_equal(pipe(ready), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (start)
                        start(context);
                if (write(ready[1], &byte, 1) != 1)
                        _exit(1);
                for (;;)
                        pause();
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        while (!sleeps(pid))
                usleep(1000);
        close(ready[0]);
        close(ready[1]);
        return pid;
}

static void stop(pid_t pid)
{
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}

enum { AREA = 16 * CS_PAGE, THREADS = 3 };

static pthread_barrier_t all_run;

static void *sleep_forever(void *unused)
{
        pthread_barrier_wait(&all_run);
        for (;;)
                pause();
        return unused;
}

/* Two more threads, and an area of which only page 3 is ever touched. Once all threads run, nothing grows any more. */
static void start_child(void *area)
{
        pthread_t thread;
        pthread_barrier_init(&all_run, NULL, THREADS);
        for (int i = 1; i < THREADS; i++)
                if (pthread_create(&thread, NULL, sleep_forever, NULL) != 0)
                        _exit(1);
        memset((uint8_t *)area + 3 * CS_PAGE, 0x5a, 16);
        pthread_barrier_wait(&all_run);
}

/* By smaps_rollup, which counts: the number in status is kept per thread and lags behind. -1: unknown. */
static long resident_kb(pid_t pid)
{
        char path[64], line[256];
        long kb = -1;
        snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
        FILE *f = fopen(path, "re");
        while (f && fgets(line, sizeof(line), f))
                (void)sscanf(line, "Rss: %ld", &kb);
        if (f)
                fclose(f);
        return kb;
}

static void test_child(void **state)
{
        (void)state;
        uint8_t *area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(area != MAP_FAILED);
        uint64_t at = (uintptr_t)area;
        pid_t pid = spawn(start_child, area);
        long before = resident_kb(pid);
        struct cs_image *image = NULL;
        struct cs_error err = { 0 };
        enum cs_status st = cs_image_open_live(pid, &options, &image, &err);
        if (st == CS_EACCESS) {
                stop(pid);
                skip(); /* not even our own children, as in some containers */
        }
        assert_int_equal(st, CS_OK);
        assert_int_equal(image->kind, CS_IMAGE_LIVE);
        assert_int_equal(image->pid, pid);
        assert_true(image->complete);
        assert_int_equal(image->threads.n, THREADS);
        bool found = false;
        for (size_t i = 0; i < image->threads.n; i++)
                found |= image->threads.at[i].tid == pid;
        assert_true(found);
        assert_non_null(strstr(image->exe, "test_live"));
        assert_non_null(strstr(image->command, "test_live"));
        assert_null(image->path);
        assert_true(image->at_entry && image->at_random);

        const struct cs_module *m = cs_image_module_at(image, (uintptr_t)&test_child);
        assert_true(m && m->main);
        assert_non_null(strstr(m->name, "test_live"));
        m = cs_image_module_at(image, (uintptr_t)&secret);
        assert_true(m && m->main);
        size_t libc = 0;
        for (size_t i = 0; i < image->modules.n; i++) {
                libc += strncmp(image->modules.at[i].name, "libc.so", 7) == 0;
                if (i)
                        assert_true(image->modules.at[i].range.start > image->modules.at[i - 1].range.start);
        }
        assert_int_equal(libc, 1);

        char copy[sizeof(secret)];
        assert_true(cs_source_exact(image->source, (uintptr_t)&secret, copy, sizeof(copy)));
        assert_memory_equal(copy, secret, sizeof(secret));
        uint8_t buf[2 * CS_PAGE];
        size_t got;
        assert_true(cs_source_exact(image->source, at + 3 * CS_PAGE, buf, 16));
        assert_int_equal(buf[15], 0x5a);
        if (cs_live_source_has_pagemap(image->source)) {
                uint8_t flags[16];
                /* Pages that were never touched are gaps, and stay untouched. */
                assert_int_equal(cs_source_read(image->source, at + 3 * CS_PAGE, buf, sizeof(buf), &got,
                                                NULL),
                                 CS_OK);
                assert_int_equal(got, CS_PAGE);
                assert_int_equal(cs_source_gap(image->source, at + 4 * CS_PAGE), CS_GAP_ABSENT);
                assert_true(cs_source_next(image->source, at) == at + 3 * CS_PAGE);
                cs_source_resident(image->source, at, 16, flags);
                assert_memory_equal(flags, "\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 16);
                long after = resident_kb(pid);
                if (after - before > 64)
                        fail_msg("the child grew from %ld to %ld kB", before, after);
        }
        assert_int_equal(cs_source_gap(image->source, 0x1000), CS_GAP_UNMAPPED);
        assert_int_equal(cs_source_read(image->source, 0x1000, buf, 8, &got, NULL), CS_OK);
        assert_int_equal(got, 0);

        /* It ends while it is read: a gap from then on, and that is known. */
        assert_false(cs_live_source_gone(image->source));
        stop(pid);
        (void)cs_source_exact(image->source, at + 3 * CS_PAGE, buf, 16);
        uint64_t word;
        assert_false(cs_source_u64(image->source, at + 3 * CS_PAGE, &word));
        cs_image_close(image);
        munmap(area, AREA);
}

/* By the kernel's tables alone what entries say of each page. */
static void test_present(void **state)
{
        enum { PAGES = 600 };
        (void)state;
        uint8_t *area =
                mmap(NULL, PAGES * CS_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(area, MAP_FAILED);
        (void)madvise(area, PAGES * CS_PAGE, MADV_NOHUGEPAGE);
        for (size_t i = 0; i < PAGES; i++)
                if (i >= 400 || i % 2 || i % 7 == 0)
                        area[i * CS_PAGE] = 1;
        int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
        uint64_t entries[64], pages;
        if (fd < 0 || cs_pagemap_read(fd, (uintptr_t)(area + CS_PAGE), entries, 1) != 1 ||
            !cs_pagemap_present(fd, (uintptr_t)area, 1, &pages)) {
                (void)close(fd);
                munmap(area, PAGES * CS_PAGE);
                skip();
        }
        for (size_t i = 0; i + 64 <= PAGES; i += 13)
                for (size_t count = 1; count <= 64; count += 9) {
                        uint64_t at = (uintptr_t)(area + i * CS_PAGE), expected = 0;
                        assert_int_equal(cs_pagemap_read(fd, at, entries, count), count);
                        for (size_t k = 0; k < count; k++)
                                expected |= entries[k] >> 63 << k;
                        assert_true(cs_pagemap_present(fd, at, count, &pages));
                        assert_true(pages == expected && (expected || count == 1));
                }
        close(fd);
        munmap(area, PAGES * CS_PAGE);
}

/* The child's image, whose pages are known one by one. Where that cannot be, the child ends and the test is skipped. */
static struct cs_image *open_paged(pid_t pid)
{
        struct cs_image *image = NULL;
        if (cs_image_open_live(pid, &options, &image, NULL) != CS_OK ||
            !cs_live_source_has_pagemap(image->source)) {
                cs_image_close(image);
                stop(pid);
                skip();
        }
        return image;
}

/* In the module's file's place: a file of zeros. */
static void replace_file(const struct cs_module *m, off_t size)
{
        assert_true(m && m->file == CS_FILE_MATCHES);
        FILE *other = tmpfile();
        assert_non_null(other);
        assert_int_equal(ftruncate(fileno(other), size), 0);
        assert_int_equal(dup2(fileno(other), m->fd), m->fd);
        (void)fclose(other);
}

enum { APART = 200 * CS_PAGE };

/* What is gathered is what is read page by page; of all that the image has. How many pages that were. */
static size_t compare_gathered(const struct cs_image *image)
{
        static uint8_t gathered[CS_GATHER_PAGES * CS_PAGE], page[CS_PAGE];
        size_t n = 0;
        for (size_t i = 0; i < image->mappings.n; i++) {
                struct cs_range range = image->mappings.at[i].range;
                size_t pages;
                for (uint64_t at = range.start; at < range.end; at += pages * CS_PAGE) {
                        uint64_t present;
                        pages = cs_source_gather(image->source, at, CS_GATHER_PAGES, gathered, &present);
                        if (!pages || cs_range_size(range) > 64 << 20) {
                                assert_false(pages && !(image->mappings.at[i].perms & CS_PERM_READ));
                                break;
                        }
                        /* As far as there are mappings. */
                        uint64_t end = at + pages * CS_PAGE;
                        assert_true(pages == CS_GATHER_PAGES || !cs_image_mapping_at(image, end) ||
                                    !(cs_image_mapping_at(image, end)->perms & CS_PERM_READ));
                        for (size_t k = 0; k < CS_GATHER_PAGES; k++) {
                                size_t got = 0;
                                if (k < pages)
                                        assert_int_equal(cs_source_read(image->source, at + k * CS_PAGE, page,
                                                                        CS_PAGE, &got, NULL),
                                                         CS_OK);
                                assert_int_equal(present >> k & 1, got == CS_PAGE);
                                if (got == CS_PAGE) {
                                        assert_memory_equal(gathered + k * CS_PAGE, page, CS_PAGE);
                                        n++;
                                }
                        }
                }
        }
        return n;
}

/* Every third page, more of them than one call has room for, and one that may not be read. */
static void touch_apart(void *area)
{
        for (size_t i = 0; i < APART / CS_PAGE; i += 3)
                memset((uint8_t *)area + i * CS_PAGE, (int)(i | 1), CS_PAGE);
        (void)mprotect((uint8_t *)area + 30 * CS_PAGE, CS_PAGE, PROT_NONE);
        /* Two pages side by side, of two mappings. */
        memset((uint8_t *)area + 100 * CS_PAGE, 7, 2 * CS_PAGE);
        (void)mprotect((uint8_t *)area + 101 * CS_PAGE, CS_PAGE, PROT_READ);
}

static void test_gather(void **state)
{
        (void)state;
        uint8_t *area = mmap(NULL, APART, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(area, MAP_FAILED);
        (void)madvise(area, APART, MADV_NOHUGEPAGE);
        pid_t pid = spawn(touch_apart, area);
        struct cs_image *image = open_paged(pid);
        long before = resident_kb(pid);
        assert_true(compare_gathered(image) > APART / CS_PAGE / 3);
        assert_true(resident_kb(pid) <= before + 64);
        /* What lies upon the end of a mapping comes as a whole. */
        struct cs_view view;
        size_t got;
        cs_view_init(&view, image->source);
        const uint8_t *upon = cs_view_whole(&view, (uintptr_t)area + 101 * CS_PAGE - 8, 16, &got);
        assert_int_equal(got, 16);
        assert_memory_equal(upon, "\7\7\7\7\7\7\7\7\7\7\7\7\7\7\7\7", 16);
        upon = cs_view_whole(&view, (uintptr_t)area + 101 * CS_PAGE - 16, 3 * CS_PAGE, &got);
        assert_true(upon && got == 16 + 2 * CS_PAGE); /* page 102 is there, 103 is not */
        cs_view_deinit(&view);
        /* A module's file is not what it was: pages that it has no more are the process's. */
        replace_file(cs_image_module_at(image, (uintptr_t)&test_gather), 0);
        assert_true(compare_gathered(image) > 0);
        uint64_t present;
        uint8_t *buf = malloc(CS_VIEW_BYTES);
        assert_non_null(buf);
        stop(pid);
        (void)cs_source_exact(image->source, (uintptr_t)area, buf, 1);
        assert_int_equal(cs_source_gather(image->source, (uintptr_t)area, 1, buf, &present), 0);
        free(buf);
        cs_image_close(image);
        munmap(area, APART);
}

static uint8_t changed[2 * CS_PAGE] = { 1 };

static void write_data(void *text)
{
        memset(changed, 0x77, sizeof(changed));
        (void)*(volatile uint8_t *)text;
}

/* A module's clean pages come from its file, those that were written to from the process: another file in the module's place shows
 * which is which. */
static void test_clean_pages(void **state)
{
        (void)state;
        void *text = (void *)(uintptr_t)cs_page_down((uintptr_t)&test_child);
        pid_t pid = spawn(write_data, text);
        struct cs_image *image = open_paged(pid);
        uint8_t before[CS_PAGE], after[CS_PAGE], flags[1];
        const struct cs_module *m = cs_image_module_at(image, (uintptr_t)text);
        assert_true(m && m->file == CS_FILE_MATCHES);
        cs_source_resident(image->source, (uintptr_t)text, 1, flags);
        assert_int_equal(flags[0], CS_PAGE_RESIDENT);
        assert_true(cs_source_exact(image->source, (uintptr_t)text, before, sizeof(before)));
        assert_memory_equal(before, text, sizeof(before));

        replace_file(m, 64 << 20);
        assert_true(cs_source_exact(image->source, (uintptr_t)text, after, sizeof(after)));
        assert_int_equal(after[0] | after[CS_PAGE - 1] | memcmp(after, after + 1, sizeof(after) - 1), 0);
        assert_true(cs_source_exact(image->source, cs_page_up((uintptr_t)changed), after, 16));
        assert_memory_equal(after, "wwwwwwwwwwwwwwww", 16);

        /* The file ends before: a page that is there is the process's, with what stands behind the file's end. */
        assert_int_equal(ftruncate(m->fd, 0), 0);
        assert_true(cs_source_exact(image->source, (uintptr_t)text, after, sizeof(after)));
        assert_memory_equal(before, after, sizeof(before));
        cs_image_close(image);
        stop(pid);
}

/* The process executes another program while its image is open: nothing of the new one is taken for the old one's. */
static void test_exec(void **state)
{
        (void)state;
        int go[2];
        char byte = 0;
        uint64_t word;
        assert_int_equal(pipe(go), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (read(go[0], &byte, 1) != 1)
                        _exit(1);
                execl("/bin/sleep", "sleep", "1000", NULL);
                _exit(1);
        }
        struct cs_image *image = NULL;
        if (cs_image_open_live(pid, &options, &image, NULL) != CS_OK) {
                stop(pid);
                skip();
        }
        assert_true(cs_source_u64(image->source, (uintptr_t)changed, &word));
        assert_false(cs_live_source_gone(image->source));
        char name[64], exe[64] = "";
        snprintf(name, sizeof(name), "/proc/%d/exe", (int)pid);
        assert_int_equal(write(go[1], &byte, 1), 1);
        for (int i = 0; i < 500 && !strstr(exe, "/sleep") && !strstr(exe, "coreutils"); i++) {
                ssize_t n = readlink(name, exe, sizeof(exe) - 1);
                exe[n > 0 ? n : 0] = '\0';
                usleep(10000);
        }
        assert_false(cs_source_u64(image->source, (uintptr_t)changed, &word));
        assert_true(cs_live_source_gone(image->source));
        assert_int_equal(cs_source_gap(image->source, (uintptr_t)changed), CS_GAP_GONE);
        cs_image_close(image);
        stop(pid);
        close(go[0]);
        close(go[1]);
}

static void make_hole(void *area)
{
        mprotect(area, CS_PAGE, PROT_NONE);
}

static void test_protected(void **state)
{
        (void)state;
        uint8_t *area = mmap(NULL, 2 * CS_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(area != MAP_FAILED);
        memset(area, 1, 2 * CS_PAGE);
        pid_t pid = spawn(make_hole, area);
        struct cs_image *image = NULL;
        if (cs_image_open_live(pid, &options, &image, NULL) != CS_OK) {
                stop(pid);
                skip();
        }
        uint64_t word;
        assert_false(cs_source_u64(image->source, (uintptr_t)area, &word));
        assert_int_equal(cs_source_gap(image->source, (uintptr_t)area), CS_GAP_PROTECTED);
        assert_true(cs_source_u64(image->source, (uintptr_t)area + CS_PAGE, &word));
        if (cs_live_source_has_pagemap(image->source)) {
                /* It is memory all the same. */
                uint8_t flags[2];
                assert_true(cs_source_held(image->source, (uintptr_t)area) == (uintptr_t)area);
                cs_source_resident(image->source, (uintptr_t)area, 2, flags);
                assert_memory_equal(flags, "\1\1", 2);
        }
        cs_image_close(image);
        stop(pid);
        munmap(area, 2 * CS_PAGE);
}

/* Memory that is only reserved and memory that is not there, each a page, and a pipe that hears when they are opened. */
static struct {
        uint8_t *reserved, *none;
        int opened[2];
} since;

static void open_since(int signal)
{
        (void)signal;
        char ok = mprotect(since.reserved, CS_PAGE, PROT_READ | PROT_WRITE) == 0 &&
                  mmap(since.none, CS_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                       -1, 0) != MAP_FAILED;
        if (ok)
                since.reserved[8] = since.none[8] = 7;
        ok = write(since.opened[1], &ok, 1) == 1;
        (void)ok;
}

static void await_signal(void *unused)
{
        (void)unused;
        signal(SIGUSR1, open_since);
        munmap(since.none, CS_PAGE);
}

/* A word can be read where a live process made memory after its mappings were listed, out of nothing or of what it had only reserved. */
static void test_since(void **state)
{
        (void)state;
        uint8_t *area = mmap(NULL, 3 * CS_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(area != MAP_FAILED);
        since.reserved = area;
        since.none = area + 2 * CS_PAGE;
        assert_int_equal(pipe(since.opened), 0);
        pid_t pid = spawn(await_signal, NULL);
        struct cs_image *image = open_paged(pid);
        uint64_t word;
        assert_false(cs_source_u64(image->source, (uintptr_t)since.reserved + 8, &word));
        assert_false(cs_source_u64(image->source, (uintptr_t)since.none + 8, &word));
        char ok = 0;
        kill(pid, SIGUSR1);
        assert_int_equal(read(since.opened[0], &ok, 1), 1);
        assert_true(ok);
        assert_true(cs_source_u64(image->source, (uintptr_t)since.reserved + 8, &word) && word == 7);
        assert_true(cs_source_u64(image->source, (uintptr_t)since.none + 8, &word) && word == 7);
        /* Nobody goes through it, for it is not listed. */
        uint8_t page[CS_PAGE];
        assert_false(cs_source_exact(image->source, (uintptr_t)since.reserved, page, sizeof(page)));
        assert_true(cs_source_next(image->source, (uintptr_t)since.reserved) >= (uintptr_t)since.none);
        cs_image_close(image);
        stop(pid);
        close(since.opened[0]);
        close(since.opened[1]);
        munmap(area, 3 * CS_PAGE);
}

static void test_zombie(void **state)
{
        (void)state;
        struct cs_image *image = NULL;
        struct cs_error err = { 0 };
        siginfo_t info;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(0);
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        assert_int_equal(cs_image_open_live(pid, &options, &image, &err), CS_ENOTSUP);
        assert_non_null(strstr(err.text, "zombie"));
        waitpid(pid, NULL, 0);
        assert_int_equal(cs_image_open_live(pid, &options, &image, &err), CS_EGONE);
        assert_non_null(strstr(err.text, "no such process"));
        assert_null(image);
}

static void test_nobody(void **state)
{
        (void)state;
        static const pid_t pids[] = { 0, -1, 0x7fffffff };
        for (size_t i = 0; i < sizeof(pids) / sizeof(pids[0]); i++) {
                struct cs_image *image = NULL;
                struct cs_error err = { 0 };
                assert_int_equal(cs_image_open_live(pids[i], &options, &image, &err), CS_EGONE);
                assert_null(image);
        }
}

static void test_kernel_thread(void **state)
{
        (void)state;
        char name[64] = "";
        FILE *f = fopen("/proc/2/comm", "re");
        if (!f || !fgets(name, sizeof(name), f) || strcmp(name, "kthreadd\n") != 0) {
                if (f)
                        fclose(f);
                skip(); /* a PID namespace has none */
        }
        fclose(f);
        struct cs_image *image = NULL;
        struct cs_error err = { 0 };
        assert_int_equal(cs_image_open_live(2, &options, &image, &err), CS_ENOTSUP);
        assert_non_null(strstr(err.text, "kernel thread"));
}

enum { NOBODY = 65534 };

static void become_undumpable(void *unused)
{
        (void)unused;
        if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0)
                _exit(1);
        prctl(PR_SET_DUMPABLE, 0);
}

/* Opens pid as another user would; what it said comes back in err. */
static void open_as_nobody(pid_t pid, struct cs_error *err)
{
        int said[2];
        assert_int_equal(pipe(said), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                struct cs_image *image;
                struct cs_error mine = { 0 };
                if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0)
                        _exit(1);
                mine.status = cs_image_open_live(pid, &options, &image, &mine);
                _exit(write(said[1], &mine, sizeof(mine)) != (ssize_t)sizeof(mine));
        }
        assert_int_equal(read(said[0], err, sizeof(*err)), sizeof(*err));
        close(said[0]);
        close(said[1]);
        waitpid(child, NULL, 0);
}

static void test_not_permitted(void **state)
{
        (void)state;
        struct cs_error err = { 0 };
        if (geteuid() != 0)
                skip(); /* only root can become somebody else */
        open_as_nobody(getpid(), &err);
        assert_int_equal(err.status, CS_EACCESS);
        assert_non_null(strstr(err.text, "belongs to uid 0 and you are uid 65534"));
        pid_t pid = spawn(become_undumpable, NULL);
        open_as_nobody(pid, &err);
        stop(pid);
        if (err.status != CS_EACCESS || !strstr(err.text, "not dumpable"))
                fail_msg("status %d: %s", (int)err.status, err.text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_present),       cmocka_unit_test(test_child),
                cmocka_unit_test(test_protected),     cmocka_unit_test(test_since),
                cmocka_unit_test(test_zombie),        cmocka_unit_test(test_nobody),
                cmocka_unit_test(test_clean_pages),   cmocka_unit_test(test_gather),
                cmocka_unit_test(test_exec),          cmocka_unit_test(test_kernel_thread),
                cmocka_unit_test(test_not_permitted),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
