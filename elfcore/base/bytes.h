/* SPDX-License-Identifier: Apache-2.0 */
/* Small helpers on raw bytes. */
#ifndef CS_BYTES_H
#define CS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t cs_word(const uint8_t *at)
{
        uint64_t value;
        memcpy(&value, at, sizeof(value));
        return value;
}

static inline uint32_t cs_half(const uint8_t *at)
{
        uint32_t value;
        memcpy(&value, at, sizeof(value));
        return value;
}

/* How many bits are set. The processors that we are compiled for need not have an instruction for it, and then the compiler
 * calls a function. */
static inline uint32_t cs_popcount(uint64_t x)
{
        x -= x >> 1 & UINT64_C(0x5555555555555555);
        x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
        x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
        return (uint32_t)(x * UINT64_C(0x0101010101010101) >> 56);
}

/* A good 64-bit mix for numbers that are not chosen against us (splitmix64's finaliser). */
static inline uint64_t cs_mix(uint64_t x)
{
        x ^= x >> 30;
        x *= 0xbf58476d1ce4e5b9u;
        x ^= x >> 27;
        x *= 0x94d049bb133111ebu;
        return x ^ (x >> 31);
}

static inline bool cs_all_zero(const uint8_t *at, size_t len)
{
        return len == 0 || (at[0] == 0 && memcmp(at, at + 1, len - 1) == 0);
}

#endif
