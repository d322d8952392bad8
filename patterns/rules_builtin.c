/* SPDX-License-Identifier: Apache-2.0 */
/* Forms of tokens are those that their makers document, or that gitleaks and trufflehog know; keys are told by their structure. */
#include "regex.h"
#include "rulefile.h"

#include <string.h>

struct builtin {
        const char *id;
        const char *description;
        const char *regex;
        const char *keyword; /* or NULL */
        double entropy;
        uint32_t group;
        enum cs_rule_check check;
};

/* A token ends where no further byte of it could follow. */
#define END "(?![A-Za-z0-9_-])"
#define BEGIN "(?<![A-Za-z0-9_-])"
#define PEM_KIND "(?:[A-Z0-9]{2,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"

static const struct builtin secrets[] = {
        { "private-key-pem", "private key in PEM, PGP's or OpenSSH's format",
          "-----BEGIN " PEM_KIND "(?:[A-Za-z0-9+/=:,.()\\s]++|\\\\[nrt]|-(?!----))*+(?:-----END " PEM_KIND
          ")?",
          NULL, 0, 0, CS_CHECK_PEM },
        { "private-key-der", "private key in DER (PKCS#1, PKCS#8, SEC1)",
          "\\x30(?:\\x82[\\x01-\\x7f][\\x00-\\xff]|\\x81[\\x80-\\xff]|[\\x28-\\x7f])\\x02\\x01"
          "(?:\\x00(?:\\x02[\\x40-\\x82]|\\x30[\\x00-\\x40]\\x06)|\\x01(?:\\x04[\\x14-\\x42]|\\x30[\\x00-\\x40]\\x06))",
          NULL, 0, 0, CS_CHECK_DER },
        { "putty-private-key", "private key in PuTTY's format",
          "PuTTY-User-Key-File-[23]: [\\x20-\\x7e]{4,80}\\r?\\n(?:[\\x20-\\x7e]{1,200}\\r?\\n){3,200}", NULL,
          0, 0, CS_CHECK_NONE },
        { "age-secret-key", "age's secret key", "AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
          NULL, 0, 0, CS_CHECK_NONE },
        { "aws-access-key", "AWS access key id",
          "(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])", NULL, 3, 0, CS_CHECK_NONE },
        { "aws-secret-key", "AWS secret access key, beside its name",
          "(?i:aws_?secret_?(?:access_?)?key|secretaccesskey)[\"']?[\\x00\\s]{0,3}[=:>,]{0,3}[\\x00\\s]{0,3}[\"']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
          NULL, 4.2, 1, CS_CHECK_NONE },
        { "gcp-api-key", "Google API key", BEGIN "AIza[A-Za-z0-9_-]{35}" END, NULL, 3.5, 0, CS_CHECK_NONE },
        { "gcp-oauth-token", "Google OAuth access token", BEGIN "ya29\\.[A-Za-z0-9_-]{30,2000}", NULL, 3.5, 0,
          CS_CHECK_NONE },
        { "gcp-oauth-secret", "Google OAuth client secret", BEGIN "GOCSPX-[A-Za-z0-9_-]{28}" END, NULL, 3, 0,
          CS_CHECK_NONE },
        { "azure-storage-key", "Azure storage account key", "AccountKey=([A-Za-z0-9+/]{86}==)", NULL, 4, 1,
          CS_CHECK_NONE },
        { "github-token", "GitHub token (classic, OAuth, app, refresh)",
          BEGIN "gh[pousr]_[A-Za-z0-9]{36}" END, NULL, 3, 0, CS_CHECK_NONE },
        { "github-fine-grained", "GitHub fine-grained token", BEGIN "github_pat_[A-Za-z0-9_]{82}" END, NULL,
          3, 0, CS_CHECK_NONE },
        { "gitlab-token", "GitLab token",
          BEGIN "(?:glpat|gldt|glrt|glcbt|glptt|glft|glsoat|glimt|glagent|gloas|glffct)-[A-Za-z0-9_-]{20,64}",
          NULL, 3, 0, CS_CHECK_NONE },
        { "slack-token", "Slack token", BEGIN "xox[abeoprs](?:\\.xox[bp])?-[A-Za-z0-9-]{10,250}", NULL, 2.5,
          0, CS_CHECK_NONE },
        { "slack-app-token", "Slack app-level token",
          BEGIN "xapp-[0-9]-[A-Z0-9]{8,14}-[0-9]{10,16}-[a-z0-9]{32,80}", NULL, 2.5, 0, CS_CHECK_NONE },
        { "slack-webhook", "Slack webhook",
          "hooks\\.slack\\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{43,56}", NULL, 0, 0,
          CS_CHECK_NONE },
        { "stripe-key", "Stripe key", BEGIN "(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10,247}", NULL, 2.5, 0,
          CS_CHECK_NONE },
        { "jwt", "JSON web token",
          BEGIN "ey[A-Za-z0-9_-]{10,8000}\\.ey[A-Za-z0-9_-]{10,16000}\\.[A-Za-z0-9_-]{10,4000}", NULL, 0, 0,
          CS_CHECK_NONE },
        { "npm-token", "npm token", BEGIN "npm_[A-Za-z0-9]{36}" END, NULL, 2.5, 0, CS_CHECK_NONE },
        { "pypi-token", "PyPI token", BEGIN "pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,1000}", NULL, 3, 0,
          CS_CHECK_NONE },
        { "rubygems-token", "RubyGems token", BEGIN "rubygems_[a-f0-9]{48}" END, NULL, 2.5, 0,
          CS_CHECK_NONE },
        { "docker-token", "Docker Hub token", BEGIN "dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,32}" END, NULL, 3, 0,
          CS_CHECK_NONE },
        { "digitalocean-token", "DigitalOcean token", BEGIN "do[opr]_v1_[a-f0-9]{64}" END, NULL, 3, 0,
          CS_CHECK_NONE },
        { "sendgrid-token", "SendGrid token", BEGIN "SG\\.[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}" END, NULL, 3,
          0, CS_CHECK_NONE },
        { "twilio-key", "Twilio API key", BEGIN "SK[0-9a-f]{32}" END, NULL, 3, 0, CS_CHECK_NONE },
        { "telegram-token", "Telegram bot token", "(?<![0-9A-Za-z])[0-9]{8,10}:AA[A-Za-z0-9_-]{33}" END, NULL,
          3.5, 0, CS_CHECK_NONE },
        { "openai-key", "OpenAI key",
          BEGIN "sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,200}T3BlbkFJ[A-Za-z0-9_-]{20,200}", NULL, 3, 0,
          CS_CHECK_NONE },
        { "anthropic-key", "Anthropic key", BEGIN "sk-ant-(?:api|admin)[0-9]{2}-[A-Za-z0-9_-]{80,120}", NULL,
          3, 0, CS_CHECK_NONE },
        { "huggingface-token", "Hugging Face token", BEGIN "hf_[A-Za-z]{34}" END, NULL, 3, 0, CS_CHECK_NONE },
        { "vault-token", "HashiCorp Vault token", BEGIN "hv[sbr]\\.[A-Za-z0-9_-]{24,300}", NULL, 3.5, 0,
          CS_CHECK_NONE },
        { "shopify-token", "Shopify token", BEGIN "shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}" END, NULL, 2.5, 0,
          CS_CHECK_NONE },
        { "grafana-token", "Grafana service account token", BEGIN "glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}" END,
          NULL, 3, 0, CS_CHECK_NONE },
        { "bearer-token", "token of an Authorization header",
          "(?i:authorization[\"']?[:=]\\s{0,3}[\"']?bearer) ([A-Za-z0-9._~+/-]{16,4000}=*)", NULL, 3, 1,
          CS_CHECK_NONE },
        { "basic-auth", "user and password of an Authorization header",
          "(?i:authorization[\"']?[:=]\\s{0,3}[\"']?basic) ([A-Za-z0-9+/]{8,400}={0,2})", NULL, 2, 1,
          CS_CHECK_NONE },
        { "url-password", "password in a URL",
          "[a-z][a-z0-9+.-]{2,20}://[^\\s:/@\\x00-\\x1f\\x7f-\\xff\"'<>]{1,64}:([^\\s:/@\\x00-\\x1f\\x7f-\\xff\"'<>]{3,100})@[A-Za-z0-9.-]{3,100}",
          NULL, 0, 1, CS_CHECK_NONE },
        { "password-assignment", "password or secret beside its name",
          "(?i:[a-z0-9_.-]{0,20}(?:passw(?:or)?d|secret|api_?key|auth_?token|access_?token)[a-z0-9_.-]{0,20})[\"']?\\s{0,3}(?:=|:=|:|=>)\\s{0,3}[\"']([^\"'\\s\\x00-\\x1f\\x7f-\\xff]{8,100})[\"']",
          NULL, 3, 1, CS_CHECK_NONE },
        { "shadow-hash", "password hash of crypt(3)", "\\$(?:1|2[aby]|5|6|7|y|gy)\\$[A-Za-z0-9./$=,]{20,150}",
          NULL, 3, 0, CS_CHECK_NONE },
};

