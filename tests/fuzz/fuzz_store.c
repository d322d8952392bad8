/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed cores: whatever the stream says, the store ends, holds what it says it holds, and reads inside its bounds. */
#include "store.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct cs_store_options options = { .max_memory = 64 << 20 };
        static uint8_t buf[100000];
        struct cs_store *s = NULL;
        int fd = memfd_create("packed", MFD_CLOEXEC);
        if (fd < 0 || write(fd, data, size) != (ssize_t)size)
                abort();
        if (cs_store_create(fd, cs_packing_of(fd), &options, &s, NULL) == CS_OK) {
                uint64_t len = cs_store_size(s), sum = 0;
                /* Bombs are long: their first and last bytes will do. */
                for (uint64_t at = 0; at < len && at < 4 << 20; at += sizeof(buf)) {
                        size_t got = cs_store_read(s, at, buf, sizeof(buf));
                        if (got != (len - at < sizeof(buf) ? len - at : sizeof(buf)))
                                abort();
                        sum += got;
                }
                if (sum < len && cs_store_read(s, len - 1, buf, sizeof(buf)) != 1)
                        abort();
                if (cs_store_read(s, len, buf, 1) != 0)
                        abort();
        }
        cs_store_destroy(s);
        close(fd);
        return 0;
}
