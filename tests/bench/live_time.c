/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a live process is read, next to a plain loop over process_vm_readv(2), which knows nothing of pages that are not there.
 * usage: live_time [MIB [ROUNDS]]. The process is a child of ours, all of whose memory is present; a second one has every other page. */
#include "image.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MIB_USUAL = 1024, ROUNDS_USUAL = 5, ROUNDS_MAX = 100, BUFFER = 256 << 10 };

static double now(void)
{
        struct timespec t;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* others on the machine do not count */
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void die(const char *what)
{
        (void)fprintf(stderr, "live_time: %s\n", what);
        exit(2);
}

/* A child that has every step-th page of the area, and stays until it is killed. */
static pid_t spawn(char *area, size_t size, size_t step)
{
        int ready[2];
        char byte = 1;
        if (pipe(ready) != 0)
                die("no pipe");
        pid_t pid = fork();
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (size_t i = 0; i < size; i += step * CS_PAGE)
                        memset(area + i, (int)(i >> 12 | 1), CS_PAGE);
                if (write(ready[1], &byte, 1) != 1)
                        _exit(1);
                for (;;)
                        pause();
        }
        if (pid < 0 || read(ready[0], &byte, 1) != 1)
                die("no child");
        close(ready[0]);
        close(ready[1]);
        return pid;
}

static size_t read_plainly(pid_t pid, const char *area, size_t size, char *buffer)
{
        size_t sum = 0;
        for (size_t at = 0; at < size; at += BUFFER) {
                struct iovec local = { buffer, BUFFER }, remote = { (void *)(uintptr_t)(area + at), BUFFER };
                ssize_t n = process_vm_readv(pid, &local, 1, &remote, 1, 0);
                sum += n > 0 ? (size_t)n : 0;
        }
        return sum;
}

/* As the scanner does: what can be read, and on behind each gap. */
static size_t read_by_view(struct cs_source *source, uint64_t start, uint64_t end)
{
        struct cs_view view;
        size_t sum = 0, got = 0;
        cs_view_init(&view, source);
        for (uint64_t at = start; at < end;) {
                if (cs_view_at(&view, at, (size_t)(end - at), &got)) {
                        sum += got;
                        at += got;
                } else {
                        at = cs_view_past_gap(&view, at, end);
                }
        }
        cs_view_deinit(&view);
        return sum;
}

static int by_value(const void *a, const void *b)
{
        return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

static double median(double *values, int n)
{
        qsort(values, (size_t)n, sizeof(*values), by_value);
        return values[n / 2];
}

static void measure(const char *what, char *area, size_t size, size_t step, int rounds)
{
        static char buffer[BUFFER];
        const struct cs_image_options options = { 0 };
        double plain[ROUNDS_MAX], ours[ROUNDS_MAX],
                ratios[ROUNDS_MAX]; /* each round beside its own plain loop */
        size_t bytes = 0;
        pid_t pid = spawn(area, size, step);
        struct cs_image *image = NULL;
        struct cs_error err = { 0 };
        if (cs_image_open_live(pid, &options, &image, &err) != CS_OK)
                die(err.text);
        for (int i = 0; i < rounds; i++) {
                double start = now();
                /* The plain loop would fill the gaps with zeros, and make the child's page tables grow: only where there are none. */
                if (step == 1 && read_plainly(pid, area, size, buffer) != size)
                        die("the plain loop came to an end");
                plain[i] = now() - start;
                start = now();
                bytes = read_by_view(image->source, (uintptr_t)area, (uintptr_t)area + size);
                ours[i] = now() - start;
                ratios[i] = plain[i] / ours[i];
        }
        if (bytes != size / step)
                die("not all was read");
        double own = median(ours, rounds), other = median(plain, rounds);
        printf("%s: %zu MiB in %.3f s of CPU: %.2f GB/s", what, bytes >> 20, own, (double)bytes / own * 1e-9);
        if (step == 1)
                printf("; plain process_vm_readv of 256 KiB: %.3f s, %.2f GB/s (ratio %.2f)", other,
                       (double)bytes / other * 1e-9, median(ratios, rounds));
        printf("\n");
        cs_image_close(image);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
        size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : MIB_USUAL;
        int rounds = argc > 2 ? atoi(argv[2]) : ROUNDS_USUAL;
        if (!mib || rounds < 1 || rounds > ROUNDS_MAX)
                die("usage: live_time [MIB [ROUNDS]]");
        char *area = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (area == MAP_FAILED)
                die("no memory");
        (void)madvise(area, mib << 20, MADV_NOHUGEPAGE);
        measure("all pages present", area, mib << 20, 1, rounds);
        measure("every other page present", area, mib << 20, 2, rounds);
        return 0;
}
