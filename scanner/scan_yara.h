/* SPDX-License-Identifier: Apache-2.0 */
/* YARA's rules in the same memory as scan.h. On the calling thread. */
#ifndef CS_SCAN_YARA_H
#define CS_SCAN_YARA_H

#include "scan.h"

typedef CS_VEC(struct cs_scan_hit) cs_scan_hit_vec;

struct cs_scan_yara {
        cs_scan_hit_vec hits; /* by address and rule */
        struct cs_pool texts;
        uint64_t bytes;    /* that were looked at */
        uint64_t left_out; /* hits beyond CS_LIMIT_HITS_WAITING */
        bool limited;      /* a string had too many matches for libyara, or libyara gave up */
};

void cs_scan_yara_deinit(struct cs_scan_yara *out);

/* Adds the hits of all YARA files among the rules. */
CS_CHECK enum cs_status cs_scan_yara(const struct cs_scan_input *input, const struct cs_rules *rules,
                                     struct cs_scan_yara *out, struct cs_error *err);

#endif