#define TEXT "[\\x20-\\x7e]"

static const struct builtin http[] = {
        { "request-line", "first line of an HTTP request",
          "\\b(?:GET|POST|PUT|DELETE|HEAD|OPTIONS|PATCH|CONNECT|TRACE|PROPFIND) [\\x21-\\x7e]{1,8000} HTTP/[0-9.]{1,3}",
          NULL, 0, 0, CS_CHECK_NONE },
        { "status-line", "first line of an HTTP response",
          "\\bHTTP/[12](?:\\.[01])? [1-5][0-9]{2}(?: [\\x20-\\x7e]{0,60})?", NULL, 0, 0, CS_CHECK_NONE },
        { "header", "HTTP header",
          "(?i)(?<![A-Za-z0-9-])(?:host|user-agent|referer|origin|accept(?:-[a-z]+)?|content-(?:type|length|encoding|disposition)|server|location|via|x-[a-z0-9-]{2,40}|"
          "cache-control|etag|last-modified|if-none-match|transfer-encoding|connection|date): ?" TEXT
          "{1,8000}",
          NULL, 0, 0, CS_CHECK_NONE },
        { "cookie", "cookies", "(?i)(?<![A-Za-z0-9-])(?:set-)?cookie: ?" TEXT "{1,8000}", NULL, 0, 0,
          CS_CHECK_NONE },
        { "url", "URL",
          "\\b(?:https?|wss?|ftp)://[A-Za-z0-9.\\[\\]:_@%-]{1,255}(?:[/?#][A-Za-z0-9._~:/?#\\[\\]@!$&'()*+,;=%-]{0,4000})?",
          NULL, 0, 0, CS_CHECK_NONE },
};

