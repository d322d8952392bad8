/* SPDX-License-Identifier: Apache-2.0 */
/* The engines of finder.c. Each returns what the functions of finder.h do. */
#ifndef CS_FINDER_PRIVATE_H
#define CS_FINDER_PRIVATE_H

#include "finder.h"

struct cs_finder_engine {
        enum cs_status (*create)(const struct cs_needle *const *needles, size_t n, void **tables,
                                 struct cs_error *err);
        void (*destroy)(void *tables);
        /* NULL, both: a scan needs nothing of its own. */
        enum cs_status (*scan_create)(const void *tables, void **scan, struct cs_error *err);
        void (*scan_destroy)(void *scan);
        bool (*run)(const void *tables, void *scan, const uint8_t *bytes, size_t len, cs_finder_fn fn,
                    void *context);
};

extern const struct cs_finder_engine cs_finder_plain;
extern const struct cs_finder_engine *const cs_finder_vectorscan; /* or NULL */
extern const struct cs_finder_engine *const cs_finder_pairs;      /* or NULL */
extern const struct cs_finder_engine cs_finder_sets;

#endif
