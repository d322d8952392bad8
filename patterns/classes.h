/* SPDX-License-Identifier: Apache-2.0 */
/* What masking takes bytes for (mask.h: cs_class), of sixty-four at once, as sets of bits. Pure; thread-safe. */
#ifndef CS_CLASSES_H
#define CS_CLASSES_H

#include <stddef.h>
#include <stdint.h>

enum cs_class_set {
        CS_SET_RUN,  /* CS_CLASS_RUN */
        CS_SET_WORD, /* CS_CLASS_WORD */
        CS_SET_DIGIT,
        CS_SET_UPPER,
        CS_SET_LOWER,
        CS_SET_HIGH,
        CS_SET_HEX,
        CS_SET_SIGN, /* '@' */
        CS_CLASS_SETS
};

enum { CS_CLASSES_BYTES = 64 };

/* Bit i of a set says something of byte i. */
struct cs_classes {
        uint64_t set[CS_CLASS_SETS];
};

/* Of n bytes: writes n / 64 + 1 of them, and what is behind the bytes is in no set. */
typedef void (*cs_classes_fn)(const uint8_t *at, size_t n, struct cs_classes *out);

void cs_classes_scalar(const uint8_t *at, size_t n, struct cs_classes *out);

/* NULL where the processor has no AVX2, or no AVX-512 for bytes. */
cs_classes_fn cs_classes_avx2(void);
cs_classes_fn cs_classes_avx512(void);

/* The fastest that the processor can do. */
cs_classes_fn cs_classes_best(void);

#endif
