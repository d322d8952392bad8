/* SPDX-License-Identifier: Apache-2.0 */
#include "regex.h"

#include "cs_limits.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

struct cs_regex {
        pcre2_code *code;
};

struct cs_matcher {
        pcre2_match_data *data;
        pcre2_match_context *context;
        pcre2_jit_stack *stack;
};

static void compile_context_freep(pcre2_compile_context **context)
{
        pcre2_compile_context_free(*context);
}

enum cs_status cs_regex_compile(const char *regex, size_t len, unsigned flags, struct cs_regex **out,
                                size_t *offset, struct cs_error *err)
{
        int error = 0;
        uint32_t options = PCRE2_NEVER_UTF | PCRE2_USE_OFFSET_LIMIT;
        cs_cleanup(compile_context_freep) pcre2_compile_context *context = pcre2_compile_context_create(NULL);
        *offset = 0;
        if (!context)
                return cs_fail(err, CS_ENOMEM, "regex");
        if (len > CS_LIMIT_REGEX_BYTES)
                return cs_fail(err, CS_EFORMAT, "a regex of %zu bytes; the limit is %d", len,
                               CS_LIMIT_REGEX_BYTES);
        (void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        if (flags & CS_REGEX_MULTILINE)
                options |= PCRE2_MULTILINE;
        struct cs_regex *made = calloc(1, sizeof(*made));
        if (!made)
                return cs_fail(err, CS_ENOMEM, "regex");
        made->code = pcre2_compile((PCRE2_SPTR)regex, len, options, &error, offset, context);
        if (!made->code) {
                PCRE2_UCHAR text[256];
                free(made);
                if (error == PCRE2_ERROR_HEAP_FAILED)
                        return cs_fail(err, CS_ENOMEM, "regex");
                if (pcre2_get_error_message(error, text, sizeof(text)) < 0)
                        return cs_fail(err, CS_EFORMAT, "PCRE2 refuses it (%d)", error);
                return cs_fail(err, CS_EFORMAT, "%s", (const char *)text);
        }
        /* Where the system allows no memory that is written and run, the interpreter does it. */
        if (flags & CS_REGEX_JIT)
                (void)pcre2_jit_compile(made->code, PCRE2_JIT_COMPLETE);
        *out = made;
        return CS_OK;
}

void cs_regex_destroy(struct cs_regex *regex)
{
        if (!regex)
                return;
        pcre2_code_free(regex->code);
        free(regex);
}

uint32_t cs_regex_groups(const struct cs_regex *regex)
{
        uint32_t groups = 0;
        (void)pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &groups);
        return groups;
}

enum cs_status cs_matcher_create(uint32_t groups, struct cs_matcher **out, struct cs_error *err)
{
        struct cs_matcher *m = calloc(1, sizeof(*m));
        if (!m)
                return cs_fail(err, CS_ENOMEM, "matcher");
        m->data = pcre2_match_data_create(groups + 1, NULL);
        m->context = pcre2_match_context_create(NULL);
        m->stack = pcre2_jit_stack_create(32 << 10, CS_LIMIT_JIT_STACK, NULL);
        if (!m->data || !m->context || !m->stack) {
                cs_matcher_destroy(m);
                return cs_fail(err, CS_ENOMEM, "matcher");
        }
        (void)pcre2_set_match_limit(m->context, CS_LIMIT_MATCH_STEPS);
        (void)pcre2_set_depth_limit(m->context, CS_LIMIT_MATCH_DEPTH);
        (void)pcre2_set_heap_limit(m->context, CS_LIMIT_MATCH_HEAP_KIB);
        pcre2_jit_stack_assign(m->context, NULL, m->stack);
        *out = m;
        return CS_OK;
}

void cs_matcher_destroy(struct cs_matcher *matcher)
{
        if (!matcher)
                return;
        pcre2_match_data_free(matcher->data);
        pcre2_match_context_free(matcher->context);
        pcre2_jit_stack_free(matcher->stack);
        free(matcher);
}

enum cs_match cs_regex_find(const struct cs_regex *regex, struct cs_matcher *matcher,
                            const struct cs_subject *subject, struct cs_span *out, size_t *attempt)
{
        uint32_t options =
                PCRE2_NOTEMPTY | (subject->begins ? 0 : PCRE2_NOTBOL) | (subject->ends ? 0 : PCRE2_NOTEOL);
        PCRE2_SPTR bytes = subject->bytes;
        if (subject->from > subject->last || subject->from >= subject->len)
                return CS_MATCH_NONE;
        (void)pcre2_set_offset_limit(matcher->context, subject->last);
        int found = pcre2_match(regex->code, bytes, subject->len, subject->from, options, matcher->data,
                                matcher->context);
        if (found == PCRE2_ERROR_JIT_STACKLIMIT)
                found = pcre2_match(regex->code, bytes, subject->len, subject->from, options | PCRE2_NO_JIT,
                                    matcher->data, matcher->context);
        if (found == PCRE2_ERROR_NOMATCH)
                return CS_MATCH_NONE;
        if (found < 0)
                return CS_MATCH_LIMIT;
        const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(matcher->data);
        *attempt = pcre2_get_startchar(matcher->data);
        *out = (struct cs_span){ offsets[0], offsets[1] };
        if (out->start > out->end) /* \K in an assertion; PCRE2 before 10.38 lets it */
                out->start = out->end;
        return CS_MATCH_FOUND;
}

bool cs_matcher_group(const struct cs_matcher *matcher, uint32_t group, struct cs_span *out)
{
        const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(matcher->data);
        if (group >= pcre2_get_ovector_count(matcher->data) || offsets[2 * group] == PCRE2_UNSET ||
            offsets[2 * group] > offsets[2 * group + 1])
                return false;
        *out = (struct cs_span){ offsets[2 * group], offsets[2 * group + 1] };
        return true;
}

bool cs_regex_has(const struct cs_regex *regex, struct cs_matcher *matcher, const void *bytes, size_t len)
{
        (void)pcre2_set_offset_limit(matcher->context, PCRE2_UNSET);
        return pcre2_match(regex->code, bytes, len, 0, 0, matcher->data, matcher->context) >= 0;
}
