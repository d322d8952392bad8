/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of cores: what is refused and in which words, lies in the segments, and a core cut at every byte. */
#include "corefile.h"

#include "corebuilder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void build(struct corebuilder *c)
{
        static const uint8_t bytes[0x180] = { 1, 2, 3 };
        corebuilder_process(c, 42, "server");
        corebuilder_thread(c, 42, 0x3010, 0x1000, NULL);
        corebuilder_file(c, 0x1000, 0x2000, 0, "/nowhere/server");
        corebuilder_load(c, 0x1000, bytes, 0, 0x1000, PF_R | PF_X);
        corebuilder_load(c, 0x2000, bytes, 0x100, 0x1000, PF_R | PF_W);
        corebuilder_load(c, 0x3000, bytes, 0x180, 0x180, PF_R);
}

static enum cs_status parse(const struct corebuilder_bytes *b, struct cs_corefile *core, struct cs_error *err)
{
        *core = (struct cs_corefile){ 0 };
        *err = (struct cs_error){ 0 };
        return cs_corefile_parse(b->at, b->len, core, err);
}

static void test_segments(void **state)
{
        (void)state;
        struct corebuilder c = { 0 };
        struct cs_corefile core;
        struct cs_error err;
        build(&c);
        for (int many = 0; many < 2; many++) {
                c.many = many;
                struct corebuilder_bytes b = corebuilder_finish(&c);
                assert_int_equal(parse(&b, &core, &err), CS_OK);
                assert_int_equal(core.segments.n, 3);
                assert_int_equal(core.notes.n, 1);
                assert_int_equal(core.missing, 0);
                assert_int_equal(core.overlaps, 0);
                assert_false(core.headers_cut);
                const struct cs_segment *s = core.segments.at;
                assert_int_equal(s[0].held, 0);
                assert_int_equal(s[0].perms, CS_PERM_READ | CS_PERM_EXEC);
                assert_int_equal(s[1].range.start, 0x2000);
                assert_int_equal(s[1].range.end, 0x3000);
                assert_int_equal(s[1].held, 0x100);
                assert_int_equal(s[1].promised, 0x100);
                assert_int_equal(s[1].perms, CS_PERM_READ | CS_PERM_WRITE);
                assert_int_equal(b.at[s[2].file_offset + 1], 2);
                cs_corefile_deinit(&core);
                free(b.at);
        }
        corebuilder_deinit(&c);
}

/* What is not a core of ours: the status, and a word of the sentence. */
static void test_refused(void **state)
{
        (void)state;
        static const struct {
                const char *what;
                size_t at; /* byte that is changed, to: */
                uint8_t to;
                size_t len; /* 0: all */
                enum cs_status status;
                const char *says;
        } cases[] = {
                { "empty", 0, ELFMAG0, SIZE_MAX, CS_EFORMAT, "empty" },
                { "text", 0, '#', 0, CS_EFORMAT, "not an ELF file" },
                { "three bytes", 0, ELFMAG0, 3, CS_EFORMAT, "not an ELF file" },
                { "cut after the magic", 0, ELFMAG0, 4, CS_EFORMAT, "cut inside the ELF header" },
                { "cut in the header", 0, ELFMAG0, 63, CS_EFORMAT, "cut inside the ELF header" },
                { "executable", 16, ET_EXEC, 0, CS_EFORMAT, "not a core: it is an executable" },
                { "shared object", 16, ET_DYN, 0, CS_EFORMAT, "not a core: it is a shared object" },
                { "object", 16, ET_REL, 0, CS_EFORMAT, "relocatable" },
                { "type 0", 16, ET_NONE, 0, CS_EFORMAT, "no file type" },
                { "type 200", 16, 200, 0, CS_EFORMAT, "unknown type" },
                { "32-bit", EI_CLASS, ELFCLASS32, 0, CS_ENOTSUP, "32-bit" },
                { "i386", 18, EM_386, 0, CS_ENOTSUP, "i386" },
                { "aarch64", 18, EM_AARCH64, 0, CS_ENOTSUP, "aarch64" },
                { "class 7", EI_CLASS, 7, 0, CS_ENOTSUP, "only x86_64" },
        };
        struct corebuilder c = { 0 };
        build(&c);
        struct corebuilder_bytes b = corebuilder_finish(&c);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct cs_corefile core;
                struct cs_error err;
                struct corebuilder_bytes changed = b;
                size_t len = cases[i].len == SIZE_MAX ? 0 : cases[i].len ? cases[i].len : b.len;
                changed.at = malloc(b.len);
                changed.len = len;
                assert_non_null(changed.at);
                memcpy(changed.at, b.at, b.len);
                changed.at[cases[i].at] = cases[i].to;
                if (parse(&changed, &core, &err) != cases[i].status || !strstr(err.text, cases[i].says))
                        fail_msg("%s: %s", cases[i].what, err.text);
                cs_corefile_deinit(&core);
                free(changed.at);
        }
        free(b.at);
        corebuilder_deinit(&c);
}

