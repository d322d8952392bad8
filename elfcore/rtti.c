/* SPDX-License-Identifier: Apache-2.0 */
/* A vtable, in words, from the Itanium C++ ABI, section 2.5.2 ("Virtual Table Components"):
 *
 *      …  vcall and vbase offsets
 *    -16  offset to top: 0, or minus the place of this base in the object
 *     -8  typeinfo of the whole object's class, or 0 (-fno-rtti)
 *      0  the first virtual function     <- the address point: what objects hold
 *
 * and a typeinfo, section 2.9.5 ("RTTI Layout"): a vptr of one of abi::__class_type_info's three kinds, a pointer to the
 * mangled name of the type, and the bases. */
#include "rtti.h"

#include "bytes.h"
#include "cs_limits.h"

#include <ctype.h>
#include <string.h>

enum {
        WORD = 8,
        FIRST_POINT = 2 * WORD, /* the address point of a vtable without virtual bases, from its symbol */
        /* A base that lies further into its object than this is not believed. */
        TOP_MAX = 1 << 24,
        NAME_STEP = 128,
};

static const char vtable_for[] = "vtable for ";
static const char construction_vtable_for[] = "construction vtable for ";

static bool symbol_at(const struct cs_image *image, struct cs_symbols *symbols, uint64_t addr,
                      struct cs_symbol *out)
{
        const struct cs_module *m = cs_image_module_at(image, addr);
        return m && cs_symbols_at(symbols, (size_t)(m - image->modules.at), addr, out);
}

static enum cs_part part_at(const struct cs_image *image, struct cs_symbols *symbols, uint64_t addr)
{
        const struct cs_module *m = cs_image_module_at(image, addr);
        const struct cs_section *s =
                m ? cs_symbols_section_at(symbols, (size_t)(m - image->modules.at), addr) : NULL;
        return s ? s->part : CS_PART_NONE;
}

/* Where vtables and typeinfo lie: in .data.rel.ro; in .rodata or .data of what is not position-independent; in .bss where
 * an executable has its own copy (COPY relocations). */
static bool is_data(enum cs_part part)
{
        return part == CS_PART_RELRO || part == CS_PART_DATA || part == CS_PART_RODATA || part == CS_PART_BSS;
}

/* The two words before an address point. */
static bool read_prefix(const struct cs_image *image, uint64_t addr, int64_t *top, uint64_t *typeinfo)
{
        uint8_t raw[2 * WORD];
        if (addr < sizeof(raw) || !cs_source_exact(image->source, addr - sizeof(raw), raw, sizeof(raw)))
                return false;
        *top = (int64_t)cs_word(raw);
        *typeinfo = cs_word(raw + WORD);
        return true;
}

static bool top_fits(int64_t top)
{
        return top <= 0 && top >= -TOP_MAX && top % WORD == 0;
}

/* ---- by symbol --------------------------------------------------------------------------------------------------- */

/* "vtable for X" gives X; "construction vtable for X-in-Y" gives X, which is what is being made in a Y. */
static const char *class_of(struct cs_pool *pool, const char *text)
{
        if (strncmp(text, vtable_for, sizeof(vtable_for) - 1) == 0)
                return text + sizeof(vtable_for) - 1;
        if (strncmp(text, construction_vtable_for, sizeof(construction_vtable_for) - 1) != 0)
                return NULL;
        const char *class = text + sizeof(construction_vtable_for) - 1;
        const char *in = strstr(class, "-in-");
        return in ? cs_pool_copy(pool, class, (size_t)(in - class)) : class;
}

/* A symbol holds functions and offsets too: only an address point looks like one. Behind a symbol's first two words the
 * answer is known without looking, which helps where the core lacks the pages. */
