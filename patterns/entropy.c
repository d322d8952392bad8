/* SPDX-License-Identifier: Apache-2.0 */
#include "entropy.h"

#include "bytes.h"
#include "text.h"

#include <math.h>
#include <stdbool.h>

enum {
        LINE = 256,  /* bytes of a sample that lie together */
        FEW = 16,    /* lines that tell noise from the rest */
        MANY = 256,  /* lines that tell noise from noise */
        WORDS = 512, /* slots of the table of words that were seen */
        DEGREES = 255,
};

/* Between what packers make (mostly below 0.1) and the least uneven numbers (0.5), nearer to the former: what is taken for
 * structure by mistake is looked at in vain, what is taken for noise is not looked at. */
static const double DENSE = 0.15;
static const double UNEVEN = 5;  /* standard deviations */
static const double TEXT = 0.95; /* share */

struct sample {
        uint32_t count[256];
        uint32_t even_zero, odd_zero; /* zeros at even and odd places */
        size_t n;
        size_t text;     /* bytes that are text */
        size_t repeated; /* words that were seen before */
        uint64_t seen[WORDS];
};

static void look_at_words(struct sample *s, const uint8_t *at, size_t len)
{
        for (size_t i = 0; i + 8 <= len; i += 8) {
                uint64_t word = cs_word(at + i);
                uint64_t *slot = &s->seen[cs_mix(word) % WORDS];
                s->repeated += *slot == word;
                *slot = word;
        }
}

static void look_at_line(struct sample *s, const uint8_t *at, size_t len)
{
        for (size_t i = 0; i < len; i++)
                s->count[at[i]]++;
        for (size_t i = 0; i + 1 < len; i += 2) {
                s->even_zero += at[i] == 0;
                s->odd_zero += at[i + 1] == 0;
        }
        s->n += len;
}

static size_t text_of(const uint8_t *at, size_t len)
{
        size_t text = 0;
        for (size_t i = 0; i < len; i++) {
                size_t run = cs_text_run(at + i, len - i);
                text += run;
                i += run;
        }
        return text;
}

/* Up to `lines` lines, evenly spread; each begins at an even place. */
static void take(struct sample *s, const uint8_t *bytes, size_t len, size_t lines, bool closely)
{
        memset(s, 0, sizeof(*s));
        if (len <= lines * LINE)
                lines = 1;
        for (size_t i = 0; i < lines; i++) {
                size_t at = lines == 1 ? 0 : (len - LINE) / (lines - 1) * i & ~(size_t)7;
                size_t n = lines == 1 ? len : LINE;
                look_at_line(s, bytes + at, n);
                look_at_words(s, bytes + at, n);
                if (closely)
                        s->text += text_of(bytes + at, n);
        }
}

static double chi_square(const struct sample *s)
{
        double squares = 0, n = (double)s->n;
        for (size_t i = 0; i < 256; i++)
                squares += (double)s->count[i] * s->count[i];
        return squares * 256 / n - n;
}

/* UTF-16LE of Latin letters: every other byte is zero, hardly one of those between them is, and these are letters. */
static bool is_wide_text(const struct sample *s)
{
        size_t pairs = s->n / 2, printable = 0;
        for (size_t c = ' '; c < 0x7f; c++)
                printable += s->count[c];
        return s->odd_zero >= pairs * 9 / 10 && s->even_zero <= pairs / 20 && printable >= pairs * 9 / 10;
}

enum cs_content cs_entropy_judge(const uint8_t *bytes, size_t len)
{
        struct sample s;
        if (!len)
                return CS_CONTENT_EMPTY;
        take(&s, bytes, len, FEW, true);
        if (s.count[bytes[0]] == s.n)
                return memcmp(bytes, bytes + 1, len - 1) == 0 ? CS_CONTENT_EMPTY : CS_CONTENT_STRUCTURED;
        if ((double)s.text >= TEXT * (double)s.n || is_wide_text(&s))
                return CS_CONTENT_TEXT;
        /* Of so many words not one comes twice by accident (8,192 of 64 bits: one time in 10^11). */
        if (len < CS_ENTROPY_LEAST || s.repeated > 1 || (chi_square(&s) - DEGREES) / (double)s.n >= DENSE)
                return CS_CONTENT_STRUCTURED;
        if (len > s.n)
                take(&s, bytes, len, MANY, false);
        double over = chi_square(&s) - DEGREES;
        if (s.repeated > s.n / LINE || over / (double)s.n >= DENSE)
                return CS_CONTENT_STRUCTURED;
        return over > UNEVEN * sqrt(2.0 * DEGREES) ? CS_CONTENT_COMPRESSED : CS_CONTENT_RANDOM;
}

const char *cs_content_name(enum cs_content content)
{
        static const char *const names[CS_CONTENTS] = { "empty", "text", "structured", "compressed",
                                                        "random" };
        return (unsigned)content < CS_CONTENTS ? names[content] : "structured";
}
