/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_HELP_H
#define CS_HELP_H

#include <stdio.h>

void cs_help_print(FILE *to);
void cs_help_print_version(FILE *to);

#endif
