/* SPDX-License-Identifier: Apache-2.0 */
#include "hitteller.h"

#include "digest.h"
#include "gate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum cs_status cs_hit_teller_asks_around(struct cs_hit_teller *t, struct cs_error *err)
{
        t->hands = malloc(sizeof(*t->hands));
        if (!t->hands)
                return cs_fail(err, CS_ENOMEM, "hits");
        cs_hands_init(t->hands, t->in->image, t->in->space, t->in->blocks);
        return CS_OK;
}

void cs_hit_teller_deinit(struct cs_hit_teller *t)
{
        if (t->hands)
                cs_hands_deinit(t->hands);
        free(t->hands);
        t->hands = NULL;
}

/* ---- where it is ------------------------------------------------------------------------------------------------- */

/* managed: it lies in memory that a runtime manages, whose kind stays told. */
static void tell_block(const struct cs_hit_teller *t, uint32_t index, const struct cs_block *b, bool managed,
                       struct cs_pool *pool, struct cs_report_hit *out)
{
        const struct cs_hits_input *in = t->in;
        out->has_block = true;
        out->block = cs_block_user(b);
        out->block_size = cs_block_usable(b);
        switch (cs_block_state(b)) {
        case CS_BLOCK_IN_USE:
                out->state = "in-use";
                break;
        case CS_BLOCK_FREE:
        case CS_BLOCK_TOP:
                out->state = "free";
                break;
        case CS_BLOCK_CACHED:
                out->state = "cached";
                break;
        default:
                out->has_block = false;
                break;
        }
        if (!managed)
                out->region = cs_kind_name(!out->state                            ? CS_KIND_MALLOC_OVERHEAD
                                           : cs_block_state(b) == CS_BLOCK_IN_USE ? CS_KIND_MALLOC_USED
                                                                                  : CS_KIND_MALLOC_FREE);
        if (cs_block_state(b) != CS_BLOCK_IN_USE)
                return;
        if (t->hands) {
                int32_t near = cs_hands_owner(t->hands, index, &out->confidence);
                if (near != CS_NO_MODULE)
                        out->library = in->image->modules.at[near].name;
        }
        if (!t->related)
                return;
        if (b->cluster != CS_NO_CLUSTER)
                out->cluster = cs_pool_printf(pool, "c%" PRIu32, b->cluster + 1);
        int32_t module = cs_label_module(in->owners, index);
        if (module != CS_NO_MODULE) {
                out->library = cs_unloaded_name(in->image, in->unloaded, (size_t)module);
                out->confidence = in->owners->certainty[index] / 255.0;
        }
}

static void tell_place(struct cs_hit_teller *t, uint64_t addr, struct cs_pool *pool,
                       struct cs_report_hit *out)
{
        const struct cs_region *r = cs_regions_at(t->settled ? t->in->regions : t->in->searched, addr);
        struct cs_block b;
        uint32_t block = t->settled ? cs_blocks_holding(t->in->blocks, t->in->space, addr, &b) : CS_NO_BLOCK;
        if (r && (t->settled || r->kind != CS_KIND_ANONYMOUS)) {
                out->region = cs_kind_name(r->kind);
                out->detail = r->detail;
                if (r->module != CS_NO_MODULE &&
                    (r->kind == CS_KIND_MODULE_DATA || r->kind == CS_KIND_STACK)) {
                        out->library = t->in->image->modules.at[r->module].name;
                        out->confidence = 1;
                }
        }
        if (block != CS_NO_BLOCK)
                tell_block(t, block, &b, r && cs_kind_managed(r->kind), pool, out);
}

/* ---- what it is -------------------------------------------------------------------------------------------------- */

/* Length, class and a part of the hash: enough to know a secret that one has, and no help to find one that one has not. */
static enum cs_status redact(const struct cs_scan_hit *hit, struct cs_pool *pool, struct cs_report_hit *out,
                             struct cs_error *err)
{
        uint64_t offset = hit->secret - hit->address, len = hit->secret_length;
        char hash[CS_DIGEST_TEXT] = "";
        if (offset > hit->text_len)
                offset = hit->text_len;
        if (len > hit->text_len - offset)
                len = hit->text_len - offset;
        const uint8_t *secret = hit->text + offset;
        out->redacted = true;
        out->secret_class = cs_bytes_class(secret, (size_t)len);
        if (cs_digest_bytes(secret, (size_t)len, hash))
                memcpy(out->secret_hash, hash, CS_HIT_HASH - 1);
        const char *text = cs_pool_printf(pool, "[redacted: %" PRIu64 " bytes of %s, sha256 %s]",
                                          hit->secret_length, out->secret_class, out->secret_hash);
        if (!text)
                return cs_fail(err, CS_ENOMEM, "hits");
        out->match = (struct cs_text){ text, strlen(text) };
        return CS_OK;
}

enum cs_status cs_hit_tell(struct cs_hit_teller *t, const struct cs_scan_hit *hit, struct cs_pool *pool,
                           struct cs_report_hit *out, struct cs_error *err)
{
        const struct cs_rule *rule = &t->in->wanted->rules->at.at[hit->rule];
        *out = (struct cs_report_hit){ .rule = rule->id,
                                       .address = hit->address,
                                       .length = hit->length,
                                       .secret_address = hit->secret,
                                       .secret_length = hit->secret_length };
        tell_place(t, hit->address, pool, out);
        if (rule->redact && !t->in->wanted->reveal)
                return redact(hit, pool, out, err);
        const char *text = cs_pool_copy(pool, hit->text, hit->text_len);
        if (!text)
                return cs_fail(err, CS_ENOMEM, "hits");
        out->match = (struct cs_text){ text, hit->text_len };
        return CS_OK;
}
