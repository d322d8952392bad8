/* SPDX-License-Identifier: Apache-2.0 */
/* Up to sixty-four words at once: which of them are addresses in one of two ranges. Most words of most memory are none, and to see
 * that of each by itself takes longer than to read it. The one place of that search that depends on the processor. Pure;
 * thread-safe. */
#ifndef CS_WORDS_H
#define CS_WORDS_H

#include "range.h"

#include <stddef.h>

enum { CS_WORDS = 64, CS_WORD_RANGES = 2 };

struct cs_words_filter;

/* Bit i says that the i-th of n words (n <= CS_WORDS), of which the first is at `at`, whether aligned or not, is in a range. */
typedef uint64_t (*cs_words_fn)(const struct cs_words_filter *filter, const uint8_t *at, size_t n);

/* Bits of a word that are not in `mask` count as zero. A range whose size is 0 has nothing; all zero bytes, with a way to look,
 * is a filter that lets nothing through. */
struct cs_words_filter {
        uint64_t mask;
        uint64_t first[CS_WORD_RANGES];
        uint64_t size[CS_WORD_RANGES];
        cs_words_fn look;
};

uint64_t cs_words_scalar(const struct cs_words_filter *filter, const uint8_t *at, size_t n);

/* NULL where the processor has no AVX2. */
cs_words_fn cs_words_avx2(void);

/* A filter that lets nothing through as yet, and looks as fast as this processor can. */
struct cs_words_filter cs_words_filter_make(void);

/* Addresses below and from here on are kept apart, in two ranges of whoever does not know better: programs and the heap behind them
 * lie below, libraries, mappings and stacks above (x86-64: arch/x86/include/asm/elf.h, ELF_ET_DYN_BASE; mmap_base()). */
#define CS_WORDS_HIGH (UINT64_C(3) << 45)

/* Makes the range of the lower or upper half so large that it has this one, as far as it lies there, too. */
void cs_words_filter_add(struct cs_words_filter *filter, struct cs_range range);

static inline uint64_t cs_words_within(const struct cs_words_filter *filter, const uint8_t *at, size_t n)
{
        return filter->look(filter, at, n);
}

#endif
