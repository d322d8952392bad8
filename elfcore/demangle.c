/* SPDX-License-Identifier: Apache-2.0 */
/* libiberty's demangler between two bounds. Mangled names refer back to parts of themselves, so a hundred bytes can stand
 * for a text of gigabytes, and some can keep the parser or the printer busy for as long without a byte of output. Hence:
 *  - a name that is longer than libiberty accepts with its recursion limit on is not tried;
 *  - a name that makes the parser try again and again is not tried (see backtracks());
 *  - the parsed tree is weighed before it is printed: what is shared in it counts as often as it would be printed;
 *  - printing ends, by a jump out of the callback, when the text is as long as it may be. */
#include "symbols.h"

#include "cs_limits.h"

#include <ctype.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <string.h>

enum {
        OPTIONS = DMGL_PARAMS | DMGL_ANSI,
        /* libiberty allows two components per byte, and DEMANGLE_RECURSION_LIMIT (2,048) components. */
        INPUT_MAX = DEMANGLE_RECURSION_LIMIT / 2,
        /* Nodes of a tree whose text fits CS_LIMIT_NAME: nearly every node prints at least one byte. */
        NODES_MAX = 4 * CS_LIMIT_NAME,
        /* The parser's work doubles with each level of what backtracks() counts. */
        BACKTRACKS_MAX = 8,
};

/* ---- output ------------------------------------------------------------------------------------------------------ */

struct output {
        char text[CS_LIMIT_NAME];
        size_t n;
        bool full;
        jmp_buf out;
};

/* libiberty's C++ printer keeps everything on its stack, so that it may be left at any time. Its Rust printer has memory
 * of its own only while it prints an identifier in punycode, and then in pieces of one character that is a letter, a
 * digit, '_' or not ASCII: it is left at the other pieces. */
static void take(const char *piece, size_t len, void *opaque)
{
        struct output *o = opaque;
        size_t room = sizeof(o->text) - o->n;
        size_t n = len < room ? len : room;
        memcpy(o->text + o->n, piece, n);
        o->n += n;
        if (n < len)
                o->full = true;
        if (o->full && len && (len > 4 || (isascii(piece[0]) && !isalnum(piece[0]) && piece[0] != '_')))
                longjmp(o->out, 1);
}

/* Text that was cut ends with "…", and never inside a UTF-8 sequence. */
static const char *keep(struct cs_pool *pool, struct output *o)
{
        static const char mark[] = "…";
        if (!o->full)
                return cs_pool_copy(pool, o->text, o->n);
        size_t n = sizeof(o->text) - (sizeof(mark) - 1);
        while (n > 0 && ((unsigned char)o->text[n] & 0xc0) == 0x80)
                n--;
        memcpy(o->text + n, mark, sizeof(mark) - 1);
        return cs_pool_copy(pool, o->text, n + sizeof(mark) - 1);
}

/* ---- C++ --------------------------------------------------------------------------------------------------------- */

/* libiberty's parser reads a template template parameter in the type of a conversion operator, and then its arguments, as
 * a trial; it does so again within these (libiberty/cp-demangle.c, cplus_demangle_type(), case 'T': d_checkpoint()). Such
 * names hold "cv" and "T_I" or "T0_I" once per level; real ones have a level or two. */
static size_t backtracks(const char *name)
{
        size_t operators = 0, parameters = 0;
        for (const char *p = name; *p; p++) {
                operators += p[0] == 'c' && p[1] == 'v';
                if (p[0] != 'T')
                        continue;
                const char *q = p + 1;
                while (isdigit((unsigned char)*q) || isupper((unsigned char)*q))
                        q++;
                parameters += q[0] == '_' && q[1] == 'I';
        }
        return operators < parameters ? operators : parameters;
}

