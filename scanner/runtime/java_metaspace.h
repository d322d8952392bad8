/* SPDX-License-Identifier: Apache-2.0 */
/* HotSpot's metaspace: what it knows of classes, outside of the Java heap. */
#ifndef CS_JAVA_METASPACE_H
#define CS_JAVA_METASPACE_H

#include "java_fields.h"

/* Claims the parts of memory that classes and their constants prove to be metaspace. A class counts where it names the loader whose
 * list it is on, constants where they name the class that names them. */
CS_CHECK enum cs_status cs_java_metaspace(const struct cs_java *java, struct cs_claims *claims,
                                          struct cs_error *err);

#endif
