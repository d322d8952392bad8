/* SPDX-License-Identifier: Apache-2.0 */
#include "freeze.h"

#include "clock.h"
#include "fd.h"
#include "tasks.h"
#include "through.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

enum {
        PASSES = 100,    /* over the threads: those that run may start others until they are stopped */
        PATIENCE = 2000, /* milliseconds for all threads to stop */
        NAP = 200000,    /* nanoseconds between two looks */
        TRIES = 3, /* of a thread that is not permitted: it was one that ended, and its number another's since */
};

struct traced {
        pid_t tid;
        bool stopped;
        int signal; /* that was on its way when it stopped, and must not get lost */
};

struct cs_freeze {
        CS_VEC(struct traced) threads;
        bool more;            /* new ones came until we gave up */
        pthread_mutex_t lock; /* of the threads */
        pthread_t looking;    /* after them, while others are seized */
        bool looked_after;
        atomic_bool all_seized;
};

static struct traced *find(const struct cs_freeze *f, pid_t tid)
{
        for (size_t i = 0; i < f->threads.n; i++)
                if (f->threads.at[i].tid == tid)
                        return &f->threads.at[i];
        return NULL;
}

static enum cs_status explain(pid_t tid, int number, struct cs_error *err)
{
        if (number == ESRCH)
                return cs_fail(err, CS_EGONE, "the process ended while it was stopped");
        if (number == EPERM)
                return cs_fail(
                        err, CS_EACCESS,
                        "--freeze: not permitted: thread %d cannot be traced; a debugger may be attached to it already, "
                        "else it takes the right to ptrace: run as root, or leave --freeze out",
                        (int)tid);
        return cs_fail_sys(err, number, "--freeze: thread %d cannot be stopped", (int)tid);
}

/* Has it stopped by now, or ended? Whatever it stopped for: a signal that is about to be delivered is kept for later. One that
 * stopped may end all the same, or be another one: a thread that executes a program ends all others and takes the first one's
 * number, and stops once more. */
static void look(struct traced *t)
{
        int status;
        pid_t got = waitpid(t->tid, &status, __WALL | WNOHANG);
        if (got < 0 || (got == t->tid && !WIFSTOPPED(status))) {
                t->tid = 0; /* it ended */
                return;
        }
        if (got != t->tid)
                return;
        t->stopped = true;
        if (status >> 16 == 0) /* no PTRACE_EVENT_STOP: a signal's delivery */
                t->signal = WSTOPSIG(status);
}

size_t cs_freeze_left(const struct cs_freeze *f)
{
        size_t left = f->more;
        for (size_t i = 0; i < f->threads.n; i++)
                left += f->threads.at[i].tid && !f->threads.at[i].stopped;
        return left;
}

/* How many of them have not stopped yet. */
static size_t look_at_all(struct cs_freeze *f)
{
        pthread_mutex_lock(&f->lock);
        for (size_t i = 0; i < f->threads.n; i++)
                if (f->threads.at[i].tid)
                        look(&f->threads.at[i]);
        size_t left = cs_freeze_left(f);
        pthread_mutex_unlock(&f->lock);
        return left;
}

/* Seizes one thread that is not seized yet. One that ended meanwhile is no error. */
static enum cs_status seize(struct cs_freeze *f, int proc, pid_t tid, struct cs_error *err)
{
        pthread_mutex_lock(&f->lock);
        bool known = find(f, tid) != NULL;
        enum cs_status st = cs_vec_reserve(&f->threads, 1, err);
        pthread_mutex_unlock(&f->lock);
        if (st != CS_OK || known)
                return st;
        for (int tries = TRIES; ptrace(PTRACE_SEIZE, tid, NULL, (void *)PTRACE_O_TRACEEXEC) != 0; tries--) {
                int number = errno;
                /* The kernel refuses to trace one at its end as if it were not permitted (Linux kernel/ptrace.c, ptrace_attach:
                 * exit_state). */
                if (number == ESRCH || (number == EPERM && cs_thread_has_ended(proc, tid)))
                        return CS_OK;
                if (number != EPERM || tries == 1)
                        return explain(tid, number, err);
        }
        pthread_mutex_lock(&f->lock);
        f->threads.at[f->threads.n++] = (struct traced){ .tid = tid };
        pthread_mutex_unlock(&f->lock);
        (void)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
        return CS_OK;
}