/* The components below one, as libiberty's d_print_comp() will visit them (libiberty/demangle.h, the union's comments). */
static size_t children(const struct demangle_component *dc, const struct demangle_component *out[2])
{
        switch (dc->type) {
        case DEMANGLE_COMPONENT_NAME:
        case DEMANGLE_COMPONENT_OPERATOR:
        case DEMANGLE_COMPONENT_BUILTIN_TYPE:
        case DEMANGLE_COMPONENT_EXTENDED_BUILTIN_TYPE:
        case DEMANGLE_COMPONENT_SUB_STD:
        case DEMANGLE_COMPONENT_TEMPLATE_PARAM:
        case DEMANGLE_COMPONENT_FUNCTION_PARAM:
        case DEMANGLE_COMPONENT_NUMBER:
        case DEMANGLE_COMPONENT_CHARACTER:
        case DEMANGLE_COMPONENT_UNNAMED_TYPE:
                return 0;
        case DEMANGLE_COMPONENT_EXTENDED_OPERATOR:
                out[0] = dc->u.s_extended_operator.name;
                return 1;
        case DEMANGLE_COMPONENT_FIXED_TYPE:
                out[0] = dc->u.s_fixed.length;
                return 1;
        case DEMANGLE_COMPONENT_CTOR:
                out[0] = dc->u.s_ctor.name;
                return 1;
        case DEMANGLE_COMPONENT_DTOR:
                out[0] = dc->u.s_dtor.name;
                return 1;
        case DEMANGLE_COMPONENT_LAMBDA:
        case DEMANGLE_COMPONENT_DEFAULT_ARG:
                out[0] = dc->u.s_unary_num.sub;
                return 1;
        default:
                out[0] = dc->u.s_binary.left;
                out[1] = dc->u.s_binary.right;
                return 2;
        }
}

/* Nodes of the tree, shared ones as often as they are shared, up to NODES_MAX + 1. Ends because each call takes one from
 * what is left; as deep as the name is nested, which is bounded by INPUT_MAX. */
static size_t weigh(const struct demangle_component *dc, size_t left)
{
        const struct demangle_component *below[2];
        if (!dc || left == 0)
                return 0;
        size_t used = 1, n = children(dc, below);
        for (size_t i = 0; i < n; i++)
                used += weigh(below[i], left - used);
        return used;
}

static const char *demangle_cplus(struct cs_pool *pool, const char *name, bool type)
{
        void *memory = NULL;
        if (strlen(name) >= INPUT_MAX || backtracks(name) > BACKTRACKS_MAX)
                return NULL;
        struct demangle_component *tree =
                cplus_demangle_v3_components(name, OPTIONS | (type ? DMGL_TYPES : 0), &memory);
        if (!tree)
                return NULL;
        const char *text = NULL;
        if (weigh(tree, NODES_MAX + 1) <= NODES_MAX) {
                struct output *o = malloc(sizeof(*o));
                if (o) {
                        o->n = 0;
                        o->full = false;
                        if (setjmp(o->out) || cplus_demangle_print_callback(OPTIONS, tree, take, o))
                                text = keep(pool, o);
                }
                free(o);
        }
        free(memory);
        return text;
}

/* ---- Rust -------------------------------------------------------------------------------------------------------- */

/* Both manglings: the legacy one (_ZN…17h<hash>E, shown without its hash) and v0 (_R…). */
static const char *demangle_rust(struct cs_pool *pool, const char *name)
{
        struct output *o = malloc(sizeof(*o));
        const char *text = NULL;
        if (!o)
                return NULL;
        o->n = 0;
        o->full = false;
        if (setjmp(o->out) || rust_demangle_callback(name, OPTIONS, take, o))
                text = keep(pool, o);
        free(o);
        return text;
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

const char *cs_demangle(struct cs_pool *pool, const char *name, bool type)
{
        char copy[CS_LIMIT_NAME + 1];
        size_t len = strnlen(name, CS_LIMIT_NAME);
        memcpy(copy, name, len);
        copy[len] = 0;
        const char *text = NULL;
        if (type) {
                text = len ? demangle_cplus(pool, copy, true) : NULL;
        } else if (copy[0] == '_' && (copy[1] == 'Z' || copy[1] == 'R')) {
                /* .symtab names say the version behind an '@', which no mangled name contains. */
                char *version = strchr(copy, '@');
                if (version)
                        *version = 0;
                text = demangle_rust(pool, copy);
                if (!text && copy[1] == 'Z')
                        text = demangle_cplus(pool, copy, false);
                if (version)
                        *version = '@';
        }
        return text ? text : cs_pool_copy(pool, copy, len);
}
