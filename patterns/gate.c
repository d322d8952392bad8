/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include "bytes.h"
#include "byteset.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

double cs_entropy(const uint8_t *bytes, size_t len)
{
        size_t counts[256] = { 0 };
        double bits = 0;
        for (size_t i = 0; i < len; i++)
                counts[bytes[i]]++;
        for (unsigned b = 0; b < 256; b++)
                if (counts[b]) {
                        double share = (double)counts[b] / (double)len;
                        bits -= share * log2(share);
                }
        return bits;
}

bool cs_bytes_have_word(const uint8_t *bytes, size_t len, const char *word)
{
        size_t n = strlen(word);
        for (size_t i = 0; n <= len && i <= len - n; i++) {
                size_t k = 0;
                while (k < n && cs_byte_fold(bytes[i + k]) == cs_byte_fold((uint8_t)word[k]))
                        k++;
                if (k == n)
                        return true;
        }
        return false;
}

const char *cs_bytes_class(const uint8_t *bytes, size_t len)
{
        bool digits = true, hex = true, letters = true, base64 = true, text = true;
        for (size_t i = 0; i < len; i++) {
                uint8_t c = bytes[i];
                bool digit = c >= '0' && c <= '9', letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z' && c < 128;
                digits &= digit;
                letters &= letter;
                hex &= digit || (letter && (c | 0x20) <= 'f');
                base64 &= digit || letter || c == '+' || c == '/' || c == '-' || c == '_' || c == '=';
                text &= (c >= ' ' && c < 127) || (c >= '\t' && c <= '\r');
        }
        return digits    ? "digits"
               : hex     ? "hex"
               : letters ? "letters"
               : base64  ? "base64"
               : text    ? "text"
                         : "bytes";
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* ISO/IEC 7812-1, annex B. */
static bool is_card(const uint8_t *bytes, size_t len)
{
        unsigned sum = 0, n = 0, kinds = 0;
        uint8_t last = 0;
        for (size_t i = len; i-- > 0;) {
                if (bytes[i] < '0' || bytes[i] > '9')
                        continue;
                unsigned digit = (unsigned)(bytes[i] - '0'), twice = digit * 2;
                sum += n++ % 2 ? twice / 10 + twice % 10 : digit;
                kinds += n == 1 || bytes[i] != last;
                last = bytes[i];
        }
        return n >= 12 && n <= 19 && sum % 10 == 0 && kinds > 1;
}

/* Lengths: the IBAN registry of SWIFT, release 99. */
static unsigned iban_length(const uint8_t country[2])
{
        static const char lengths[] =
                "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22"
                "GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20"
                "MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26"
                "UA29VA22VG24XK20YE30";
        for (const char *at = lengths; *at; at += 4)
                if (memcmp(at, country, 2) == 0)
                        return (unsigned)((at[2] - '0') * 10 + at[3] - '0');
        return 0;
}

static bool is_iban(const uint8_t *bytes, size_t len)
{
        uint8_t text[34];
        unsigned n = 0, rest = 0;
        for (size_t i = 0; i < len; i++) {
                if (bytes[i] == ' ')
                        continue;
                if (n == sizeof(text))
                        return false;
                text[n++] = bytes[i];
        }
        if (n < 5 || n != iban_length(text))
                return false;
        for (unsigned i = 0; i < n; i++) {
                uint8_t c = text[(i + 4) % n];
                if (c >= '0' && c <= '9')
                        rest = (rest * 10 + (unsigned)(c - '0')) % 97;
                else if (c >= 'A' && c <= 'Z')
                        rest = (rest * 100 + (unsigned)(c - 'A' + 10)) % 97;
                else
                        return false;
        }
        return rest == 1;
}

static bool is_ip4(const uint8_t *bytes, size_t len)
{
        unsigned value = 0, digits = 0, parts = 0;
        bool all_small = true;
        for (size_t i = 0; i <= len; i++) {
                if (i == len || bytes[i] == '.') {
                        if (!digits || value > 255)
                                return false;
                        all_small &= value < 10;
                        parts++;
                        value = digits = 0;
                } else if (bytes[i] < '0' || bytes[i] > '9' || (digits && value == 0) || ++digits > 3) {
                        return false;
                } else {
                        value = value * 10 + (unsigned)(bytes[i] - '0');
                }
        }
        return parts == 4 && !all_small;
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

/* ITU-T X.690, DER: a tag, and a length of one byte, or 0x81/0x82 and one or two. */
struct der {
        const uint8_t *at;
        size_t left;
};

static bool der_take(struct der *in, uint8_t tag, struct der *body)
{
        if (in->left < 2 || in->at[0] != tag)
                return false;
        size_t len = in->at[1], head = 2;
        if (len == 0x81 && in->left >= 3) {
                len = in->at[2];
                head = 3;
                if (len < 0x80)
                        return false;
        } else if (len == 0x82 && in->left >= 4) {
                len = (size_t)in->at[2] << 8 | in->at[3];
                head = 4;
                if (len < 0x100)
                        return false;
        } else if (len >= 0x80) {
                return false;
        }
        if (len > in->left - head)
                return false;
        *body = (struct der){ in->at + head, len };
        in->at += head + len;
        in->left -= head + len;
        return true;
}

enum { DER_INTEGER = 2, DER_OCTETS = 4, DER_OID = 6, DER_SEQUENCE = 0x30 };

/* RFC 8017, A.1.2: version 0, then modulus, exponents, primes, …: eight integers, the modulus of 512 bits at least. */
static bool is_rsa(struct der body)
{
        struct der value;
        for (unsigned i = 0; i < 8; i++) {
                if (!der_take(&body, DER_INTEGER, &value) || !value.left || (i == 0 && value.left < 64) ||
                    value.at[0] & 0x80)
                        return false;
        }
        return true;
}

/* PKCS#1 (RFC 8017), PKCS#8 (RFC 5958), SEC1 (RFC 5915): a sequence that begins with a version. */
static bool is_private_key(struct der *in)
{
        struct der body, version, part, inner;
        if (!der_take(in, DER_SEQUENCE, &body) || !der_take(&body, DER_INTEGER, &version) ||
            version.left != 1 || version.at[0] > 1)
                return false;
        struct der rest = body;
        if (version.at[0] == 0 && is_rsa(rest))
                return true;
        rest = body;
        if (der_take(&rest, DER_SEQUENCE, &part) && der_take(&part, DER_OID, &inner) && inner.left >= 3 &&
            inner.left <= 16)
                return der_take(&rest, DER_OCTETS, &part) && part.left >= 32;
        rest = body;
        return version.at[0] == 1 && der_take(&rest, DER_OCTETS, &part) && part.left >= 20 &&
               part.left <= 66 && (rest.left == 0 || rest.at[0] == 0xa0 || rest.at[0] == 0xa1);
}

size_t cs_der_key_length(const uint8_t *bytes, size_t len)
{
        struct der in = { bytes, len };
        return is_private_key(&in) ? len - in.left : 0;
}

static int base64_value(uint8_t c)
{
        return c >= 'A' && c <= 'Z'   ? c - 'A'
               : c >= 'a' && c <= 'z' ? c - 'a' + 26
               : c >= '0' && c <= '9' ? c - '0' + 52
               : c == '+'             ? 62
               : c == '/'             ? 63
                                      : -1;
}

/* The first bytes of a PEM body; white space, also written as "\n" in a string of some language, is passed over. */
static size_t decode_base64(const uint8_t *at, size_t len, uint8_t *out, size_t most)
{
        uint32_t bits = 0;
        unsigned n = 0;
        size_t made = 0;
        for (size_t i = 0; i < len && made < most; i++) {
                int value = base64_value(at[i]);
                if (at[i] == '\\' && i + 1 < len && strchr("nrt", at[i + 1]) && at[i + 1]) {
                        i++;
                        continue;
                }
                if (value < 0) {
                        if (at[i] == '-' || at[i] == '=')
                                break;
                        continue;
                }
                bits = bits << 6 | (uint32_t)value;
                n += 6;
                if (n >= 8) {
                        n -= 8;
                        out[made++] = (uint8_t)(bits >> n);
                }
        }
        return made;
}

/* RFC 7468; RFC 1421 headers ("Proc-Type: 4,ENCRYPTED") mean that the body is no DER to us. OpenSSH: PROTOCOL.key. */
static bool is_private_pem(const uint8_t *bytes, size_t len)
{
        static const char marker[] = "KEY", openssh[] = "openssh-key-v1", encrypted[] = "ENCRYPTED";
        uint8_t head[16];
        const uint8_t *at = memmem(bytes, len, marker, 3);
        const uint8_t *body = at ? memmem(at, len - (size_t)(at - bytes), "-----", 5) : NULL;
        if (!body)
                return false;
        body += 5;
        size_t left = len - (size_t)(body - bytes);
        if (memmem(body, left < 64 ? left : 64, encrypted, sizeof(encrypted) - 1) ||
            memmem(bytes, len, "PGP", 3) ||
            memmem(bytes, (size_t)(body - bytes), encrypted, sizeof(encrypted) - 1))
                return left >= 64;
        size_t n = decode_base64(body, left, head, sizeof(head));
        return n == sizeof(head) &&
               (memcmp(head, openssh, sizeof(openssh) - 1) == 0 || head[0] == DER_SEQUENCE);
}

bool cs_rule_check_passes(enum cs_rule_check check, const uint8_t *bytes, size_t len)
{
        switch (check) {
        case CS_CHECK_NONE:
                return true;
        case CS_CHECK_CARD:
                return is_card(bytes, len);
        case CS_CHECK_IBAN:
                return is_iban(bytes, len);
        case CS_CHECK_DER:
                return cs_der_key_length(bytes, len) != 0;
        case CS_CHECK_PEM:
                return is_private_pem(bytes, len);
        case CS_CHECK_IP4:
                return is_ip4(bytes, len);
        }
        return false;
}
