/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_PAGEDIGEST_PRIVATE_H
#define CS_PAGEDIGEST_PRIVATE_H

#include "pagedigest.h"

/* In a file of its own, for the whole of xxhash.h has to be compiled for such processors; x86-64 only. */
uint64_t cs_pagedigest_by_avx2(const uint8_t *page);

#endif
