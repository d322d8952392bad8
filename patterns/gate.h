/* SPDX-License-Identifier: Apache-2.0 */
/* What a match must pass beside the regex: entropy, check digits, structures of keys. Pure functions of bytes. */
#ifndef CS_GATE_H
#define CS_GATE_H

#include "rule.h"

/* Shannon's, in bits per byte; 0 of nothing. */
double cs_entropy(const uint8_t *bytes, size_t len);

bool cs_rule_check_passes(enum cs_rule_check check, const uint8_t *bytes, size_t len);

/* The length of the private key in DER that begins here (PKCS#1, PKCS#8, SEC1); 0: none does, or not all of it is there. */
size_t cs_der_key_length(const uint8_t *bytes, size_t len);

/* Does the word (not empty, in lower case) stand in the bytes, in any case of ASCII's letters? */
bool cs_bytes_have_word(const uint8_t *bytes, size_t len, const char *word);

/* What a secret is made of, in one word: "digits", "hex", "letters", "base64", "text", "bytes". */
const char *cs_bytes_class(const uint8_t *bytes, size_t len);

#endif