static bool by_symbol(const struct cs_image *image, struct cs_symbols *symbols, struct cs_pool *pool,
                      uint64_t addr, struct cs_vtable *out)
{
        struct cs_symbol symbol, target;
        int64_t top = 0;
        uint64_t typeinfo = 0;
        /* A class with virtual bases and no virtual function has its address point at the very end of its vtable. */
        if (!symbol_at(image, symbols, addr - 1, &symbol) ||
            (strncmp(symbol.name, "_ZTV", 4) != 0 && strncmp(symbol.name, "_ZTC", 4) != 0) ||
            addr - symbol.addr < FIRST_POINT)
                return false;
        bool readable = read_prefix(image, addr, &top, &typeinfo);
        bool first = addr - symbol.addr == FIRST_POINT;
        if (!readable && !first)
                return false;
        if (readable && !top_fits(top))
                return false;
        /* Two slots that are 0 look like a prefix without typeinfo: believed in the first place, and for a base. */
        if (readable && typeinfo == 0 && !first && top == 0)
                return false;
        if (readable && typeinfo &&
            !(symbol_at(image, symbols, typeinfo, &target) ? strncmp(target.name, "_ZTI", 4) == 0
                                                           : is_data(part_at(image, symbols, typeinfo))))
                return false;
        const char *text = cs_demangle(pool, symbol.name, false);
        const char *class = text ? class_of(pool, text) : NULL;
        *out = (struct cs_vtable){
                .class_name = class, .symbol = class ? text : NULL, .by_symbol = true, .offset_to_top = top
        };
        return true;
}

/* ---- by type information ----------------------------------------------------------------------------------------- */

/* The NUL-terminated name at addr, if it could be a mangled class: its length, or 0. A '*' in front (the name is not
 * unique: a local type) is skipped. */
static size_t read_name(const struct cs_image *image, uint64_t addr, char name[static CS_LIMIT_NAME])
{
        size_t n = 0, got = NAME_STEP;
        uint8_t first;
        if (cs_source_exact(image->source, addr, &first, 1) && first == '*')
                addr++;
        while (n < CS_LIMIT_NAME && got == NAME_STEP) {
                size_t want = CS_LIMIT_NAME - n < NAME_STEP ? CS_LIMIT_NAME - n : NAME_STEP;
                if (cs_source_read(image->source, addr + n, name + n, want, &got, NULL) != CS_OK)
                        return 0;
                for (size_t end = n + got; n < end; n++) {
                        unsigned char c = (unsigned char)name[n];
                        if (c == 0)
                                return n;
                        /* Identifiers, and beyond ASCII whatever the source file was written in. */
                        if (c < 0x80 && !isalnum(c) && c != '_' && c != '$' && c != '.')
                                return 0;
                }
        }
        return 0;
}

/* A class is encoded as a name with its length, a nested or local name, or one of std's (ABI, section 5.1.5). */
static bool starts_class(char c)
{
        return isdigit((unsigned char)c) || c == 'N' || c == 'Z' || c == 'S';
}

/* Whether that is one of the three; in .symtab a version may follow behind an '@'. */
static bool is_class_type_info(const char *name)
{
        static const char *const kinds[] = {
                "N10__cxxabiv117__class_type_infoE",
                "N10__cxxabiv120__si_class_type_infoE",
                "N10__cxxabiv121__vmi_class_type_infoE",
        };
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                size_t len = strlen(kinds[i]);
                if (strncmp(name, kinds[i], len) == 0 && (!name[len] || name[len] == '@'))
                        return true;
        }
        return false;
}

enum kind { KIND_NO, KIND_MAYBE, KIND_YES };

/* Where names cannot be read, by structure: is that the typeinfo of one of the three kinds? All of them derive singly, so
 * that each has the vptr of __si_class_type_info, whose own typeinfo has that vptr too and names __class_type_info as its
 * base (third word), as __vmi_class_type_info does (GNU libsupc++ and LLVM libc++abi alike). */
static bool is_kind(const struct cs_image *image, uint64_t typeinfo)
{
        int64_t top;
        uint64_t vptr, si, again, class, base;
        if (!cs_source_u64(image->source, typeinfo, &vptr) || vptr % WORD ||
            !read_prefix(image, vptr, &top, &si) || top != 0 || !cs_source_u64(image->source, si, &again) ||
            again != vptr || !cs_source_u64(image->source, si + 2 * WORD, &class))
                return false;
        return typeinfo == si ||
               (class && (typeinfo == class ||
                          (cs_source_u64(image->source, typeinfo + 2 * WORD, &base) && base == class)));
}

