/* SPDX-License-Identifier: Apache-2.0 */
/* Letters drawn at random are told from words. */
#include "mask.h"

enum {
        SHORTEST = 16, /* letters and digits of a token */
        LONG = 40,     /* of one that may have a short word between joiners */
        SPELLED = 50,  /* per cent of the pairs of letters, and more, in what is made of words */
};

/* Which letters often follow a letter (bit 0: a) in words: the 210 most frequent pairs of the distinct words
 * in the sources of Python's library and C headers. They are 85 % of the pairs in words, and 31 % of those in
 * random letters. */
static const uint32_t follows[26] = {
        0x13eb94e, 0x0104911, 0x01e4d91, 0x0064939, 0x0eeb97d, 0x0024931, 0x0060911, 0x0004111, 0x22ef87f,
        0x0000000, 0x0000010, 0x11c491d, 0x004c111, 0x03c617d, 0x07ef96e, 0x00ec911, 0x0100000, 0x10e791d,
        0x01cc9b5, 0x11ed9bd, 0x00eb912, 0x0000111, 0x0000101, 0x0080010, 0x0008000, 0x0000010,
};

/* Do most pairs of letters stand in words? Case is ignored. */
static bool speaks(const uint8_t *at, size_t len)
{
        size_t pairs = 0, usual = 0;
        for (size_t i = 1; i < len; i++) {
                unsigned a = (at[i - 1] | 0x20u) - 'a', b = (at[i] | 0x20u) - 'a';
                if (a < 26 && b < 26) {
                        pairs++;
                        usual += follows[a] >> b & 1;
                }
        }
        return usual * 100 > pairs * 58;
}

/* As above, where no pair with a capital behind a small letter counts: of random letters in both cases only
 * one pair in four stands in words then, so that a long token is told with certainty. */
static bool spells(const uint8_t *at, size_t len)
{
        size_t pairs = 0, usual = 0;
        for (size_t i = 1; i < len; i++) {
                unsigned a = (at[i - 1] | 0x20u) - 'a', b = (at[i] | 0x20u) - 'a';
                if (a < 26 && b < 26) {
                        pairs++;
                        bool split =
                                (cs_class[at[i - 1]] & CS_CLASS_LOWER) && (cs_class[at[i]] & CS_CLASS_UPPER);
                        usual += !split && (follows[a] >> b & 1);
                }
        }
        return usual * 100 > pairs * SPELLED;
}

bool cs_mask_wordlike(const uint8_t *at, size_t len, size_t least)
{
        for (size_t i = 0; i < len; i++)
                if (!(cs_class[at[i]] & CS_CLASS_LOWER) &&
                    !(i == 0 && len > 3 && (cs_class[at[i]] & CS_CLASS_UPPER)))
                        return false;
        return len >= least && speaks(at, len);
}

bool cs_mask_line(size_t len)
{
        return len == 64 || len == 76 || len >= 128;
}

/* Does a run with joiners have too much of whole words between them? Behind much that is random a short word
 * is likely random as well; and a long token may have one by chance, though not at its ends, except where it
 * is certain to be a token. */
static bool spoken(const uint8_t *at, size_t len, bool path)
{
        size_t letters = 0, from = 0;
        bool ends = !cs_mask_line(len);
        for (size_t i = 0; i <= len; i++) {
                if (i < len && !(cs_class[at[i]] & CS_CLASS_JOINER))
                        continue;
                bool slashes = (i == len || at[i] == '/') && (from == 0 || at[from - 1] == '/');
                size_t least = path && slashes ? 3 : slashes && from < 12 && i < len && len < LONG ? 4 : 6;
                if (i - from < len && cs_mask_wordlike(at + from, i - from, least)) {
                        if (len < LONG || path || (ends && (from == 0 || i == len)))
                                return true;
                        letters += i - from;
                }
                from = i + 1;
        }
        return letters > len / 5;
}

/* Random tokens of 62 or 64 characters are told from names (GetUserById2, NettyBlockTransferService) by many
 * changes between digits and letters of either case (a piece is 2.3 characters long on the average), or by
 * pairs of letters that words do not have. What is missed falls to merging. */
bool cs_mask_random(const uint8_t *at, size_t len, bool path)
{
        size_t pieces = 0, groups = 0, plain = 0, joiners = 0;
        unsigned prev = 0, seen = 0;
        for (size_t i = 0; i < len; i++) {
                unsigned c = cs_class[at[i]] & (CS_CLASS_LOWER | CS_CLASS_UPPER | CS_CLASS_DIGIT);
                if (!c && (cs_class[at[i]] & CS_CLASS_HIGH))
                        return false;
                seen |= c;
                plain += c != 0;
                joiners += !c;
                pieces += c != prev && c && !(prev == CS_CLASS_UPPER && c == CS_CLASS_LOWER);
                groups += c == CS_CLASS_DIGIT && prev != CS_CLASS_DIGIT;
                prev = c;
        }
        if (plain < SHORTEST)
                return false;
        if (!(seen & CS_CLASS_LOWER) ||
            !(seen & CS_CLASS_UPPER)) /* base36, base32: as many groups of digits */
                return plain == len && groups * 6 >= len;
        if (plain + 1 + len / 6 < len) /* words-with-hyphens */
                return false;
        if (!((groups >= 3 && pieces * 3 >= len) || (pieces * 5 >= len && !spells(at, len))))
                return false;
        return !joiners || !spoken(at, len, path);
}