static void test_big_endian(void **state)
{
        (void)state;
        uint8_t bytes[64] = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2MSB, EV_CURRENT };
        struct corebuilder_bytes b = { bytes, sizeof(bytes) };
        struct cs_corefile core;
        struct cs_error err;
        bytes[17] = ET_CORE;
        bytes[19] = EM_S390;
        assert_int_equal(parse(&b, &core, &err), CS_ENOTSUP);
        assert_non_null(strstr(err.text, "big-endian core of s390"));
        bytes[17] = ET_EXEC;
        assert_int_equal(parse(&b, &core, &err), CS_EFORMAT);
        assert_non_null(strstr(err.text, "executable"));
}

static void test_overlaps(void **state)
{
        (void)state;
        static const uint8_t bytes[0x1000];
        static const struct {
                const char *what;
                struct cs_range range[3];
                size_t kept, overlaps;
        } cases[] = {
                { "none, unordered", { { 0x5000, 0x6000 }, { 0x1000, 0x2000 }, { 0x2000, 0x3000 } }, 3, 0 },
                { "one upon another", { { 0x1000, 0x3000 }, { 0x2000, 0x4000 }, { 0x4000, 0x5000 } }, 2, 1 },
                { "inside", { { 0x1000, 0x9000 }, { 0x2000, 0x3000 }, { 0x8000, 0xa000 } }, 1, 2 },
                { "twice the same", { { 0x1000, 0x2000 }, { 0x1000, 0x2000 }, { 0x1000, 0x2000 } }, 1, 2 },
                { "chain", { { 0x1000, 0x3000 }, { 0x2000, 0x5000 }, { 0x3000, 0x4000 } }, 2, 1 },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct corebuilder c = { 0 };
                struct cs_corefile core;
                struct cs_error err;
                for (size_t k = 0; k < 3; k++)
                        corebuilder_load(&c, cases[i].range[k].start, bytes, 16,
                                         cs_range_size(cases[i].range[k]), PF_R);
                struct corebuilder_bytes b = corebuilder_finish(&c);
                assert_int_equal(parse(&b, &core, &err), CS_OK);
                if (core.segments.n != cases[i].kept || core.overlaps != cases[i].overlaps)
                        fail_msg("%s: %zu kept, %zu overlap", cases[i].what, core.segments.n, core.overlaps);
                for (size_t k = 1; k < core.segments.n; k++)
                        assert_true(core.segments.at[k].range.start >= core.segments.at[k - 1].range.end);
                cs_corefile_deinit(&core);
                free(b.at);
                corebuilder_deinit(&c);
        }
}

static Elf64_Phdr *header(struct corebuilder_bytes *b, size_t i)
{
        return (Elf64_Phdr *)(b->at + sizeof(Elf64_Ehdr)) + i;
}

static void test_lying_segments(void **state)
{
        (void)state;
        static const uint8_t bytes[16];
        static const struct {
                const char *what;
                uint64_t vaddr, memsz, offset, filesz;
                size_t kept;
                uint64_t held, missing;
        } cases[] = {
                { "honest", 0x1000, 0x1000, 0x80, 16, 1, 16, 0 },
                { "no memory", 0x1000, 0, 0x80, 16, 0, 0, 0 },
                { "more file than memory", 0x1000, 8, 0x80, 16, 1, 8, 0 },
                { "beyond the file", 0x1000, 0x1000, 0x1000, 16, 1, 0, 16 },
                { "offset wraps", 0x1000, 0x1000, UINT64_MAX, 16, 1, 0, 16 },
                { "partly beyond", 0x1000, 0x1000, 0x88, 16, 1, 8, 8 },
                { "address wraps", UINT64_MAX - 10, 0x1000, 0x80, 16, 0, 0, 0 },
                { "ends at the very end", UINT64_MAX - 0xfff, 0xfff, 0x80, 16, 0, 0, 0 },
                { "vsyscall page", 0xffffffffff600000, 0x1000, 0x80, 16, 1, 16, 0 },
                { "all of the address space", 0, UINT64_MAX, 0x80, 16, 0, 0, 0 },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct corebuilder c = { 0 };
                struct cs_corefile core;
                struct cs_error err;
                corebuilder_load(&c, 0x1000, bytes, sizeof(bytes), 0x1000, PF_R);
                struct corebuilder_bytes b = corebuilder_finish(&c);
                assert_int_equal(b.len, 0x90);
                Elf64_Phdr *ph = header(&b, 0);
                ph->p_vaddr = cases[i].vaddr;
                ph->p_memsz = cases[i].memsz;
                ph->p_offset = cases[i].offset;
                ph->p_filesz = cases[i].filesz;
                assert_int_equal(parse(&b, &core, &err), CS_OK);
                if (core.segments.n != cases[i].kept || core.missing != cases[i].missing ||
                    (core.segments.n && core.segments.at[0].held != cases[i].held))
                        fail_msg("%s: %zu kept, %lu missing", cases[i].what, core.segments.n,
                                 (unsigned long)core.missing);
                cs_corefile_deinit(&core);
                free(b.at);
                corebuilder_deinit(&c);
        }
}

