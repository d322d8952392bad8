/* SPDX-License-Identifier: Apache-2.0 */
/* mixed MIB [KIND]: fills that much memory with what servers have in it, says "ready" and waits. A quarter is log lines, JSON and headers in blocks of their own sizes, a
 * quarter small objects with pointers, the rest mappings: text, base64, random bytes, tables of numbers, and zeros. The same bytes each time. KIND text: nothing but
 * text, half in blocks and half in a mapping. KIND sparse: of memory that is mapped, three quarters are zeros that were written, and one page in 32 has text. */
#include "roll.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define PAGE ((size_t)4096)

static void letters(char *to, size_t n, const char *from, size_t count)
{
        for (size_t i = 0; i < n; i++)
                to[i] = from[(roll() >> 33) % count];
}

/* One piece of text; every thousandth has a token in it. */
static size_t piece(char *to, size_t size)
{
        static const char hex[] = "0123456789abcdef",
                          alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        static const char *const names[] = { "alice", "bob",   "carol", "dave",
                                             "erin",  "frank", "grace", "heidi" };
        uint64_t r = roll();
        char id[40] = "", token[48] = "";
        unsigned n = (unsigned)(r >> 40);
        letters(id, 32, hex, 16);
        switch (r % 9) {
        case 0:
                return (size_t)snprintf(
                        to, size, "2026-03-%02u %02u:%02u:%02u INFO worker-%u request %u finished in %u ms\n",
                        n % 28 + 1, n % 24, n % 60, n % 59, n % 16, n, n % 997);
        case 1:
                return (size_t)snprintf(
                        to, size, "{\"id\":\"%.8s-%.4s-%.4s-%.4s-%.12s\",\"user\":\"%s\",\"amount\":%u.%02u}",
                        id, id + 8, id + 12, id + 16, id + 20, names[n % 8], n % 5000, n % 100);
        case 2:
                return (size_t)snprintf(
                        to, size,
                        "GET /api/v2/items/%u?page=%u HTTP/1.1\r\nHost: shop%u.example.com\r\nAccept: */*\r\n\r\n",
                        n, n % 40, n % 9);
        case 3:
                return (size_t)snprintf(to, size, "%u.%u.%u.%u - - \"POST /login\" 302 %u", n % 223 + 1,
                                        n % 251, n % 241, n % 239, n % 9000);
        case 4:
                return (size_t)snprintf(
                        to, size,
                        "SELECT id, name, price FROM products WHERE category = %u ORDER BY price LIMIT %u",
                        n % 300, n % 50);
        case 5:
                return (size_t)snprintf(to, size, "session=%s; theme=dark; visitor=%u", id, n);
        case 6:
                if (n % 100 == 0)
                        return (size_t)snprintf(to, size, "contact %s%u@mail%u.example.org about order %u",
                                                names[n % 8], n % 1000, n % 7, n);
                return (size_t)snprintf(to, size,
                                        "cache miss for key user:%u:profile, loading from replica %u", n,
                                        n % 5);
        case 7:
                if (n % 1000 == 0) {
                        letters(token, 36, alnum, 62);
                        return (size_t)snprintf(to, size, "Authorization: Bearer ghp_%s", token);
                }
                return (size_t)snprintf(to, size, "/usr/lib/x86_64-linux-gnu/app/module_%u/handler.so.%u",
                                        n % 90, n % 7);
        default:
                if (n % 1000 == 0) {
                        letters(token, 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 32);
                        return (size_t)snprintf(to, size, "aws_access_key_id = AKIA%s", token);
                }
                return (size_t)snprintf(to, size, "https://cdn.example.net/assets/%.16s/app.js?v=%u", id,
                                        n % 77);
        }
}

static void fill_texts(size_t bytes)
{
        char text[300];
        char **list = NULL;
        for (size_t done = 0, n = 0; done < bytes; n++) {
                size_t len = piece(text, sizeof(text));
                if (n % 4096 == 0) {
                        char **more = calloc(4097, sizeof(*more));
                        more[4096] = (char *)list;
                        list = more;
                }
                list[n % 4096] = malloc(len + 1);
                memcpy(list[n % 4096], text, len + 1);
                done += len + 16;
        }
}

struct object {
        struct object *next, *other;
        uint64_t number, flags;
        char name[24];
};

static void fill_objects(size_t bytes)
{
        struct object *last = NULL, *other = NULL;
        for (size_t done = 0; done < bytes; done += sizeof(*last) + 16) {
                struct object *o = calloc(1, sizeof(*o));
                *o = (struct object){ last, other, roll() >> 40, 3, "" };
                if (o->number % 64 == 0)
                        other = o;
                (void)snprintf(o->name, sizeof(o->name), "obj-%u", (unsigned)o->number % 10000);
                last = o;
        }
}

static uint8_t *map(size_t bytes)
{
        uint8_t *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED)
                exit(1);
        return at;
}

static void fill_maps(size_t bytes)
{
        static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        size_t part = bytes / 5 / MIB * MIB;
        uint8_t *text = map(part), *packed = map(part), *random = map(part), *numbers = map(part),
                *zeros = map(part);
        for (size_t at = 0; at + 300 < part;) { /* as in a buffer of a log: lines */
                at += piece((char *)text + at, 299);
                if (text[at - 1] != '\n')
                        text[at++] = '\n';
        }
        letters((char *)packed, part, base64, 64);
        for (size_t at = 0; at + 8 <= part; at += 8) {
                uint64_t r = roll(), number = at / 8 % 1000;
                memcpy(random + at, &r, 8);
                memcpy(numbers + at, &number, 8);
        }
        memset(zeros, 0, part);
}

static void fill_text_map(size_t bytes)
{
        uint8_t *text = map(bytes);
        for (size_t at = 0; at + 300 < bytes;)
                at += piece((char *)text + at, 300);
}

static void fill_sparse(size_t bytes)
{
        uint8_t *at = map(bytes);
        memset(at, 0, bytes / 4 * 3);
        for (size_t page = 0; page + PAGE <= bytes; page += 32 * PAGE)
                for (size_t i = 0; i + 300 < PAGE;)
                        i += piece((char *)at + page + i, 300);
}

int main(int argc, char **argv)
{
        size_t bytes = (argc > 1 ? strtoul(argv[1], NULL, 10) : 64) * MIB;
        const char *kind = argc > 2 ? argv[2] : "";
        if (strcmp(kind, "text") == 0) {
                fill_texts(bytes / 2);
                fill_text_map(bytes / 2);
        } else if (strcmp(kind, "sparse") == 0) {
                fill_sparse(bytes);
        } else {
                fill_texts(bytes / 4);
                fill_objects(bytes / 4);
                fill_maps(bytes / 2);
        }
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* where only a parent may read a process (Yama) */
        puts("ready");
        fflush(stdout);
        for (;;)
                pause();
}
