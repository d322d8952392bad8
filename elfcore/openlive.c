/* SPDX-License-Identifier: Apache-2.0 */
/* From a running process to an image, without stopping it. */
#include "auxv.h"
#include "fd.h"
#include "freeze.h"
#include "live.h"
#include "maps.h"
#include "module.h"
#include "procfile.h"
#include "tasks.h"
#include "through.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* A number of this process's or the target's status file, or -1. */
static long status_number(const cs_text_vec *status, const char *key)
{
        const char *at = status->n ? strstr(status->at, key) : NULL;
        return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

static long read_number(const char *path)
{
        cs_cleanup(cs_text_freep) cs_text_vec text = { 0 };
        return cs_procfile_read(AT_FDCWD, path, &text) == 0 && text.n ? strtol(text.at, NULL, 10) : -1;
}

/* The kernel's rule (ptrace_may_access, Documentation/admin-guide/LSM/Yama.rst) that keeps us out, with the way out. */
static enum cs_status explain_refusal(const cs_text_vec *status, int proc, struct cs_error *err)
{
        long uid = status_number(status, "\nUid:\t");
        long scope = read_number("/proc/sys/kernel/yama/ptrace_scope");
        struct stat owner;
        if (uid >= 0 && geteuid() != 0 && (uid_t)uid != geteuid())
                return cs_fail(err, CS_EACCESS,
                               "not permitted: the process belongs to uid %ld and you are uid %ld; "
                               "run as root or as that user",
                               uid, (long)geteuid());
        /* The files (but not the folder: Linux fs/proc/base.c, task_dump_owner) of a process that is not dumpable belong to
         * root, whoever runs it. */
        if (uid > 0 && geteuid() != 0 && fstatat(proc, "maps", &owner, 0) == 0 && owner.st_uid != (uid_t)uid)
                return cs_fail(err, CS_EACCESS,
                               "not permitted: the process is not dumpable (it changed its uid, is "
                               "setuid, or called prctl(PR_SET_DUMPABLE, 0)); run as root");
        if (scope == 3)
                return cs_fail(err, CS_EACCESS,
                               "not permitted: ptrace_scope is 3, which forbids reading any process "
                               "until the next boot; take a core instead");
        if (scope == 2)
                return cs_fail(err, CS_EACCESS,
                               "not permitted: ptrace_scope is 2; run as root, or: "
                               "sysctl kernel.yama.ptrace_scope=0");
        if (scope == 1 && geteuid() != 0)
                return cs_fail(err, CS_EACCESS,
                               "not permitted: ptrace_scope is 1 and the process is not a child; "
                               "run as root, or: sysctl kernel.yama.ptrace_scope=0");
        return cs_fail(err, CS_EACCESS,
                       "not permitted: CAP_SYS_PTRACE is missing, or a security module or seccomp "
                       "filter forbids it; run as root outside of the container");
}

/* Processes that cannot be looked at whatever the permissions. */
static enum cs_status check_kind(const cs_text_vec *status, int proc, struct cs_error *err)
{
        const char *state = status->n ? strstr(status->at, "\nState:\t") : NULL;
        char state_letter = state ? state[8] : '?';
        if (state_letter == 'Z' || state_letter == 'X')
                return cs_fail(err, CS_ENOTSUP,
                               "the process is a zombie: it has ended and has no memory; its parent "
                               "%ld has not waited for it",
                               status_number(status, "\nPPid:\t"));
        if (status->n && !strstr(status->at, "\nVmSize:"))
                return cs_fail(err, CS_ENOTSUP, "a kernel thread: it has no memory of its own");
        unsigned char ident[EI_NIDENT];
        cs_cleanup(cs_fd_closep) int exe = openat(proc, "exe", O_RDONLY | O_CLOEXEC);
        if (exe >= 0 && pread(exe, ident, sizeof(ident), 0) == (ssize_t)sizeof(ident) &&
            (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB))
                return cs_fail(err, CS_ENOTSUP, "a 32-bit process: only x86_64 processes are read");
        return CS_OK;
}

static enum cs_status read_maps(struct cs_image *image, int proc, const cs_text_vec *status,
                                struct cs_error *err)
{
        cs_cleanup(cs_text_freep) cs_text_vec maps = { 0 };
        size_t bad = 0;
        int number = cs_procfile_read(proc, "maps", &maps);
        if (number == EACCES || number == EPERM)
                return explain_refusal(status, proc, err);
        if (number == ESRCH || number == ENOENT || (number == 0 && maps.n == 0))
                return cs_fail(err, CS_EGONE, "the process ended while it was opened");
        if (number)
                return cs_fail_sys(err, number, "its maps cannot be read");
        enum cs_status st = cs_maps_parse(maps.at, maps.n, &image->pool, &image->mappings, &bad, err);
        if (st == CS_OK && bad)
                cs_image_warn(image, "%zu lines of the process's maps could not be read", bad);
        return st;
}

/* One byte of the first mapping with memory tells whether the kernel lets us read at all. */
static enum cs_status check_readable(const struct cs_image *image, pid_t through, int proc,
                                     const cs_text_vec *status, struct cs_error *err)
{
        for (size_t i = 0; i < image->mappings.n; i++) {
                const struct cs_mapping *m = &image->mappings.at[i];
                uint8_t byte;
                struct iovec local = { &byte, 1 }, remote = { (void *)(uintptr_t)m->range.start, 1 };
                /* Code of the executable is present: it runs. Reading it does no harm. */
                if (!(m->perms & CS_PERM_READ) || !m->file_backed)
                        continue;
                if (process_vm_readv(through, &local, 1, &remote, 1, 0) == 1)
                        return CS_OK;
                if (errno == ESRCH)
                        return cs_fail(err, CS_EGONE, "the process ended while it was opened");
                if (errno == EPERM || errno == EACCES) {
                        cs_cleanup(cs_fd_closep) int mem = openat(proc, "mem", O_RDONLY | O_CLOEXEC);
                        if (mem < 0 || pread(mem, &byte, 1, (off_t)m->range.start) != 1)
                                return explain_refusal(status, proc, err);
                }
                return CS_OK;
        }
        return CS_OK;
}

/* A sleeping thread's system call file ends in "0xSP 0xPC" (proc(5)); a running one says "running". */
static void read_stack_pointer(int proc, struct cs_thread *thread)
{
        char name[64];
        cs_cleanup(cs_text_freep) cs_text_vec text = { 0 };
        snprintf(name, sizeof(name), "task/%d/syscall", (int)thread->tid);
        if (cs_procfile_read(proc, name, &text) != 0 || !text.n)
                return;
        char *pc = strrchr(text.at, ' ');
        if (!pc)
                return;
        *pc = '\0';
        char *sp = strrchr(text.at, ' ');
        if (!sp)
                return;
        thread->sp = strtoull(sp, NULL, 16);
        thread->pc = strtoull(pc + 1, NULL, 16);
}

/* The last number of NSpid (proc(5)) is that of the process's own pid namespace. */
static void read_own_tid(int proc, struct cs_thread *thread)
{
        char name[64];
        cs_cleanup(cs_text_freep) cs_text_vec text = { 0 };
        snprintf(name, sizeof(name), "task/%d/status", (int)thread->tid);
        const char *at =
                cs_procfile_read(proc, name, &text) == 0 && text.n ? strstr(text.at, "\nNSpid:") : NULL;
        if (!at)
                return;
        at += strlen("\nNSpid:");
        for (char *end; *at && *at != '\n'; at = end) {
                long number = strtol(at, &end, 10);
                if (end == at)
                        return;
                thread->own_tid = (pid_t)number;
        }
}

static enum cs_status read_threads(struct cs_image *image, int proc, struct cs_error *err)
{
        cs_cleanup(cs_dir_closep) DIR *tasks = cs_tasks_open(proc);
        enum cs_status st = CS_OK;
        for (pid_t tid; tasks && st == CS_OK && (tid = cs_tasks_next(tasks));) {
                struct cs_thread thread = { .tid = tid };
                read_stack_pointer(proc, &thread);
                read_own_tid(proc, &thread);
                st = cs_vec_push(&image->threads, thread, err);
        }
        return st;
}

static void read_names(struct cs_image *image, int proc)
{
        cs_cleanup(cs_text_freep) cs_text_vec text = { 0 };
        char exe[PATH_MAX];
        ssize_t len = readlinkat(proc, "exe", exe, sizeof(exe));
        if (len > 0)
                image->exe = cs_pool_copy(&image->pool, exe, (size_t)len);
        if (cs_procfile_read(proc, "cmdline", &text) != 0)
                return;
        while (text.n && text.at[text.n - 1] == '\0')
                text.n--;
        for (size_t i = 0; i < text.n; i++)
                if (text.at[i] == '\0')
                        text.at[i] = ' ';
        if (text.n)
                image->command = cs_pool_copy(&image->pool, text.at, text.n);
}

static void read_auxv(struct cs_image *image, int proc)
{
        cs_cleanup(cs_text_freep) cs_text_vec auxv = { 0 };
        struct cs_auxv values = { 0 };
        if (cs_procfile_read(proc, "auxv", &auxv) == 0)
                cs_auxv_parse((const uint8_t *)auxv.at, auxv.n, &values);
        image->at_random = values.random;
        image->at_entry = values.entry;
        image->at_vdso = values.vdso;
}

struct live_files {
        const struct cs_image *image;
        const struct cs_image_options *options;
        int proc;
};

/* A regular file, or -1. *same: it is the inode that is mapped. */
static int open_regular(int dir, const char *prefix, const char *path, const struct cs_mapping *m, bool *same)
{
        char name[PATH_MAX];
        struct stat status;
        *same = false;
        if (snprintf(name, sizeof(name), "%s%s", prefix, path) >= (int)sizeof(name))
                return -1;
        int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
                close(fd);
                return -1;
        }
        *same = fd >= 0 && m->inode && status.st_ino == m->inode;
        return fd;
}

