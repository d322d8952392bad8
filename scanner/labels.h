/* SPDX-License-Identifier: Apache-2.0 */
/* Who owns each block, and how surely: three bytes a block. */
#ifndef CS_LABELS_H
#define CS_LABELS_H

#include "image.h"

#include <stdlib.h>

enum { CS_LABEL_MODULES = UINT16_MAX }; /* modules beyond own nothing: no process has as many */

struct cs_labels {
        uint16_t *module;   /* by block: number of the module and one; 0: nobody */
        uint8_t *certainty; /* by block: of 255; 0 where there is nobody */
};

static inline int32_t cs_label_module(const struct cs_labels *labels, uint32_t block)
{
        return labels->module[block] ? (int32_t)labels->module[block] - 1 : CS_NO_MODULE;
}

static inline void cs_label_set(struct cs_labels *labels, uint32_t block, uint32_t module, uint8_t certainty)
{
        labels->module[block] = module < CS_LABEL_MODULES - 1 ? (uint16_t)(module + 1) : 0;
        labels->certainty[block] = labels->module[block] ? certainty : 0;
}

static inline void cs_labels_deinit(struct cs_labels *labels)
{
        free(labels->module);
        free(labels->certainty);
        *labels = (struct cs_labels){ 0 };
}

#endif