static const struct builtin pii[] = {
        { "email", "e-mail address",
          "(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])",
          NULL, 0, 0, CS_CHECK_NONE },
        { "phone", "telephone number, international",
          "(?<![0-9A-Za-z+])\\+[1-9][0-9]{0,2}[ .-]?\\(?[0-9]{1,4}\\)?(?:[ .-]?[0-9]{2,4}){2,4}(?![0-9A-Za-z])",
          NULL, 0, 0, CS_CHECK_NONE },
        { "iban", "bank account (IBAN)",
          "(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])", NULL,
          0, 0, CS_CHECK_IBAN },
        { "card", "payment card number",
          "(?<![0-9A-Za-z.+/_-])(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|3[47][0-9]{2}|30[0-5][0-9]|3[689][0-9]{2}|6(?:011|22[0-9]|4[4-9][0-9]|5[0-9]{2})|35[2-8][0-9])"
          "(?:([ -]?)[0-9]{4}(?:\\1[0-9]{4}){2}|[ -]?[0-9]{6}[ -]?[0-9]{4,5})(?![0-9A-Za-z/_-])",
          NULL, 0, 0, CS_CHECK_CARD },
        { "ipv4", "IP address", "(?<![0-9A-Za-z.])(?:[0-9]{1,3}\\.){3}[0-9]{1,3}(?![0-9A-Za-z.]*[0-9A-Za-z])",
          NULL, 0, 0, CS_CHECK_IP4 },
        { "ipv6", "IPv6 address",
          "(?<![0-9A-Za-z:.])(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}(?![0-9A-Za-z:])", NULL, 0, 0,
          CS_CHECK_NONE },
        { "mac", "hardware address", "(?<![0-9A-Za-z:])(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}(?![0-9A-Za-z:])",
          NULL, 0, 0, CS_CHECK_NONE },
        { "us-ssn", "US social security number, beside its name",
          "(?i:ssn|social.security)[\\x20-\\x7e]{0,20}?(?<![0-9-])((?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4})(?![0-9-])",
          NULL, 0, 1, CS_CHECK_NONE },
};

static const struct {
        const char *name;
        const struct builtin *at;
        size_t n;
} sets[] = {
        { "secrets", secrets, sizeof(secrets) / sizeof(secrets[0]) },
        { "http", http, sizeof(http) / sizeof(http[0]) },
        { "pii", pii, sizeof(pii) / sizeof(pii[0]) },
};

enum cs_status cs_rules_builtin(const char *name, struct cs_rules *rules, struct cs_error *err)
{
        for (size_t s = 0; s < sizeof(sets) / sizeof(sets[0]); s++) {
                if (strcmp(name, sets[s].name) != 0)
                        continue;
                for (size_t i = 0; i < sets[s].n; i++) {
                        const struct builtin *b = &sets[s].at[i];
                        struct cs_rule rule = { .id = b->id,
                                                .description = b->description,
                                                .regex = b->regex,
                                                .regex_len = strlen(b->regex),
                                                .keywords = { &b->keyword, b->keyword != NULL },
                                                .entropy = b->entropy,
                                                .secret_group = b->group,
                                                .check = b->check,
                                                .redact = sets[s].at == secrets ||
                                                          b->check == CS_CHECK_CARD ||
                                                          b->check == CS_CHECK_IBAN || b->group,
                                                .file = rules->files };
                        enum cs_status st = cs_vec_push(&rules->at, rule, err);
                        if (st != CS_OK)
                                return st;
                }
                rules->files++;
                return CS_OK;
        }
        return cs_fail(err, CS_EFORMAT, "no built-in rules are called so; there are secrets, http, pii");
}

enum cs_status cs_rules_add_grep(const char *regex, struct cs_rules *rules, struct cs_error *err)
{
        struct cs_rule rule = { .id = cs_pool_printf(&rules->pool, "%s", regex),
                                .regex = cs_pool_copy(&rules->pool, regex, strlen(regex)),
                                .regex_len = strlen(regex),
                                .flags = CS_REGEX_MULTILINE,
                                .file = rules->files };
        if (!rule.id || !rule.regex)
                return cs_fail(err, CS_ENOMEM, "rules");
        rules->files++;
        return cs_vec_push(&rules->at, rule, err);
}