/* The file as the target sees it: under the sysroot, else through the mapping itself (which also finds deleted ones), else
 * in the target's own mount namespace; and where it changed its root in ours, its maps give names as we see them. */
static int open_in_target(void *context, const struct cs_mapping *m, bool *same)
{
        const struct live_files *files = context;
        char range[64];
        if (files->options->sysroot)
                return open_regular(AT_FDCWD, files->options->sysroot, m->path, m, same);
        (void)snprintf(range, sizeof(range), "%lx-%lx", (unsigned long)m->range.start,
                       (unsigned long)m->range.end);
        int fd = open_regular(files->proc, "map_files/", range, m, same);
        if (fd < 0 && !m->deleted)
                fd = open_regular(files->proc, "root", m->path, m, same);
        if (fd < 0 && !m->deleted) {
                fd = open_regular(AT_FDCWD, "", m->path, m, same);
                if (fd >= 0 && !*same) {
                        close(fd);
                        fd = -1;
                }
        }
        return fd;
}

static enum cs_status open_live(struct cs_image *image, pid_t through, int proc,
                                const struct cs_image_options *options, struct cs_error *err)
{
        cs_cleanup(cs_text_freep) cs_text_vec process = { 0 };
        enum cs_status st;
        if (cs_procfile_read(proc, "status", &process) != 0)
                return cs_fail(err, CS_EGONE, "the process ended while it was opened");
        /* The source before the maps: its files stay with the address space that they were opened for. Should the process execute
         * another program meanwhile, they tell that it is gone, where the other way round its maps would be taken for the new one's. */
        if ((st = check_kind(&process, proc, err)) != CS_OK ||
            (options->freeze && (st = cs_freeze_create(image->pid, proc, &image->freeze, err)) != CS_OK) ||
            (st = cs_live_source_create(image, through, proc, &image->source, err)) != CS_OK ||
            (st = read_maps(image, proc, &process, err)) != CS_OK ||
            (st = check_readable(image, through, proc, &process, err)) != CS_OK ||
            (st = read_threads(image, proc, err)) != CS_OK)
                return st;
        if (image->freeze) {
                cs_freeze_registers(image->freeze, image->threads.at, image->threads.n);
                if (cs_freeze_left(image->freeze))
                        cs_image_warn(
                                image,
                                "at least %zu threads could not be stopped: memory may move while it is read",
                                cs_freeze_left(image->freeze));
        }
        long swapped = status_number(&process, "\nVmSwap:\t"); /* kB */
        if (swapped > 0) {
                image->complete = false;
                cs_image_warn(
                        image,
                        "%.1f MiB are swapped out and are not read, which would bring them in: what they hold is not in "
                        "this answer",
                        (double)swapped / 1024);
        }
        read_names(image, proc);
        read_auxv(image, proc);
        if (!cs_live_source_has_pagemap(image->source))
                cs_image_warn(
                        image,
                        "the process's pagemap cannot be read: resident sizes are those of mappings, and "
                        "reading may touch pages that the process never used");
        struct live_files files = { image, options, proc };
        if ((st = cs_modules_find(image, open_in_target, &files, err)) != CS_OK)
                return st;
        return cs_live_source_gone(image->source)
                       ? cs_fail(err, CS_EGONE,
                                 "the process ended, or executed another program, while it was opened")
                       : CS_OK;
}

