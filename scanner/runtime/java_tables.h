/* SPDX-License-Identifier: Apache-2.0 */
/* What HotSpot keeps about its heap outside of it: card tables, bitmaps of marks, tables of offsets. They are data of libjvm's. */
#ifndef CS_JAVA_TABLES_H
#define CS_JAVA_TABLES_H

#include "java_fields.h"

/* Claims the card table, and the committed spaces of the virtual machine that libjvm's variables and the heap's own object lead to. */
CS_CHECK enum cs_status cs_java_tables(const struct cs_java *java, struct cs_claims *claims,
                                       struct cs_error *err);

#endif