/* Seizes the threads that were not there before. */
static enum cs_status seize_new(struct cs_freeze *f, int proc, bool *any, struct cs_error *err)
{
        cs_cleanup(cs_dir_closep) DIR *tasks = cs_tasks_open(proc);
        enum cs_status st = CS_OK;
        *any = false;
        if (!tasks)
                return explain(0, ESRCH, err);
        for (pid_t tid; st == CS_OK && (tid = cs_tasks_next(tasks));) {
                size_t before = f->threads.n;
                st = seize(f, proc, tid, err);
                *any |= f->threads.n > before;
        }
        return st;
}

static void wait_all(struct cs_freeze *f, double until)
{
        while (look_at_all(f) && cs_seconds_now() <= until)
                (void)nanosleep(&(struct timespec){ 0, NAP }, NULL);
}

/* While one of the target's threads executes a program, it waits for those that it ended, of which the traced ones end only when
 * their tracer was told; and PTRACE_SEIZE waits for it (Linux fs/exec.c, de_thread; kernel/ptrace.c, ptrace_attach; both hold
 * cred_guard_mutex). So the thread that seizes cannot be the one that is told. */
static void *look_after(void *context)
{
        struct cs_freeze *f = context;
        while (!atomic_load(&f->all_seized)) {
                (void)look_at_all(f);
                (void)nanosleep(&(struct timespec){ 0, NAP }, NULL);
        }
        return NULL;
}

/* Where no thread can be made, nobody looks: the target is stopped all the same, unless it executes a program just then. */
static void begin_looking(struct cs_freeze *f)
{
        sigset_t all, before;
        sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        f->looked_after = pthread_create(&f->looking, NULL, look_after, f) == 0;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void end_looking(struct cs_freeze *f)
{
        atomic_store(&f->all_seized, true);
        if (f->looked_after)
                pthread_join(f->looking, NULL);
}

enum cs_status cs_freeze_create(pid_t pid, int proc_fd, struct cs_freeze **out, struct cs_error *err)
{
        struct cs_freeze *f = calloc(1, sizeof(*f));
        if (!f)
                return cs_fail(err, CS_ENOMEM, "freeze");
        double until = cs_seconds_now() + PATIENCE / 1e3;
        enum cs_status st = CS_OK;
        bool any = true;
        f->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
        begin_looking(f);
        for (int pass = 0; st == CS_OK && any && pass < PASSES; pass++) {
                st = seize_new(f, proc_fd, &any, err);
                if (st == CS_OK)
                        wait_all(f, until);
        }
        end_looking(f);
        f->more = any;
        if (st == CS_OK && !f->threads.n)
                st = cs_fail(err, CS_EGONE, "process %d ended while it was stopped", (int)pid);
        if (st != CS_OK) {
                cs_freeze_thaw(f);
                return st;
        }
        *out = f;
        return CS_OK;
}

void cs_freeze_registers(const struct cs_freeze *f, struct cs_thread *threads, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                const struct traced *t = find(f, threads[i].tid);
                struct user_regs_struct r;
                if (!t || !t->stopped || ptrace(PTRACE_GETREGS, t->tid, NULL, &r) != 0)
                        continue;
                threads[i].sp = r.rsp;
                threads[i].pc = r.rip;
                threads[i].fs_base = r.fs_base;
                threads[i].has_registers = true;
                const uint64_t all[] = { r.r15, r.r14, r.r13, r.r12, r.rbp, r.rbx, r.r11, r.r10,
                                         r.r9,  r.r8,  r.rax, r.rcx, r.rdx, r.rsi, r.rdi };
                memcpy(threads[i].gpr, all, sizeof(all));
        }
}

void cs_freeze_thaw(struct cs_freeze *f)
{
        if (!f)
                return;
        /* One that has not stopped yet cannot be detached: it is waited for once more, and else left to the kernel, which lets
         * it go when we end. */
        wait_all(f, 0);
        for (size_t i = 0; i < f->threads.n; i++)
                if (f->threads.at[i].tid && f->threads.at[i].stopped)
                        (void)ptrace(PTRACE_DETACH, f->threads.at[i].tid, NULL,
                                     (void *)(uintptr_t)f->threads.at[i].signal);
        cs_vec_deinit(&f->threads);
        free(f);
}