static enum cs_status open_through(pid_t pid, pid_t through, int proc, const struct cs_image_options *options,
                                   struct cs_image **out, struct cs_error *err)
{
        cs_cleanup(cs_image_closep) struct cs_image *image = calloc(1, sizeof(*image));
        if (!image)
                return cs_fail(err, CS_ENOMEM, "image");
        image->kind = CS_IMAGE_LIVE;
        image->pid = pid;
        image->complete = true;
        enum cs_status st = open_live(image, through, proc, options, err);
        if (st == CS_OK)
                *out = cs_take(image);
        return st;
}

enum cs_status cs_image_open_live(pid_t pid, const struct cs_image_options *options, struct cs_image **out,
                                  struct cs_error *err)
{
        pid_t through = cs_through(pid);
        unsigned tries = 0;
        enum cs_status st;
        do {
                char name[64];
                snprintf(name, sizeof(name), "/proc/%d", (int)through);
                cs_cleanup(cs_fd_closep) int proc = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (proc >= 0)
                        st = open_through(pid, through, proc, options, out, err);
                else
                        st = errno == ENOENT ? cs_fail(err, CS_EGONE, "no such process")
                                             : cs_fail_sys(err, errno, "%s cannot be opened", name);
        } while (st != CS_OK && cs_through_another(pid, &through, &tries));
        return st;
}
