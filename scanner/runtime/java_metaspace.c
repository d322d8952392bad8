/* SPDX-License-Identifier: Apache-2.0 */
#include "java_metaspace.h"

#include "marks.h"

enum {
        LOADERS_MAX = 1 << 20, /* hidden classes have one each */
        KLASSES_MAX = 1 << 20,
        /* Metaspace is cut from root chunks of that size, aligned to it (OpenJDK 16 to 21,
         * src/hotspot/share/memory/metaspace/chunklevel.hpp, MAX_CHUNK_BYTE_SIZE; 16 MiB since 22); before it had mappings of its own.
         * So what is mapped around a class is metaspace up to there. */
        ROOT_CHUNK = 4 << 20,
        WINDOWS_MAX = 8192,
};

struct windows {
        const struct cs_java *java;
        CS_VEC(struct cs_range) at;
        size_t last; /* where the last one was found */
};

/* Is addr a place for metadata? *window: what around it is metadata too. */
static bool window_of(const struct windows *w, uint64_t addr, struct cs_range *window)
{
        const struct cs_mapping *m = addr % 8 ? NULL : cs_image_mapping_at(w->java->in->image, addr);
        uint64_t start = addr & ~(uint64_t)(ROOT_CHUNK - 1);
        if (!m || !cs_marks_plain(m))
                return false;
        *window = cs_range_cut(m->range, (struct cs_range){ start, start + ROOT_CHUNK });
        return true;
}

static enum cs_status note(struct windows *w, struct cs_range window, struct cs_error *err)
{
        if (w->last < w->at.n && w->at.at[w->last].start == window.start)
                return CS_OK;
        for (w->last = 0; w->last < w->at.n; w->last++)
                if (w->at.at[w->last].start == window.start)
                        return CS_OK;
        return w->at.n < WINDOWS_MAX ? cs_vec_push(&w->at, window, err) : CS_OK;
}

static enum cs_status note_klass(struct windows *w, uint64_t klass, struct cs_error *err)
{
        struct cs_range window;
        uint64_t constants, holder;
        enum cs_status st = window_of(w, klass, &window) ? note(w, window, err) : CS_OK;
        /* A class of an array has no constants, and what is read instead does not name it. */
        if (st == CS_OK && cs_java_word(w->java, CS_JAVA_KLASS_CONSTANTS, klass, &constants) &&
            window_of(w, constants, &window) &&
            cs_java_word(w->java, CS_JAVA_CONSTANTS_KLASS, constants, &holder) && holder == klass)
                st = note(w, window, err);
        return st;
}

static enum cs_status note_all(struct windows *w, struct cs_error *err)
{
        const struct cs_java *j = w->java;
        enum cs_status st = CS_OK;
        uint64_t loader, klass, of;
        size_t loaders = 0, klasses = 0;
        if (!cs_java_word(j, CS_JAVA_LOADERS, 0, &loader))
                return CS_OK;
        while (loader && loaders++ < LOADERS_MAX) {
                if (!cs_java_word(j, CS_JAVA_LOADER_KLASSES, loader, &klass))
                        break;
                while (st == CS_OK && klass && klasses++ < KLASSES_MAX &&
                       cs_java_word(j, CS_JAVA_KLASS_LOADER, klass, &of) && of == loader) {
                        st = note_klass(w, klass, err);
                        if (!cs_java_word(j, CS_JAVA_KLASS_NEXT, klass, &klass))
                                break;
                }
                if (st != CS_OK || !cs_java_word(j, CS_JAVA_LOADER_NEXT, loader, &loader))
                        break;
        }
        return st;
}

enum cs_status cs_java_metaspace(const struct cs_java *java, struct cs_claims *claims, struct cs_error *err)
{
        struct windows w = { .java = java };
        if (!cs_java_has(java, CS_JAVA_LOADERS, CS_JAVA_CONSTANTS_KLASS))
                return CS_OK;
        enum cs_status st = note_all(&w, err);
        for (size_t i = 0; st == CS_OK && i < w.at.n; i++)
                st = cs_claims_add(claims,
                                   (struct cs_claim){ w.at.at[i], CS_KIND_JAVA_METASPACE, java->module,
                                                      "metaspace", 0 },
                                   err);
        cs_vec_deinit(&w.at);
        return st;
}
