/* SPDX-License-Identifier: Apache-2.0 */
/* What a process gave the kernel to keep: the data that epoll_ctl(2) was called with for each descriptor, which epoll_wait(2) hands back. Mostly it is
 * the address of what belongs to that descriptor, and often nobody else has it. /proc/PID/fdinfo tells it (proc(5)); a core does not. */
#ifndef CS_EPOLLED_H
#define CS_EPOLLED_H

#include "image.h"

struct cs_epolled {
        int epoll; /* the epoll descriptor, */
        int fd;    /* the one that it watches, */
        uint64_t data;
};

typedef CS_VEC(struct cs_epolled) cs_epolled_vec;

/* Adds what the text of an epoll descriptor's file in fdinfo says (Linux, fs/eventpoll.c, ep_show_fdinfo()); lines that say something else are passed
 * over. Pure; thread-safe. */
CS_CHECK enum cs_status cs_epolled_parse(const char *text, size_t len, int epoll, cs_epolled_vec *out,
                                         struct cs_error *err);

/* All of a living process; nothing of a core. While the kernel writes such a file it lets nobody wait for that descriptor: 2 ms for 4,000 watched ones. So of
 * a process that runs with more than CS_LIMIT_EPOLLED_FDS descriptors none is asked for, nor where the kernel refuses: *unasked. */
CS_CHECK enum cs_status cs_epolled_list(const struct cs_image *image, cs_epolled_vec *out, bool *unasked,
                                        struct cs_error *err);

#endif
