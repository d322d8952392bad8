/* SPDX-License-Identifier: Apache-2.0 */
/* Each rule here answers to one of mask.c, which it names: where masking looks at more than is kept, the promise is broken. Keeping
 * more than is looked at is always right. */
#include "shape.h"

#include "mask.h"

#include <string.h>

enum {
        PIECE = 16,  /* bytes that are moved at once */
        BEFORE = 16, /* bytes before a text that may be read, and those behind it: zeros */
        PAD = 80,
        NAME_LONG = 7,     /* known names are no longer */
        NUMBER_EXACT = 10, /* more digits than any form tells apart: nine of a fraction of a second */
};

enum { BLOCKS = CS_TEMPLATE_INPUT / CS_CLASSES_BYTES + 1 }; /* and one that says that nothing follows */

struct shaper {
        const uint8_t *text;   /* with zeros on both sides */
        const uint8_t *marked; /* the same with marks for digits: what is written where nothing else is */
        size_t n;
        bool lengths; /* are kept: the text was cut, and its length tells where */
        size_t seen;  /* so much of it is looked at, */
        size_t done;  /* and so much is written, */
        uint8_t *out; /* up to here */
        size_t bare;  /* where an escape ended: what follows is no part of it */
        struct cs_shape *shape;
        struct cs_classes sets[BLOCKS];
};

/* ---- sets ---- */

/* The first place from `from` on, before the end of the text, that is in the set. */
static inline size_t next_in(const struct shaper *s, enum cs_class_set set, size_t from)
{
        uint64_t here = s->sets[from / 64].set[set] >> from % 64;
        if (here)
                return from + (size_t)__builtin_ctzll(here);
        for (size_t block = from / 64 + 1; block <= s->n / 64; block++)
                if (s->sets[block].set[set])
                        return block * 64 + (size_t)__builtin_ctzll(s->sets[block].set[set]);
        return s->n;
}

/* The first one that is not: what is behind the text is in no set. */
static inline size_t next_out(const struct shaper *s, enum cs_class_set set, size_t from)
{
        uint64_t here = ~s->sets[from / 64].set[set] >> from % 64;
        if (here)
                return from + (size_t)__builtin_ctzll(here);
        size_t block = from / 64 + 1;
        while (s->sets[block].set[set] == UINT64_MAX)
                block++;
        return block * 64 + (size_t)__builtin_ctzll(~s->sets[block].set[set]);
}

/* Where those begin that are in the set without a gap up to `at`, which is. */
static inline size_t first_in(const struct shaper *s, enum cs_class_set set, size_t at)
{
        size_t block = at / 64;
        uint64_t out = ~s->sets[block].set[set] << (63 - at % 64);
        if (out)
                return at + 1 - (size_t)__builtin_clzll(out);
        while (block-- > 0)
                if (~s->sets[block].set[set])
                        return block * 64 + 64 - (size_t)__builtin_clzll(~s->sets[block].set[set]);
        return 0;
}

static inline bool any_in(const struct shaper *s, enum cs_class_set set, size_t from, size_t to)
{
        return next_in(s, set, from) < to;
}

static inline bool all_in(const struct shaper *s, enum cs_class_set set, size_t from, size_t to)
{
        return next_out(s, set, from) >= to;
}

static inline bool both_cases(const struct shaper *s, size_t from, size_t to)
{
        return any_in(s, CS_SET_UPPER, from, to) && any_in(s, CS_SET_LOWER, from, to);
}

/* ---- what decides, beyond what an outline tells ---- */

/* Places before the text are zeros, which decide by themselves. */
static void look(const struct shaper *s, size_t at, size_t len)
{
        cs_places_add(&s->shape->looked, at, at + len);
}

static void look_at_class(const struct shaper *s, size_t from, size_t to)
{
        cs_places_add(&s->shape->classed, from, to);
}

/* ---- what is written ---- */

