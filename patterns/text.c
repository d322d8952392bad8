/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include "bytes.h"

/* How many bytes an ASCII byte counts for: 1 for printable ones, tab, CR and LF, 0 for all others. */
static const uint8_t plain[256] = {
        ['\t'] = 1,
        ['\n'] = 1,
        ['\r'] = 1,
        [' ' ... '~'] = 1,
};

static bool follows(uint8_t byte)
{
        return (byte & 0xc0) == 0x80;
}

/* Length of the sequence that a lead byte announces, or 0 for a byte that cannot lead. 0xc0 and 0xc1 would be
 * overlong; above 0xf4 there is no Unicode. */
static size_t announced(uint8_t lead)
{
        if (lead >= 0xc2 && lead <= 0xdf)
                return 2;
        if (lead >= 0xe0 && lead <= 0xef)
                return 3;
        return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

size_t cs_text_character(const uint8_t *at, size_t left)
{
        size_t n = announced(at[0]);
        if (!n || n > left)
                return 0;
        uint32_t code = at[0] & (0xffu >> (n + 1));
        for (size_t i = 1; i < n; i++) {
                if (!follows(at[i]))
                        return 0;
                code = code << 6 | (at[i] & 0x3fu);
        }
        if (n == 2)
                return code >= 0xa0 ? 2 : 0; /* C1 controls */
        if (n == 3 &&
            (code < 0x800 || (code >= 0xd800 && code <= 0xdfff) || (code >= 0xfdd0 && code <= 0xfdef)))
                return 0;
        if (n == 4 && (code < 0x10000 || code > 0x10ffff))
                return 0;
        return (code & 0xfffe) == 0xfffe ? 0 : n;
}

/* Are all eight bytes from ' ' to '~'? Each test leaves the top bit of a bad byte set; a carry can only come
 * out of a byte that is bad itself, so the answer for all eight together is exact. */
static bool all_printable(uint64_t w)
{
        const uint64_t ones = 0x0101010101010101u;
        uint64_t below = w - ones * 0x20;
        uint64_t above = w + ones;
        return ((w | below | above) & (ones * 0x80)) == 0;
}

size_t cs_text_run(const uint8_t *bytes, size_t len)
{
        size_t at = 0;
        for (;;) {
                while (len - at >= 16 && all_printable(cs_word(bytes + at)) &&
                       all_printable(cs_word(bytes + at + 8)))
                        at += 16;
                /* A line end, something beyond ASCII, the end of the text or of the buffer: byte by byte for
                 * a while. */
                size_t stop = len - at > 16 ? at + 16 : len;
                while (at < stop && plain[bytes[at]])
                        at++;
                if (at == len)
                        return at;
                if (at == stop)
                        continue;
                size_t n = cs_text_character(bytes + at, len - at);
                if (!n)
                        return at;
                at += n;
        }
}

/* What malloc (of the glibc kind: 8 bytes of header, multiples of 16, never below 24) hands out for `bytes`.
 * Other allocators have classes that are not much coarser for small sizes. */
static size_t usable(size_t bytes)
{
        return bytes <= 24 ? 24 : ((bytes + 8 + 15) & ~(size_t)15) - 8;
}

/* Letters, digits and what joins them in names, numbers, paths and MIME types. Four to seven printable bytes
 * of a number that is none of our text are all of this kind in one case of ten. */
static bool all_name_bytes(const uint8_t *bytes, size_t len)
{
        for (size_t i = 0; i < len; i++) {
                uint8_t c = bytes[i];
                bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
                bool digit = c >= '0' && c <= '9';
                if (!letter && !digit && c < 0x80 && c != '_' && c != '-' && c != '.' && c != '/' &&
                    c != ':' && c != ' ')
                        return false;
        }
        return true;
}

/* Four to seven characters can be a number or a pointer. Called with 4 <= run < 8 and a NUL behind the run.
 *   - A number of 32 bits, or a pointer (48 bits), is followed by zeros up to the end of its word, and the
 *     same holds for a short text in fresh memory. So the characters must be those of names.
 *   - A heap address of a position-independent program has 0x55 or 0x56 ('U', 'V') as its sixth byte, and is
 *     aligned.
 *   - The word behind must be zero: fresh memory and the allocator's own key, which malloc clears, are; the
 *     second field of a structure seldom is.
 *   - So short a text comes from strdup and the like, in the smallest block there is; in a larger block (a
 *     buffer) the rest has to be zero. */
static bool short_text(const uint8_t *bytes, size_t len, size_t run)
{
        if (!all_name_bytes(bytes, run))
                return false;
        if (run == 6 && (bytes[5] == 'U' || bytes[5] == 'V') && (bytes[0] & 7) == 0)
                return false;
        if (len <= 8)
                return true;
        if (len > usable(run + 1))
                return cs_all_zero(bytes + run, len - run);
        return len < 16 || cs_word(bytes + 8) == 0;
}

/* Does the slack of a roomy block look like the fields of a structure? Fields are aligned words that are
 * addresses or small numbers; stale text and zeros are not. The first 64 words tell. */
static bool structured(const uint8_t *bytes, size_t len, size_t run)
{
        size_t at = (run + 8) & ~(size_t)7;
        size_t words = 0, fields = 0;
        for (; at + 8 <= len && words < 64; at += 8, words++) {
                uint64_t w = cs_word(bytes + at);
                bool small = w != 0 && w < 0x100000;
                bool halves = w >> 32 != 0 && w >> 32 < 0x10000 && (uint32_t)w < 0x10000;
                bool address = w >= 0x10000000000u && w < 0x800000000000u && cs_text_run(bytes + at, 8) < 4;
                bool ones = w == UINT64_MAX || (uint32_t)w == UINT32_MAX;
                fields += small || halves || address || ones;
        }
        return fields > words / 8;
}

bool cs_text_cut(const uint8_t *rest, size_t left)
{
        if (left == 0 || left > 3 || announced(rest[0]) <= left)
                return false;
        for (size_t i = 1; i < left; i++)
                if (!follows(rest[i]))
                        return false;
        return true;
}

/* The rule, from the strongest evidence to the weakest:
 *   1. No run of 4 bytes: no text.
 *   2. The text fills the block to its last byte (a buffer that carries its length elsewhere): text from
 *      8 bytes on.
 *   3. What follows is not NUL: bytes of a number, of a compressed body, of something else; or what malloc
 *      rounded up, where somebody copied just the text: from 32 bytes on, in the block that so many get.
 *   4. Below 8 characters: see short_text().
 *   5. The block is just what malloc gives for this text and its NUL (strdup, std::string(const char *)), or
 *      the text fills half of it (buffers that grow by doubling; Ruby, Python and std::string round up less):
 *      text.
 *   6. A roomy block: a buffer that was read into, or a structure that begins with `char name[16]`. Slack
 *      that is fields says structure, unless the text is longer than such arrays are filled (256: a body in a
 *      large buffer whose slack is stale). Slack of zeros or stale text says buffer. */
bool cs_text_block(const uint8_t *bytes, size_t len, size_t *run)
{
        size_t n = cs_text_run(bytes, len);
        *run = n;
        if (n < 4)
                return false;
        if (n == len || cs_text_cut(bytes + n, len - n))
                return n >= 8;
        if (bytes[n] != 0)
                return n >= 32 && len <= usable(n);
        if (n < 8)
                return short_text(bytes, len, n);
        if (len <= usable(n + 1) || n >= len / 2 || n >= 256)
                return true;
        return !structured(bytes, len, n);
}
