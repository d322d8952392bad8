#!/bin/bash
# Structures that begin with a name are no texts: what they hold is in use, beside texts of their sizes, buffers that grew, unions, other
# structures of the same size, and memory in which all of these were before.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1

build_c names <<'END_OF_C'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HELD = 1 << 17 };
struct client { char name[24]; struct client *next; union { char *text; long number; } u; uint16_t flags; };
struct packet { char magic[8]; uint64_t len; char *body; struct packet *next; };
struct tag { char tag[8]; char *text; };
struct named { char name[32]; char **parts; size_t n; char *text; struct named *next; };
struct value { char name[16]; int type; struct value *next; union { char *text; double real; uint64_t bits; char in[8]; } u; };
struct two { char first[20], second[12]; char *text; char third[9]; struct two *next; };
struct record { char *a, *b; struct record *next; };

static void *held[HELD]; /* texts */
static size_t n_held;
static struct client *clients;
static struct packet *packets;
static struct tag *tags[HELD];
static size_t n_tags;
static struct named *nameds;
static struct value *values;
static struct two *twos;
static struct record *records;
static uint64_t seed;

static size_t below(size_t n)
{
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        return (size_t)(seed >> 16) % n;
}

/* A text, as long as it is: of a buffer that has just that room, or that was doubled now and then. */
static char *text(void)
{
        static const char *words[] = { "client", "session", "/var/lib/thing", "GET /index.html", "Content-Type: text/html", "x",
                                       "user@example.com", "0123456789", "a-key-that-does-not-fit-inside-of-a-string", "k" };
        char buf[160];
        int n = snprintf(buf, sizeof(buf), "%s", words[below(10)]);
        if (below(2))
                n += snprintf(buf + n, sizeof(buf) - (size_t)n, "-%zu", below(100000));
        if (below(3) == 0)
                for (size_t i = below(60); i; i--)
                        n += snprintf(buf + n, sizeof(buf) - (size_t)n, "%c", (char)('a' + below(26)));
        if (below(2))
                return strdup(buf);
        size_t room = 31, done = 0;
        char *p = malloc(room);
        for (; done <= (size_t)n; p[done] = buf[done], done++)
                if (done == room) {
                        char *more = malloc(room = 2 * room - 1);
                        memcpy(more, p, done);
                        free(p);
                        p = more;
                }
        return p;
}

static void name(char *to, size_t size)
{
        char *t = text();
        snprintf(to, size, "%s", t);
        free(t);
}

static void one_more(void)
{
        switch (below(9)) {
        case 0: {
                struct client *c = calloc(1, sizeof(*c));
                name(c->name, sizeof(c->name));
                if (below(2))
                        c->u.text = text();
                else
                        c->u.number = (long)below(100000);
                c->next = clients;
                clients = c;
                break;
        }
        case 1: {
                struct packet *p = malloc(sizeof(*p));
                memcpy(p->magic, below(2) ? "RIFFDATA" : "PACKET01", 8);
                p->len = below(10000);
                p->body = text();
                p->next = packets;
                packets = p;
                break;
        }
        case 2: {
                struct tag *t = malloc(sizeof(*t));
                memcpy(t->tag, below(2) ? "ABCDEFGH" : "abc\0\0\0\0", 8);
                t->text = text();
                tags[n_tags++ % HELD] = t;
                break;
        }
        case 3: {
                struct named *n = malloc(sizeof(*n));
                name(n->name, sizeof(n->name));
                n->n = 1 + below(6);
                n->parts = malloc(n->n * sizeof(*n->parts));
                for (size_t i = 0; i < n->n; i++)
                        n->parts[i] = text();
                n->text = text();
                n->next = nameds;
                nameds = n;
                break;
        }
        case 4: {
                struct value *v = malloc(sizeof(*v));
                name(v->name, sizeof(v->name));
                v->type = (int)below(4);
                if (v->type == 0)
                        v->u.text = text();
                else if (v->type == 1)
                        v->u.real = (double)below(1 << 30) / 77;
                else if (v->type == 2)
                        v->u.bits = seed;
                else
                        strcpy(v->u.in, "inline");
                v->next = values;
                values = v;
                break;
        }
        case 5: {
                struct two *t = malloc(sizeof(*t));
                name(t->first, sizeof(t->first));
                name(t->second, sizeof(t->second));
                t->text = text();
                name(t->third, sizeof(t->third));
                t->next = twos;
                twos = t;
                break;
        }
        case 6: {
                struct record *r = malloc(sizeof(*r));
                *r = (struct record){ text(), text(), records };
                records = r;
                break;
        }
        default:
                held[n_held++] = text();
        }
}

/* Holes for those that follow: texts, records with theirs. */
static void one_less(void)
{
        if (n_held && below(2)) {
                size_t i = below(n_held);
                free(held[i]);
                held[i] = held[--n_held];
                held[n_held] = NULL;
        } else if (records) {
                struct record *r = records;
                records = r->next;
                free(r->a);
                free(r->b);
                free(r);
        }
}

/* names SEED NUMBER */
int main(int argc, char **argv)
{
        if (argc < 3)
                return 1;
        seed = strtoull(argv[1], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) + 1;
        for (size_t i = strtoul(argv[2], NULL, 10); i; i--) {
                one_more();
                if (below(4) == 0)
                        one_less();
        }
        puts("ready");
        fflush(stdout);
        for (;;)
                pause();
}
END_OF_C

for number in ${NUMBERS:-3000 20000}; do
        for seed in ${SEEDS:-1 2 3}; do
                start_program "$tmp/names" "$seed" "$number"
                wait_ready
                assert_exit 0 "$CORESCAN" --leaks --blocks "$tmp/blocks" --live "$pid"
                stop_program "$pid"
                read -r blocks lost < <(awk -F '\t' '{ n += $6 == "direct" || $6 == "indirect" } END { print NR, n + 0 }' "$tmp/blocks")
                if ((blocks > number && lost * 2000 <= blocks)); then
                        ok "$lost of $blocks blocks are called lost"
                else
                        not_ok "$lost of $blocks blocks are called lost" "seed $seed: all of them are in use"
                fi
        done
done