/* What lies behind it is written later, and there is room. */
static void put(struct shaper *s, const uint8_t *from, size_t len)
{
        uint8_t *to = s->out;
        s->out += len;
        for (size_t done = 0; done < len; done += PIECE)
                memcpy(to + done, from + done, PIECE);
}

/* What is left before `to`. */
static void put_before(struct shaper *s, size_t to)
{
        put(s, s->marked + s->done, to - s->done);
        s->done = to;
}

/* `taken` bytes at `at`, as they are. */
static void put_same(struct shaper *s, size_t at, size_t taken)
{
        look(s, at, taken);
        put_before(s, at);
        put(s, s->text + at, taken);
        s->done = at + taken;
}

/* `len` marks for `taken` bytes at `at`. */
static void put_marks(struct shaper *s, size_t at, size_t taken, uint8_t mark, size_t len)
{
        put_before(s, at);
        uint8_t *to = s->out;
        s->out += len;
        for (size_t done = 0; done < len; done += PIECE)
                memset(to + done, mark, PIECE);
        if (mark == CS_MARK_HEX)
                cs_places_add(&s->shape->hexed, at, at + taken);
        s->done = at + taken;
}

static inline uint8_t before(const struct shaper *s, size_t at, size_t distance)
{
        return s->text[(ptrdiff_t)at - (ptrdiff_t)distance];
}

static inline bool follows(const struct shaper *s, size_t at, const char *what, size_t len)
{
        look(s, at - len, len);
        return memcmp(s->text + at - len, what, len) == 0;
}

/* ---- numbers ---- */

static inline bool digit_before(const struct shaper *s, size_t at, size_t distance)
{
        look_at_class(s, at - distance, at - distance + 1);
        return cs_class[before(s, at, distance)] & CS_CLASS_DIGIT;
}

/* The version of XML stays as it is (mask_word): the number before its point, and the one behind. */
static inline bool in_xml(const struct shaper *s, size_t at)
{
        if (before(s, at, 1) == '.' && digit_before(s, at, 2))
                at -= 2;
        return before(s, at, 1) == '"' && follows(s, at, "<?xml version=\"", 15);
}

/* Versions that belong to a name do, too (cs_mask_known_version). */
static inline bool names_version(const struct shaper *s, size_t at, size_t len)
{
        switch (before(s, at, 1)) {
        case '"':
                return in_xml(s, at);
        case '.':
                return in_xml(s, at) ||
                       (len == 1 && digit_before(s, at, 2) && follows(s, at - 2, "HTTP/", 5));
        case '/':
                return len == 1 && follows(s, at, "HTTP/", 5);
        case '-':
                return len == 1 && (follows(s, at, "utf-", 4) || follows(s, at, "UTF-", 4));
        case '_':
                return len == 2 && follows(s, at, "x86_", 4);
        default:
                return false;
        }
}

/* May a number that stands alone be a part of an address or of a time (mask_form, cs_mask_named_time)? Then its length counts. */
static bool in_form(const struct shaper *s, size_t at, size_t len)
{
        uint8_t next = s->text[at + len], after = next ? s->text[at + len + 1] : 0;
        if (next == '.' || next == ':' || next == '%' || (next == ' ' && (cs_class[after] & CS_CLASS_UPPER)))
                return true;
        uint8_t second = before(s, at, 2);
        unsigned class = cs_class[second];
        switch (before(s, at, 1)) {
        case '.':
        case '%':
                return true;
        case ':':
                return second == ':' || (class & CS_CLASS_HEX);
        case ',': /* a fraction of a second */
                return digit_before(s, at, 2);
        case ' ':
        case '\t': /* a day, a year, behind the name of a month or day; or a time behind a date */
                if (digit_before(s, at, 2))
                        return true;
                if (class & (CS_CLASS_LOWER | CS_CLASS_UPPER))
                        return cs_class[before(s, at, 4)] & CS_CLASS_UPPER;
                return second == ' ' || second == ',';
        default:
                return false;
        }
}

/* Does it matter for cs_mask_ip() whether these three digits are more than 255? */
static bool too_much(const struct shaper *s, size_t at)
{
        const uint8_t *t = s->text + at;
        return (t[3] == '.' || before(s, at, 1) == '.') && memcmp(t, "255", 3) > 0;
}