static void test_lying_notes(void **state)
{
        (void)state;
        struct corebuilder c = { 0 };
        struct cs_corefile core;
        struct cs_error err;
        corebuilder_process(&c, 1, "x");
        struct corebuilder_bytes b = corebuilder_finish(&c);
        header(&b, 0)->p_filesz = UINT64_MAX;
        assert_int_equal(parse(&b, &core, &err), CS_OK);
        assert_int_equal(core.notes.n, 1);
        assert_true(core.notes.at[0].end <= b.len);
        assert_true(core.missing > 0);
        cs_corefile_deinit(&core);
        header(&b, 0)->p_offset = UINT64_MAX;
        assert_int_equal(parse(&b, &core, &err), CS_OK);
        assert_int_equal(core.notes.n, 0);
        assert_true(core.missing > 0);
        cs_corefile_deinit(&core);
        free(b.at);
        corebuilder_deinit(&c);
}

/* The whole way: either a refusal, or an image that says that it is not complete. */
static void test_cut_everywhere(void **state)
{
        (void)state;
        struct corebuilder c = { 0 };
        struct cs_image_options options = { 0 };
        char path[64];
        build(&c);
        struct corebuilder_bytes b = corebuilder_finish(&c);
        int fd = corebuilder_open(b.at, b.len, path);
        for (size_t cut = 0; cut <= b.len; cut++) {
                size_t len = b.len - cut;
                struct cs_image *image = NULL;
                struct cs_error err = { 0 };
                assert_int_equal(ftruncate(fd, (off_t)len), 0);
                enum cs_status st = cs_image_open_core(path, &options, &image, &err);
                if (st != CS_OK) {
                        assert_int_equal(st, CS_EFORMAT);
                        assert_true(err.text[0] && !strchr(err.text, '\n'));
                        assert_null(image);
                        continue;
                }
                assert_int_equal(image->complete, cut == 0);
                assert_true(image->warnings.n > (cut != 0));
                if (cut)
                        assert_non_null(strstr(image->warnings.at[0], "truncated"));
                /* What is left can be read up to the cut. */
                for (uint64_t addr = 0x2000; addr < 0x3180; addr += 7) {
                        uint8_t buf[64];
                        size_t got;
                        assert_int_equal(cs_source_read(image->source, addr, buf, sizeof(buf), &got, NULL),
                                         CS_OK);
                }
                cs_image_close(image);
        }
        close(fd);
        free(b.at);
        corebuilder_deinit(&c);
}

/* The same with memory whose end the sanitizer watches. */
static void test_parse_cut_everywhere(void **state)
{
        (void)state;
        struct corebuilder c = { 0 };
        build(&c);
        c.many = true;
        struct corebuilder_bytes b = corebuilder_finish(&c);
        for (size_t len = 0; len < b.len; len++) {
                struct corebuilder_bytes cut = { malloc(len ? len : 1), len };
                struct cs_corefile core;
                struct cs_error err;
                assert_non_null(cut.at);
                memcpy(cut.at, b.at, len);
                enum cs_status st = parse(&cut, &core, &err);
                if (st == CS_OK)
                        assert_true(core.missing || core.headers_cut || !core.segments.n);
                else
                        assert_int_equal(st, CS_EFORMAT);
                cs_corefile_deinit(&core);
                free(cut.at);
        }
        free(b.at);
        corebuilder_deinit(&c);
}

static void test_no_headers(void **state)
{
        (void)state;
        struct corebuilder c = { 0 };
        struct cs_corefile core;
        struct cs_error err;
        struct corebuilder_bytes b = corebuilder_finish(&c);
        assert_int_equal(parse(&b, &core, &err), CS_EFORMAT);
        assert_int_equal(core.segments.n + core.notes.n, 0);
        free(b.at);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_segments),       cmocka_unit_test(test_refused),
                cmocka_unit_test(test_big_endian),     cmocka_unit_test(test_overlaps),
                cmocka_unit_test(test_lying_segments), cmocka_unit_test(test_lying_notes),
                cmocka_unit_test(test_cut_everywhere), cmocka_unit_test(test_parse_cut_everywhere),
                cmocka_unit_test(test_no_headers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