/* Is that the vptr of a class's typeinfo? Said by the symbol in the C++ runtime; else by the runtime's own type
 * information, which is there even in a stripped program that has it linked in; else, where that cannot be read, perhaps. */
static enum kind is_type_info_vptr(const struct cs_image *image, struct cs_symbols *symbols, uint64_t vptr)
{
        struct cs_symbol symbol;
        int64_t top;
        uint64_t typeinfo, at;
        char name[CS_LIMIT_NAME];
        if (vptr % WORD || !is_data(part_at(image, symbols, vptr)))
                return KIND_NO;
        if (symbol_at(image, symbols, vptr, &symbol))
                return strncmp(symbol.name, "_ZTV", 4) == 0 && is_class_type_info(symbol.name + 4) &&
                                       vptr - symbol.addr == FIRST_POINT
                               ? KIND_YES
                               : KIND_NO;
        if (!read_prefix(image, vptr, &top, &typeinfo))
                return KIND_MAYBE;
        if (top != 0 || !is_data(part_at(image, symbols, typeinfo)))
                return KIND_NO;
        if (!cs_source_u64(image->source, typeinfo + WORD, &at))
                return KIND_MAYBE;
        if (!cs_source_exact(image->source, at, name, 1))
                return is_kind(image, typeinfo) ? KIND_YES : KIND_NO;
        return read_name(image, at, name) && is_class_type_info(name) ? KIND_YES : KIND_NO;
}

/* The first slot: a function of some module, or 0 (a function that was left out, or the end of an empty vtable). */
static bool slot_fits(const struct cs_image *image, struct cs_symbols *symbols, uint64_t addr)
{
        uint64_t slot;
        return cs_source_u64(image->source, addr, &slot) &&
               (slot == 0 || part_at(image, symbols, slot) == CS_PART_TEXT);
}

/* Demangles a type's name into *class; false where it is none. */
static bool name_class(struct cs_pool *pool, const char *name, size_t len, const char **class)
{
        *class = cs_demangle(pool, name, true);
        /* libiberty does not read names of a kB and more: these are believed as they are. */
        return !*class || strcmp(*class, name) != 0 || len >= 1024;
}

static bool by_typeinfo(const struct cs_image *image, struct cs_symbols *symbols, struct cs_pool *pool,
                        uint64_t addr, struct cs_vtable *out)
{
        int64_t top;
        uint64_t typeinfo, vptr, at;
        char name[CS_LIMIT_NAME];
        if (!read_prefix(image, addr, &top, &typeinfo) || !top_fits(top) || typeinfo % WORD || !typeinfo ||
            !is_data(part_at(image, symbols, typeinfo)) || !slot_fits(image, symbols, addr) ||
            !cs_source_u64(image->source, typeinfo, &vptr) ||
            !cs_source_u64(image->source, typeinfo + WORD, &at))
                return false;
        enum kind kind = is_type_info_vptr(image, symbols, vptr);
        if (kind == KIND_NO)
                return false;
        *out = (struct cs_vtable){ .offset_to_top = top };
        /* Some ABIs keep a flag in the top bit of the name's address (Apple's arm64; libc++'s non-unique names). */
        at &= ~(UINT64_C(1) << 63);
        if (!cs_source_exact(image->source, at, name, 1))
                return kind == KIND_YES && cs_image_module_at(image, at); /* the name was not dumped */
        size_t len = read_name(image, at, name);
        return len && starts_class(name[0]) && name_class(pool, name, len, &out->class_name);
}

bool cs_rtti_vtable(const struct cs_image *image, struct cs_symbols *symbols, struct cs_pool *pool,
                    uint64_t addr, struct cs_vtable *out)
{
        if (addr < FIRST_POINT || addr % WORD || !is_data(part_at(image, symbols, addr)))
                return false;
        return by_symbol(image, symbols, pool, addr, out) || by_typeinfo(image, symbols, pool, addr, out);
}