/* Where the length of a number counts. */
static void take_digits(struct shaper *s, size_t at, size_t len, size_t kept)
{
        size_t in_word = at % CS_PLACES_WORD;
        if (len == 3 && (in_word == 0 || in_word + 3 >= CS_PLACES_WORD ||
                         at == s->bare)) /* an outline does not see it as a whole */
                look(s, at, len);
        if (len == 3 && too_much(s, at))
                put_marks(s, at, len, CS_MARK_HIGH_DIGIT, len);
        else if (kept != len)
                put_marks(s, at, len, CS_MARK_DIGIT, kept);
}

static size_t number_kept(size_t len)
{
        if (len <= NUMBER_EXACT)
                return len;
        return len > CS_MASK_NUMBER_MAX ? CS_MASK_NUMBER_MAX + 1
               : len >= CS_MASK_TOKEN   ? CS_MASK_TOKEN
                                        : NUMBER_EXACT + 1;
}

static void take_number(struct shaper *s, size_t at, size_t len, bool escaped)
{
        if (names_version(s, at, len))
                put_same(s, at, len);
        else if (s->lengths)
                take_digits(s, at, len, len);
        else if (escaped || in_form(s, at, len))
                take_digits(s, at, len, number_kept(len));
        else if (len > 1)
                put_marks(s, at, len, CS_MARK_DIGIT, len > CS_MASK_NUMBER_MAX ? CS_MASK_NUMBER_MAX + 1 : 1);
}

/* ---- words ---- */

/* Digits and letters, which a word has, of one case: it is <hex> whatever they are (mask_word). */
static bool certain_hex(const struct shaper *s, size_t at, size_t len)
{
        return len >= CS_MASK_HEX_LONG && all_in(s, CS_SET_HEX, at, at + len) && !both_cases(s, at, at + len);
}

/* May something before a word take its first digits with it: a time, a fraction, a sign (sign_length)? */
static bool apart(const struct shaper *s, size_t at)
{
        uint8_t prev = before(s, at, 1), second = before(s, at, 2);
        switch (prev) {
        case '.':
        case ',':
        case ':':
                return false;
        case '-':
        case '+':
                return cs_class[second] & CS_CLASS_WORD;
        case ' ':
                return !(cs_class[before(s, at, 4)] & CS_CLASS_UPPER);
        default:
                return true;
        }
}

static bool zero_x(const struct shaper *s, size_t at)
{
        if ((s->text[at + 1] | 0x20) != 'x')
                return false;
        look(s, at, 1);
        return s->text[at] == '0';
}

static bool prefixed(const struct shaper *s, size_t at, size_t len)
{
        return len > 2 && zero_x(s, at) && all_in(s, CS_SET_HEX, at + 2, at + len);
}

static bool known_name(const struct shaper *s, size_t at, size_t len)
{
        if (len > NAME_LONG)
                return false;
        look(s, at, len);
        return cs_mask_known_name(s->text + at, len);
}

/* Letters stay, as do those digits that masking knows: of names, and the 0 of 0x. All of the word stays if it has a name in it. */
static void take_mixed(struct shaper *s, size_t at, size_t len)
{
        const uint8_t *word = s->text + at;
        size_t lead = 0;
        while (lead < len && (cs_class[word[lead]] & CS_CLASS_DIGIT)) /* may go with something before them */
                lead++;
        if (known_name(s, at, len) || (lead && (known_name(s, at + lead, len - lead) || in_xml(s, at))))
                put_same(s, at, len);
        else if (len > 1 && zero_x(s, at))
                put_same(s, at, 2);
}

