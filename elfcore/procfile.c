/* SPDX-License-Identifier: Apache-2.0 */
#include "procfile.h"

#include "fd.h"

#include <errno.h>
#include <fcntl.h>

enum { PIECE = 64 << 10 };

int cs_procfile_read(int dir, const char *name, cs_text_vec *out)
{
        cs_cleanup(cs_fd_closep) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return errno;
        for (;;) {
                if (cs_vec_reserve(out, PIECE, NULL) != CS_OK)
                        return ENOMEM;
                ssize_t n = read(fd, out->at + out->n, out->cap - out->n - 1);
                if (n < 0)
                        return errno;
                out->n += (size_t)n;
                out->at[out->n] = '\0';
                if (n == 0)
                        return 0;
        }
}
