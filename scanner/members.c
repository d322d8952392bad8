/* SPDX-License-Identifier: Apache-2.0 */
#include "members.h"

#include <stdlib.h>

enum cs_status cs_members_build(const struct cs_blocks *blocks, const struct cs_clusters *clusters,
                                struct cs_members *out, struct cs_error *err)
{
        out->first = calloc(clusters->at.n + 2, sizeof(*out->first));
        /* Of small pages: see huge.h. */
        out->block = malloc(((size_t)cs_blocks_indices(blocks) + 1) * sizeof(*out->block));
        if (!out->first || !out->block)
                return cs_fail(err, CS_ENOMEM, "members of %zu clusters", clusters->at.n);
        /* A counting sort: first[c + 1] is where cluster c's next block goes, and so ends as where c + 1 begins. */
        uint32_t sum = 0;
        for (size_t c = 0; c < clusters->at.n; c++) {
                out->first[c + 1] = sum;
                sum += (uint32_t)clusters->at.at[c].count;
        }
        for (uint32_t i = 0; i < cs_blocks_indices(blocks); i++) {
                uint32_t cluster = cs_blocks_cluster(blocks, i);
                if (cluster != CS_NO_CLUSTER)
                        out->block[out->first[cluster + 1]++] = i;
        }
        return CS_OK;
}

void cs_members_deinit(struct cs_members *members)
{
        free(members->first);
        free(members->block);
        *members = (struct cs_members){ 0 };
}

size_t cs_members_sample(const struct cs_members *members, uint32_t cluster, size_t most, uint32_t *out)
{
        size_t first = members->first[cluster], count = members->first[cluster + 1] - first;
        size_t n = count < most ? count : most;
        for (size_t i = 0; i < n; i++)
                out[i] = members->block[first + (uint64_t)i * count / n];
        return n;
}