/* A run that is one word: nothing around it but what ends a run, so that its length tells nothing. */
static void take_word(struct shaper *s, size_t at, size_t len, bool escaped)
{
        const uint8_t *word = s->text + at;
        if (escaped || !apart(s, at) || word[len] == '.') { /* mask_signed judges what is between dots */
                take_mixed(s, at, len);
        } else if (certain_hex(s, at, len)) {
                put_marks(s, at, len, CS_MARK_HEX, s->lengths ? len : CS_MASK_HEX_LONG);
        } else if (prefixed(s, at, len)) {
                put_same(s, at, 2);
                put_marks(s, at + 2, len - 2, CS_MARK_HEX, s->lengths ? len - 2 : 1);
        } else {
                take_mixed(s, at, len);
        }
}

/* ---- runs ---- */

static bool parted(const uint8_t *from, const uint8_t *to)
{
        for (; from < to; from++)
                if (*from == '/' || *from == '+')
                        return true;
        return false;
}

/* How much of a run that begins here is an escape, and no part of it (take_other)? */
static size_t escape(const struct shaper *s, size_t run)
{
        const uint8_t *t = s->text + run;
        uint8_t prev = before(s, run, 1), second = before(s, run, 2);
        if (prev == '%' && second != '%' && (cs_class[t[0]] & cs_class[t[1]] & CS_CLASS_HEX))
                return 2;
        return prev == '\\' && second != '\\' && (t[0] == 'n' || t[0] == 'r' || t[0] == 't');
}

/* Can a word of a run not be a part of something random whatever its letters are? The letters of the run are of one case, with joiners
 * between them (cs_mask_random); it is none of three tokens with dots between them, which have no slashes (mask_signed); and no token
 * that takes what fills it up with it (mask_token). */
static bool sure(const struct shaper *s, size_t at, size_t len)
{
        const uint8_t *t = s->text;
        size_t run = first_in(s, CS_SET_RUN, at), end = next_out(s, CS_SET_RUN, at), behind = at + len;
        run += escape(s, run);
        if (both_cases(s, run, end) || any_in(s, CS_SET_HIGH, run, end))
                return false;
        bool dots = before(s, run, 1) == '.' || t[end] == '.';
        while (run < at && t[run] == '/')
                run++;
        return !(dots && !parted(t + run, t + at)) && !(t[end] == '=' && !parted(t + behind, t + end));
}

/* A word of a run with joiners; returns what was taken. Lengths stay, for that of the run counts. */
static size_t take_part(struct shaper *s, size_t at, size_t len, bool letters)
{
        const uint8_t *word = s->text + at;
        bool uuid = len == CS_MASK_HEX_LONG && word[CS_MASK_HEX_LONG] == '-' &&
                    cs_mask_uuid(word, s->text + s->n);
        bool whole = letters && certain_hex(s, at, len);
        bool hex = whole || (letters && prefixed(s, at, len));
        if ((uuid || hex) && apart(s, at) && sure(s, at, len)) {
                size_t taken = uuid ? CS_MASK_UUID_BYTES : len, same = uuid || whole ? 0 : 2;
                put_same(s, at, same);
                put_marks(s, at + same, taken - same, CS_MARK_HEX, taken - same);
                return taken;
        }
        if (letters)
                take_mixed(s, at, len);
        else if (names_version(s, at, len))
                put_same(s, at, len);
        else
                take_digits(s, at, len, len);
        return len;
}

/* Is there one character as often in a row as makes it <rep>? */
static bool repeats(const uint8_t *at, size_t len)
{
        /* So many in a row cover two places next to each other at each half of them. */
        for (size_t i = CS_MASK_REPEATS / 2; i < len; i += CS_MASK_REPEATS / 2) {
                if (at[i] != at[i - 1])
                        continue;
                size_t from = i - 1, to = i + 1;
                while (from > 0 && at[from - 1] == at[i])
                        from--;
                while (to < len && at[to] == at[i])
                        to++;
                if (to - from >= CS_MASK_REPEATS)
                        return true;
        }
        return false;
}

/* The word that the digit stands in; false: it is perhaps one repeated character, or has an '@' before it, which changes how all is
 * read. */
