/* SPDX-License-Identifier: Apache-2.0 */
/* Reads any bytes as a file of rules (the first byte says by which name), compiles what comes out and searches the file itself with it. */
#include "rulefile.h"
#include "ruleset.h"

#include <stdlib.h>
#include <string.h>

enum { RULES = 16, TEXT = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum cs_status ignore(void *context, const struct cs_found *found, struct cs_error *err)
{
        (void)err;
        const struct cs_window *w = context;
        if (found->match.end > w->len || found->match.start >= found->match.end || found->secret.end > w->len)
                abort();
        return CS_OK;
}

static void search(const struct cs_rules *rules, const uint8_t *text, size_t len)
{
        struct cs_ruleset *set = NULL;
        struct cs_searcher *searcher = NULL;
        const struct cs_rule *culprit;
        if (cs_ruleset_compile(rules, CS_WAY_PLAIN, &set, &culprit, NULL) != CS_OK)
                return;
        if (cs_searcher_create(set, &searcher, NULL) == CS_OK) {
                struct cs_window w = { text, len, 0x1000, 0, len, true, true };
                cs_searcher_begin(searcher);
                if (cs_searcher_run(searcher, &w, ignore, &w, NULL) != CS_OK)
                        abort();
        }
        cs_searcher_destroy(searcher);
        cs_ruleset_destroy(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const names[] = { "x.yaml", "x.toml", "x" };
        struct cs_rules rules = { 0 };
        struct cs_rule_place place;
        struct cs_error err = { 0 };
        if (!size)
                return 0;
        const char *name = names[data[0] % 3];
        /* YARA's language is libyara's to read. */
        if (memmem(data, size, "rule ", 5) && name[1] == '\0')
                return 0;
        enum cs_status st = cs_rules_read(name, (const char *)data + 1, size - 1, &rules, &place, &err);
        if (st != CS_OK && !err.text[0])
                abort();
        if (st == CS_OK && rules.at.n <= RULES)
                search(&rules, data, size < TEXT ? size : TEXT);
        cs_rules_deinit(&rules);
        return 0;
}
