/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an epoll descriptor's file in /proc/PID/fdinfo. */
#include "epolled.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        cs_epolled_vec found = { 0 };
        size_t lines = 0;
        /* On the heap, as long as it is, for reading beyond its end to be seen. */
        char *text = malloc(size + !size);
        if (!text)
                return 0;
        if (size)
                memcpy(text, data, size);
        for (size_t i = 0; i < size; i++)
                lines += i == 0 || text[i - 1] == '\n';
        if (cs_epolled_parse(text, size, 3, &found, NULL) == CS_OK) {
                if (found.n > lines)
                        abort();
                for (size_t i = 0; i < found.n; i++)
                        if (found.at[i].epoll != 3 || found.at[i].fd < 0)
                                abort();
        }
        cs_vec_deinit(&found);
        free(text);
        return 0;
}
