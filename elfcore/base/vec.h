/* SPDX-License-Identifier: Apache-2.0 */
/* Growable arrays: `CS_VEC(struct thing) things = { 0 };`. The memory is the vector's; pointers into it die with the
 * next push. Not thread-safe. */
#ifndef CS_VEC_H
#define CS_VEC_H

#include "status.h"

#include <stdlib.h>

#define CS_VEC(type)        \
        struct {            \
                type *at;   \
                size_t n;   \
                size_t cap; \
        }

/* Makes room for `more` elements of `size` bytes behind the n that are there. CS_ENOMEM leaves the array as it was. */
CS_CHECK enum cs_status cs_vec_reserve_bytes(void **at, size_t *cap, size_t n, size_t more, size_t size,
                                             struct cs_error *err);

#define cs_vec_reserve(vec, more, err) \
        cs_vec_reserve_bytes((void **)&(vec)->at, &(vec)->cap, (vec)->n, (more), sizeof(*(vec)->at), (err))

/* Appends one element (a statement expression: yields the status). */
#define cs_vec_push(vec, item, err)                                                                        \
        ({                                                                                                 \
                enum cs_status cs_push_ = (vec)->n < (vec)->cap ? CS_OK : cs_vec_reserve((vec), 1, (err)); \
                if (cs_push_ == CS_OK)                                                                     \
                        (vec)->at[(vec)->n++] = (item);                                                    \
                cs_push_;                                                                                  \
        })

/* Appends all elements of another vector of the same type (likewise). */
#define cs_vec_append(vec, from, err)                                                     \
        ({                                                                                \
                enum cs_status cs_append_ = cs_vec_reserve((vec), (from)->n, (err));      \
                for (size_t cs_i_ = 0; cs_append_ == CS_OK && cs_i_ < (from)->n; cs_i_++) \
                        (vec)->at[(vec)->n++] = (from)->at[cs_i_];                        \
                cs_append_;                                                               \
        })

#define cs_vec_deinit(vec)                 \
        do {                               \
                free((vec)->at);           \
                (vec)->at = NULL;          \
                (vec)->n = (vec)->cap = 0; \
        } while (0)

#endif
