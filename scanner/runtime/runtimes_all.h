/* SPDX-License-Identifier: Apache-2.0 */
/* The recognisers, for their table. */
#ifndef CS_RUNTIMES_ALL_H
#define CS_RUNTIMES_ALL_H

#include "runtime.h"

CS_CHECK enum cs_status cs_java_find(const struct cs_runtime_input *in, struct cs_claims *claims,
                                     struct cs_error *err);
CS_CHECK enum cs_status cs_ruby_find(const struct cs_runtime_input *in, struct cs_claims *claims,
                                     struct cs_error *err);
CS_CHECK enum cs_status cs_python_find(const struct cs_runtime_input *in, struct cs_claims *claims,
                                       struct cs_error *err);
CS_CHECK enum cs_status cs_v8_find(const struct cs_runtime_input *in, struct cs_claims *claims,
                                   struct cs_error *err);
CS_CHECK enum cs_status cs_beam_find(const struct cs_runtime_input *in, struct cs_claims *claims,
                                     struct cs_error *err);
CS_CHECK enum cs_status cs_go_find(const struct cs_runtime_input *in, struct cs_claims *claims,
                                   struct cs_error *err);

#endif
