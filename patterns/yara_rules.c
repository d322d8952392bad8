/* SPDX-License-Identifier: Apache-2.0 */
#include "yara_rules.h"

#include "cs_limits.h"

#include <stdlib.h>
#include <string.h>
#include <yara.h>

struct cs_yara {
        YR_RULES *rules;
        YR_RULE **list; /* in the order of the file */
        size_t n;
};

/* ---- compiling --------------------------------------------------------------------------------------------------- */

struct complaint {
        int line;
        char text[256];
};

static void on_complaint(int level, const char *file, int line, const YR_RULE *rule, const char *message,
                         void *context)
{
        struct complaint *c = context;
        (void)file;
        (void)rule;
        if (level != YARA_ERROR_LEVEL_ERROR || c->text[0])
                return;
        c->line = line;
        (void)snprintf(c->text, sizeof(c->text), "%s", message);
}

static enum cs_status list_rules(struct cs_yara *y, struct cs_error *err)
{
        YR_RULE *rule;
        size_t n = 0;
        yr_rules_foreach(y->rules, rule)
        {
                n++;
        }
        y->list = calloc(n + 1, sizeof(*y->list));
        if (!y->list)
                return cs_fail(err, CS_ENOMEM, "rules");
        yr_rules_foreach(y->rules, rule)
        {
                y->list[y->n++] = rule;
        }
        return CS_OK;
}

static enum cs_status compile(struct cs_yara *y, YR_COMPILER *compiler, const char *text,
                              struct cs_rule_place *place, struct cs_error *err)
{
        struct complaint complaint = { 0 };
        yr_compiler_set_callback(compiler, on_complaint, &complaint);
        yr_compiler_set_include_callback(compiler, NULL, NULL, NULL);
        if (yr_compiler_add_string(compiler, text, NULL) != 0) {
                *place = (struct cs_rule_place){ complaint.line > 0 ? (uint32_t)complaint.line : 1, 0 };
                return cs_fail(err, CS_EFORMAT, "%s",
                               complaint.text[0] ? complaint.text : "libyara refuses it");
        }
        if (yr_compiler_get_rules(compiler, &y->rules) != ERROR_SUCCESS)
                return cs_fail(err, CS_ENOMEM, "rules of YARA");
        return list_rules(y, err);
}

enum cs_status cs_yara_compile(const char *text, size_t len, struct cs_yara **out,
                               struct cs_rule_place *place, struct cs_error *err)
{
        YR_COMPILER *compiler = NULL;
        uint32_t shown = CS_LIMIT_HIT_TEXT;
        if (memchr(text, 0, len)) {
                *place = (struct cs_rule_place){ 1, 1 };
                return cs_fail(err, CS_EFORMAT, "a zero byte in a text of rules");
        }
        if (yr_initialize() != ERROR_SUCCESS)
                return cs_fail(err, CS_ENOMEM, "libyara");
        (void)yr_set_configuration(YR_CONFIG_MAX_MATCH_DATA, &shown);
        struct cs_yara *y = calloc(1, sizeof(*y));
        char *copy = malloc(len + 1);
        enum cs_status st = CS_ENOMEM;
        if (!y || !copy || yr_compiler_create(&compiler) != ERROR_SUCCESS) {
                (void)cs_fail(err, CS_ENOMEM, "libyara");
        } else {
                memcpy(copy, text, len);
                copy[len] = '\0';
                st = compile(y, compiler, copy, place, err);
        }
        free(copy);
        if (compiler)
                yr_compiler_destroy(compiler);
        if (st == CS_OK) {
                *out = y;
        } else if (y) {
                cs_yara_destroy(y);
        } else {
                (void)yr_finalize();
        }
        return st;
}

void cs_yara_destroy(struct cs_yara *yara)
{
        if (!yara)
                return;
        if (yara->rules)
                (void)yr_rules_destroy(yara->rules);
        free(yara->list);
        free(yara);
        (void)yr_finalize(); /* they are counted */
}

size_t cs_yara_count(const struct cs_yara *yara)
{
        return yara->n;
}

const char *cs_yara_name(const struct cs_yara *yara, size_t rule)
{
        return yara->list[rule]->identifier;
}

