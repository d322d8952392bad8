#!/bin/bash
# Who may have lost a library's things: a program whose plugin makes BIOs of libcrypto and never ends one, beside a library that
# does both. The hint stays a hint: owner and confidence are what they were.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1

need_command gdb jq

library() { # name: C on standard input
        local log

        log=$("$CC" -std=gnu17 -x c -shared -fPIC -o "$tmp/$1" - -lcrypto 2>&1) || give_up "$1 compiles" "$log"
}

library libkeeper.so <<'END'
#include <openssl/bio.h>
static BIO *kept[100];
void keep(void);
void keep(void)
{
        for (int i = 0; i < 100; i++) {
                BIO_free_all(kept[i]);
                kept[i] = BIO_new(BIO_s_mem());
        }
}
END

library libloser.so <<'END'
#include <openssl/bio.h>
#include <openssl/evp.h>
void lose(void);
void lose(void)
{
        EVP_MD_CTX_free(EVP_MD_CTX_new());
        for (int i = 0; i < 500; i++)
                BIO_puts(BIO_new(BIO_s_mem()), "lost");
}
END

build_c holder -L"$tmp" -Wl,-rpath,"$tmp" -lkeeper -lloser <<'END'
#include <stdio.h>
#include <string.h>
#include <unistd.h>
void keep(void);
void lose(void);
static void clear_stack(void)
{
        char room[1 << 16];
        memset(room, 0, sizeof(room));
        __asm__ volatile("" : : "r"(room) : "memory");
}
int main(void)
{
        keep();
        lose();
        keep();
        clear_stack();
        puts("ready");
        fflush(stdout);
        for (;;)
                pause();
}
END

start_program "$tmp/holder"
wait_ready
take_gcore "$pid" "$tmp/core"

check() { # json
        # The BIOs, and what hangs on them, leak in clusters of libcrypto.
        jqe '[.clusters[] | select(.library == "libcrypto.so.3" and .count >= 500 and .unreferenced >= 490)] | length >= 1' "$1"
        jqe '[.clusters[] | select(.library == "libcrypto.so.3" and .count >= 500 and .unreferenced >= 490)
                | [.evidence[] | select(.kind == "import") | [.module, .symbol, .offset, .weight]]
                | . == [["libloser.so", "imports BIO_new but not BIO_free", null, 0.1]]] | all' "$1"
        # Neither what does not leak has one, nor does anyone who ends what it makes.
        jqe '[.clusters[] | .evidence[] | select(.kind == "import" and .symbol != null) | .module] | unique == ["libloser.so"]' "$1"
        jqe '[.leaks.clusters[] | select(.direct + .indirect > 0) | .cluster] as $leak | [.clusters[]
                | select(any(.evidence[]; .kind == "import" and .symbol != null)) | .id]
                | length >= 1 and all(.[]; . as $id | $leak | index([$id]) != null)' "$1"
}

scan_json "$tmp/live.json" --clusters --leaks --live "$pid"
check "$tmp/live.json"
scan_json "$tmp/core.json" --clusters --leaks "$tmp/core"
check "$tmp/core.json"

assert_exit 0 "$CORESCAN" --leaks "$tmp/core"
assert_file_contains "$out" "hint: libloser.so imports BIO_new but not BIO_free" "the leaks say who may have lost them"
assert_exit 0 "$CORESCAN" --cluster "$(jq -r '[.clusters[] | select(any(.evidence[]; .kind == "import"))][0].id' "$tmp/core.json")" "$tmp/core"
assert_file_contains "$out" "hint         libloser.so imports BIO_new but not BIO_free" "and so does the cluster"
assert_file_lacks "$out" "import ->" "which does not call it evidence"
