/* Text runs and blocks on any bytes. A run must be the same when its buffer ends with it, and at any
 * alignment. */
#include "text.h"
#include "word.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        size_t run = cs_text_run(data, size), block;
        if (run > size || cs_text_run(data, run) != run)
                abort();
        if (size && run) {
                /* A text that begins one byte later ends in the same place, if that byte is a character. */
                size_t first = data[0] < 0x80 ? 1 : 0;
                if (first && cs_text_run(data + first, size - first) != run - first)
                        abort();
        }
        if (cs_text_block(data, size, &block) && block < 4)
                abort();
        if (block != run)
                abort();
        size_t words = size / 8;
        uint64_t *values = malloc(words * 8 + 8);
        if (values && words) {
                memcpy(values, data, words * 8);
                struct cs_column_facts f = cs_column_judge(values, words);
                if (!(f.share >= 0 && f.share <= 1))
                        abort();
        }
        free(values);
        return 0;
}
