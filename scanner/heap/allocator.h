/* SPDX-License-Identifier: Apache-2.0 */
/* Allocators that are measured: their own records say which memory is theirs and how much of it is in use, but their blocks are
 * not told one by one. One file per allocator behind this interface. */
#ifndef CS_ALLOCATOR_H
#define CS_ALLOCATOR_H

#include "heaps.h"

struct cs_allocator_input {
        const struct cs_image *image;
        struct cs_symbols *symbols;
        size_t module; /* that holds the allocator, or is asked whether it does; (size_t)CS_NO_MODULE: not known */
};

/* Adds what the allocator's records prove to the claims, and the sums to heap->measured. Where the records are not recognised
 * nothing is added. Where no module was told, heap->module becomes the one that holds the allocator, if that can be seen. Main thread. Every byte of the records may lie. */
typedef enum cs_status (*cs_allocator_fn)(const struct cs_allocator_input *in, struct cs_claims *claims,
                                          struct cs_heap *heap, struct cs_error *err);

/* Is the address one of private memory without a file, that the target can write? */
bool cs_allocator_plain(const struct cs_image *image, uint64_t addr);

/* Goes through the words that are not 0 of what the module can write, by address. */
struct cs_module_words {
        const struct cs_allocator_input *in;
        struct cs_view view;
        size_t mapping; /* index: the one at hand */
        uint64_t at;    /* the next word */
};
void cs_module_words_init(struct cs_module_words *words, const struct cs_allocator_input *in);
void cs_module_words_deinit(struct cs_module_words *words);
bool cs_module_words_next(struct cs_module_words *words, uint64_t *addr, uint64_t *word);

/* The first module whose data holds an address in that range, or CS_NO_MODULE. */
int32_t cs_allocator_holder(const struct cs_allocator_input *in, struct cs_range range);

/* Equal pieces of memory side by side, and which of them are free. */
struct cs_slots {
        struct cs_range range; /* all that belongs to them */
        uint64_t first;        /* where the first one begins, in range */
        uint64_t size;         /* of each; not 0 */
        uint64_t n;            /* so many fit into range */
        const uint64_t *freed; /* a bit for each, from the lowest of the first word on */
};

/* Claims range: runs of free slots of at least a page are free memory, shorter ones lie between what is used. The names are
 * static text. Claims of neighbours that are alike become one. */
CS_CHECK enum cs_status cs_allocator_claim_slots(struct cs_claims *claims, const struct cs_slots *slots,
                                                 int32_t module, const char *used, const char *freed,
                                                 struct cs_error *err);

/* Follows a list through free slots, of which each begins with the address of the next: marks them, a bit for each, and adds their
 * number to *count. False where the list leads elsewhere, or to a slot that is marked already. slots->freed is not looked at. */
bool cs_allocator_mark_list(struct cs_view *view, const struct cs_slots *slots, uint64_t at, uint64_t *marks,
                            uint64_t *count);

enum cs_status cs_jemalloc_measure(const struct cs_allocator_input *in, struct cs_claims *claims,
                                   struct cs_heap *heap, struct cs_error *err);
enum cs_status cs_tcmalloc_measure(const struct cs_allocator_input *in, struct cs_claims *claims,
                                   struct cs_heap *heap, struct cs_error *err);
enum cs_status cs_mimalloc_measure(const struct cs_allocator_input *in, struct cs_claims *claims,
                                   struct cs_heap *heap, struct cs_error *err);
enum cs_status cs_mallocng_measure(const struct cs_allocator_input *in, struct cs_claims *claims,
                                   struct cs_heap *heap, struct cs_error *err);

#endif