static bool take_digit(struct shaper *s, size_t at)
{
        const uint8_t *t = s->text;
        size_t from = at, to = next_out(s, CS_SET_DIGIT, at);
        bool letters = (cs_class[before(s, at, 1)] | cs_class[t[to]]) & CS_CLASS_WORD;
        if (letters) {
                from = first_in(s, CS_SET_WORD, at);
                from = from < s->seen ? s->seen : from;
                to = next_out(s, CS_SET_WORD, to);
                letters = !all_in(s, CS_SET_DIGIT, from, to);
        }
        uint8_t prev = before(s, from, 1);
        if ((prev == '%' || prev == '\\') && from != s->bare) {
                size_t n = escape(s, from);
                look(s, from, 2);
                look_at_class(s, from, next_out(s, CS_SET_WORD, from)); /* what is left of the word */
                if (prev == '%' && t[from] == '4' && t[from + 1] == '0')
                        return false;
                if (n) {
                        put_same(s, from, n);
                        s->bare = s->seen = from + n;
                        return true;
                }
        }
        if (to - from >= CS_MASK_REPEATS && repeats(t + from, to - from))
                return false;
        bool escaped = from == s->bare && from;
        bool alone = (escaped || !(cs_class[prev] & CS_CLASS_RUN)) && !(cs_class[t[to]] & CS_CLASS_JOINER);
        if (!alone)
                to = from + take_part(s, from, to - from, letters);
        else if (letters)
                take_word(s, from, to - from, escaped);
        else
                take_number(s, from, to - from, escaped);
        s->seen = to;
        return true;
}

/* ---- texts ---- */

/* With zeros behind it. Most texts are short, and a copy of a length that is not known costs more than the rest. */
static void copy_text(uint8_t *to, const uint8_t *text, size_t n)
{
        if (n >= PIECE) {
                for (size_t at = 0; at + PIECE <= n; at += PIECE)
                        memcpy(to + at, text + at, PIECE);
                memcpy(to + n - PIECE, text + n - PIECE, PIECE);
        } else if (n >= PIECE / 2) {
                memcpy(to, text, PIECE / 2);
                memcpy(to + n - PIECE / 2, text + n - PIECE / 2, PIECE / 2);
        } else {
                for (size_t at = 0; at < n; at++)
                        to[at] = text[at];
        }
        memset(to + n, 0, PAD);
}

/* Sixteen at a time, as every processor can. */
static void mark_digits(const uint8_t *text, size_t n, uint8_t *to)
{
        typedef uint8_t piece __attribute__((vector_size(PIECE)));
        for (size_t at = 0; at < n; at += PIECE) {
                piece bytes, digits;
                memcpy(&bytes, text + at, PIECE);
                digits = (piece)(bytes - '0' < 10);
                bytes = (digits & CS_MARK_DIGIT) | (bytes & ~digits);
                memcpy(to + at, &bytes, PIECE);
        }
}

bool cs_shape_of(const uint8_t *text, size_t len, cs_classes_fn classes, struct cs_shape *out)
{
        uint8_t copy[BEFORE + CS_TEMPLATE_INPUT + PAD], marked[CS_TEMPLATE_INPUT + PAD];
        size_t n = len > CS_TEMPLATE_INPUT ? (size_t)CS_TEMPLATE_INPUT : len;
        struct shaper s;
        s.text = copy + BEFORE;
        s.marked = marked;
        s.n = n;
        s.lengths = len > n;
        s.seen = s.done = s.bare = 0;
        s.shape = out;
        out->looked = out->classed = out->hexed = (struct cs_places){ { 0 } };
        s.out = out->bytes;
        memset(copy, 0, BEFORE);
        copy_text(copy + BEFORE, text, n);
        classes(text, n, s.sets);
        if (any_in(&s, CS_SET_SIGN, 0, n))
                return false;
        mark_digits(s.text, n, marked);
        for (size_t at; (at = next_in(&s, CS_SET_DIGIT, s.seen)) < n;)
                if (!take_digit(&s, at))
                        return false;
        put_before(&s, n);
        out->len = (size_t)(s.out - out->bytes);
        out->cut = len > n;
        return true;
}
