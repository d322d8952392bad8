/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of reading the command line. Only for options*.c. */
#ifndef CS_OPTIONS_PRIVATE_H
#define CS_OPTIONS_PRIVATE_H

#include "options.h"

/* What is left when all options are taken: what to look at; and whether the options fit it and each other. */
CS_CHECK enum cs_status cs_options_take_operands(int n, char **operands, struct cs_options *o,
                                                 struct cs_error *err);

#endif