const char *cs_yara_description(const struct cs_yara *yara, size_t rule)
{
        YR_META *meta;
        yr_rule_metas_foreach(yara->list[rule], meta)
        {
                if (meta->type == META_TYPE_STRING && strcmp(meta->identifier, "description") == 0)
                        return meta->string;
        }
        return NULL;
}

/* ---- scanning ---------------------------------------------------------------------------------------------------- */

struct scan {
        const struct cs_yara *yara;
        cs_yara_next_fn next;
        cs_yara_match_fn match;
        void *context;
        struct cs_yara_block at;
        YR_MEMORY_BLOCK block;
        bool limited;
        enum cs_status status;
        struct cs_error *err;
};

static const uint8_t *fetch(YR_MEMORY_BLOCK *block)
{
        const struct scan *s = block->context;
        return s->at.bytes;
}

static YR_MEMORY_BLOCK *next_block(YR_MEMORY_BLOCK_ITERATOR *iterator)
{
        struct scan *s = iterator->context;
        iterator->last_error = ERROR_SUCCESS;
        if (!s->next(s->context, &s->at))
                return NULL;
        s->block = (YR_MEMORY_BLOCK){
                .size = s->at.len, .base = s->at.address, .context = s, .fetch_data = fetch
        };
        return &s->block;
}

static size_t number_of(const struct cs_yara *yara, const YR_RULE *rule)
{
        size_t i = 0;
        while (i < yara->n && yara->list[i] != rule)
                i++;
        return i;
}

static void tell_rule(struct scan *s, YR_SCAN_CONTEXT *context, YR_RULE *rule)
{
        size_t number = number_of(s->yara, rule);
        YR_STRING *string;
        YR_MATCH m;
        if (number == s->yara->n || RULE_IS_PRIVATE(rule))
                return;
        yr_rule_strings_foreach(rule, string)
        {
                /* libyara's notebook keeps them without alignment. */
                for (const void *at = context->matches[string->idx].head; at; at = m.next) {
                        memcpy(&m, at, sizeof(m));
                        if (m.is_private)
                                continue;
                        struct cs_yara_match match = { number, (uint64_t)(m.base + m.offset),
                                                       (uint64_t)m.match_length, m.data,
                                                       m.data_length > 0 ? (size_t)m.data_length : 0 };
                        if ((s->status = s->match(s->context, &match, s->err)) != CS_OK)
                                return;
                }
        }
}

static int on_message(YR_SCAN_CONTEXT *context, int message, void *data, void *user)
{
        struct scan *s = user;
        if (message == CALLBACK_MSG_RULE_MATCHING)
                tell_rule(s, context, data);
        else if (message == CALLBACK_MSG_TOO_MANY_MATCHES)
                s->limited = true;
        return s->status == CS_OK ? CALLBACK_CONTINUE : CALLBACK_ABORT;
}

enum cs_status cs_yara_scan(struct cs_yara *yara, cs_yara_next_fn next, cs_yara_match_fn match, void *context,
                            bool *limited, struct cs_error *err)
{
        struct scan s = { .yara = yara, .next = next, .match = match, .context = context, .err = err };
        YR_MEMORY_BLOCK_ITERATOR iterator = { .context = &s, .first = next_block, .next = next_block };
        YR_SCANNER *scanner = NULL;
        if (yr_scanner_create(yara->rules, &scanner) != ERROR_SUCCESS)
                return cs_fail(err, CS_ENOMEM, "libyara");
        yr_scanner_set_callback(scanner, on_message, &s);
        /* A file that shrinks under our mapping is our own signal handler's business. */
        yr_scanner_set_flags(scanner, SCAN_FLAGS_REPORT_RULES_MATCHING | SCAN_FLAGS_NO_TRYCATCH);
        int result = yr_scanner_scan_mem_blocks(scanner, &iterator);
        yr_scanner_destroy(scanner);
        *limited = s.limited;
        if (s.status != CS_OK)
                return s.status;
        if (result == ERROR_INSUFFICIENT_MEMORY)
                return cs_fail(err, CS_ENOMEM, "libyara");
        if (result != ERROR_SUCCESS)
                return cs_fail(err, CS_ELIMIT, "libyara gave up: error %d", result);
        return CS_OK;
}
