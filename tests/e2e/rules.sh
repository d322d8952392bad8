#!/bin/bash
# What rules find, where, and in whose hands: a program plants secrets on its heap (used and freed), its stack, in its variables, in a mapping and across
# the edges of pages and windows, and says where. In a core and live; every hit, and no other.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1

need_command gdb jq openssl

# Literals are kept XORed, so that only what is planted is there; each is written byte by byte, so that no copy stays on the stack.
build_c planter <<'END'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB (1 << 20)

static char variable[64] = "x";

static void plant(char *to, const char *text, const char *rule, const char *region, const char *state)
{
        volatile char *at = to;
        for (size_t i = 0; text[i]; i++)
                at[i] = (char)(text[i] ^ 1);
        printf("0x%lx %s %s %s\n", (unsigned long)to, rule, region, state);
}

static char *load(const char *path, size_t at)
{
        FILE *f = fopen(path, "rb");
        setvbuf(f, NULL, _IONBF, 0);
        char *block = malloc(4000);
        memset(block, 0xee, 4000);
        if (fread(block + at, 1, 3000, f) < 50)
                exit(1);
        fclose(f);
        return block;
}

int main(int argc, char **argv)
{
        (void)argc;
        setvbuf(stdout, NULL, _IONBF, 0);
        char *used = malloc(100), *freed = malloc(3000), *guard = malloc(50);
        char local[64];
        char *map = mmap(NULL, 20 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(used, 0, 100);
        memset(map, '.', 20 * MIB);
        memset(local, 0, sizeof(local));
        /* ghp_, glpat-, AKIA, sk_live_, npm_: each character by its neighbour. */
        plant(used + 10, "fiq^`CbEdGfIhKjMlOnQpSrUtWvYx@cB10325476", "github-token", "malloc-used", "in-use");
        plant(local, "oql^`CbEdGfIhKjMlOnQpSrUtWvYx@cB10325476", "npm-token", "stack", "null");
        plant(variable + 5, "rj^mhwd^5dB28IpMxkVEfsuU0{eq6ed", "stripe-key", "module-data", "null");
        plant(map + 4096 - 7, "@JH@HNRGNEOO6DY@LQMP", "aws-access-key", "anonymous", "null");
        plant(map + MIB - 3, "@JH@KNRGNEOO6DY@LQMP", "aws-access-key", "anonymous", "null");
        plant(map + 8 * MIB - 10, "@JH@IORGNEOO6DY@LQMP", "aws-access-key", "anonymous", "null");
        plant(map + 16 * MIB, "@JH@HORGNEOO6DY@MQMP", "aws-access-key", "anonymous", "null");
        plant(map + 20 * MIB - 20, "@JH@HNRGNEOO6DY@LQMD", "aws-access-key", "anonymous", "null");
        plant(freed + 2000, "fmq`u,@CBEDEFHIJ1325476899", "gitlab-token", "malloc-free", "free");
        printf("0x%lx private-key-pem malloc-used in-use\n", (unsigned long)load(argv[1], 0));
        printf("0x%lx private-key-der malloc-used in-use\n", (unsigned long)load(argv[2], 3) + 3);
        printf("0x%lx private-key-der malloc-used in-use\n", (unsigned long)load(argv[3], 8) + 8);
        printf("0x%lx private-key-der malloc-used in-use\n", (unsigned long)load(argv[4], 1) + 1);
        free(freed);
        strcpy(guard, "escape:\033[31m\001\377end");
        puts("ready");
        for (;;)
                pause();
}
END

openssl genrsa -traditional -out "$tmp/key.pem" 2048 2>/dev/null || openssl genrsa -out "$tmp/key.pem" 2048 2>/dev/null
openssl rsa -in "$tmp/key.pem" -traditional -outform DER -out "$tmp/pkcs1.der" 2>/dev/null
openssl pkcs8 -in "$tmp/key.pem" -topk8 -nocrypt -outform DER -out "$tmp/pkcs8.der"
openssl ecparam -name prime256v1 -genkey -noout -outform DER -out "$tmp/sec1.der"
start_program "$tmp/planter" "$tmp/key.pem" "$tmp/pkcs1.der" "$tmp/pkcs8.der" "$tmp/sec1.der"
wait_ready
grep -v -e ready "$program_dir/.out" | sort >"$tmp/truth"
take_gcore "$pid" "$tmp/core"

# search FILE ARG...: hits of --json as the program tells them: address, rule, region, state.
search() {
        local to=$1

        shift
        assert_exit 0 "$CORESCAN" --json "$@"
        cp "$out" "$to.jsonl"
        jq -r 'select(.type == "hit") | "\(.address) \(.rule) \(.region) \(.state)"' "$to.jsonl" | sort >"$to"
}

for how in "$tmp/core" "--live $pid"; do
        # shellcheck disable=SC2086
        search "$tmp/found" --rules builtin:secrets $how
        assert_eq "$(cat "$tmp/found")" "$(cat "$tmp/truth")" "what was planted, and nothing else: ${how%% *}"
        assert_eq "$(tail -n 1 "$tmp/found.jsonl" | jq -r '"\(.type) \(.hits)"')" "summary $(wc -l <"$tmp/truth")" "the last line sums up"
        assert_eq "$(jq -s '[.[] | select(.type == "hit") | .redacted] | all' "$tmp/found.jsonl")" true "all are redacted"
        assert_eq "$(jq -rs '[.[] | select(.type == "hit") | .address] | . == sort' "$tmp/found.jsonl")" true "by address"
        used=$(jq -c 'select(.rule == "github-token") | [.block_size >= 100, (.cluster | test("^c[0-9]+$")), .library]' "$tmp/found.jsonl")
        assert_eq "$used" '[true,true,"planter"]' "block, cluster and owner"
        assert_eq "$(jq -c 'select(.rule == "private-key-der") | .length' "$tmp/found.jsonl" | sort -n | tr '\n' ' ')" \
                "$(stat -c %s "$tmp/sec1.der" "$tmp/pkcs1.der" "$tmp/pkcs8.der" | sort -n | tr '\n' ' ')" "keys end where they say"
done

# Nothing of a secret is shown, but that it may be recognised.
assert_file_lacks "$tmp/found.jsonl" "ghp_" "no secret in JSON"
assert_exit 0 "$CORESCAN" --rules builtin:secrets "$tmp/core"
assert_file_lacks "$out" "ghp_" "no secret in text"
hash=$(jq -r 'select(.rule == "aws-access-key") | .secret.sha256_prefix' "$tmp/found.jsonl" | head -n 1)
assert_eq "$hash" "$(printf %s "AKIAIOSFODNN7EXAMPLQ" | sha256sum | cut -c1-8)" "the hash is the secret's"
assert_exit 0 "$CORESCAN" --rules builtin:secrets --reveal "$tmp/core"
assert_file_contains "$out" "AKIAIOSFODNN7EXAMPLQ" "--reveal shows it"

# The same bytes whoever works, and writes: so many that all do.
"$CORESCAN" --json -j1 --rules builtin:secrets --rules builtin:http -e '[a-z0-9]' "$tmp/core" | grep '"hit"' >"$tmp/j1"
"$CORESCAN" --json -j8 --rules builtin:secrets --rules builtin:http -e '[a-z0-9]' "$tmp/core" | grep '"hit"' >"$tmp/j8"
assert_eq "$(cmp "$tmp/j1" "$tmp/j8" && echo same)" same "the same at any -j"
[ "$(wc -l <"$tmp/j1")" -gt 2000 ] && ok "many hits" || not_ok "many hits" "$(wc -l <"$tmp/j1")"
for workers in 1 8; do
        "$CORESCAN" "-j$workers" -e '[a-z0-9]' "$tmp/core" >"$tmp/text$workers"
done
assert_eq "$(cmp "$tmp/text1" "$tmp/text8" && echo same)" same "as text, too"

# Offsets are those of any other tool in the file. One long match per megabyte edge is in one piece.
python3 - "$tmp/core" "$tmp/expected" <<'END' 2>/dev/null || cp /dev/null "$tmp/expected"
import re, sys
data = open(sys.argv[1], "rb").read()
open(sys.argv[2], "w").write("%d\n" % len(re.findall(rb"AKIA[A-Z2-7]{16}(?![A-Z0-9])", data)))
END
assert_exit 0 "$CORESCAN" --json -e 'AKIA[A-Z2-7]{16}(?![A-Z0-9])' "$tmp/core"
[ ! -s "$tmp/expected" ] || assert_eq "$(grep -c '"hit"' "$out")" "$(cat "$tmp/expected")" "as many as in the file"

# Matches cannot command the terminal; the user's own regexes are shown.
assert_exit 0 "$CORESCAN" -e 'escape:[^e]+end' "$tmp/core"
assert_contains "$(cat "$out")" 'escape:\x1b[31m\x01\xffend'
assert_exit 0 "$CORESCAN" --json -e 'escape:[^e]+end' "$tmp/core"
assert_eq "$(head -n 1 "$out" | jq -r '.match.bytes' | base64 -d | od -An -c | tr -d ' \n')" 'escape:033[31m001377end' "bytes where it is no text"

# With another view they are a part of the report.
assert_exit 0 "$CORESCAN" --json --heap -e 'escape:' "$tmp/core"
assert_eq "$(jq -c '[(.hits | length), (.heaps | length > 0), .hits[0].state, .hits_found.count]' "$out")" '[1,true,"in-use",1]' "hits in the object"

scan_json "$tmp/all.json" --summary --rules builtin:secrets "$tmp/core"
assert_eq "$(jq '.hits | length' "$tmp/all.json")" "$(wc -l <"$tmp/truth")" "all of them beside the summary"
jq -s '{schema: 1, version: "0.0.0", target: .[-1].target, timing: .[-1].timing, hits: .[:-1], hits_found: {count: .[-1].hits, rules: .[-1].rules}}
        | .target.sha256 = (("0" * 64) // "")' "$tmp/found.jsonl" >"$tmp/stream.json"
assert_schema "$tmp/stream.json"
assert_exit 0 "$CORESCAN" --heap -e 'escape:' "$tmp/core"
assert_contains "$(cat "$out")" "1 hit in "

# Nothing found, limits, and rules that go on beside one that runs into them.
assert_exit 1 "$CORESCAN" -e 'no such thing[q]' "$tmp/core"
assert_exit 1 "$CORESCAN" --json -e 'no such thing[q]' --live "$pid"
assert_eq "$(jq -r .type "$out")" summary "the summary comes anyway"
assert_exit 0 "$CORESCAN" -e '(\.|\.\.)+X' -e 'escape:' "$tmp/core"
assert_contains "$(cat "$err")" 'rule (\.|\.\.)+X ran into a limit'
assert_contains "$(cat "$out")" 'escape:'
assert_exit 3 "$CORESCAN" --strict -e '(\.|\.\.)+X' -e 'escape:' "$tmp/core"

# Rules of files: YAML, and gitleaks' TOML, whose tokens end where their memory ends.
cat >"$tmp/own.yaml" <<'END'
# A comment.
- id: own-token
  description: "a token of ours"
  regex: '(glpat)-([A-Z0-9]{20})'
  keywords: [GLPAT]
  entropy: 3.0
  secret_group: 2
  redact: true
  tags: [token, test]
  later: {ignored: [1, 2]}
END
assert_exit 0 "$CORESCAN" --json --rules "$tmp/own.yaml" "$tmp/core"
assert_eq "$(head -n 1 "$out" | jq -c '[.rule, .length, .secret.length, .redacted, .state]')" '["own-token",26,20,true,"free"]' "YAML"
cat >"$tmp/gitleaks.toml" <<'END'
title = "gitleaks config"
[allowlist]
paths = ['''\.png$''']
regexes = ['''^AKIAJ''']
stopwords = ["hnsf"]
[[rules]]
id = "aws"
description = "AWS"
regex = '''(?i)(?:^|[^A-Z])((?:AKIA|ASIA)[A-Z2-7]{16})(?:['"\s.]|$)'''
entropy = 3
keywords = ["akia", "asia"]
[[rules]]
id = "by-path"
path = '''(?i)\.p12$'''
END
assert_exit 0 "$CORESCAN" --json --rules "$tmp/gitleaks.toml" "$tmp/core"
assert_contains "$(cat "$err")" "rules without a regex"
# The second and the third are allowed.
sed -n 's/ aws-access-key.*//p' "$tmp/truth" | sort | sed '2,3d' >"$tmp/aws"
jq -r 'select(.type == "hit") | .secret.address' "$out" | sort >"$tmp/found"
assert_eq "$(cat "$tmp/found")" "$(cat "$tmp/aws")" "gitleaks' TOML"

# YARA's rules: conditions are about all of memory, and hits are those of yara itself.
cat >"$tmp/own.yar" <<'END'
private rule helper { strings: $x = "ghp_" condition: $x }
rule keys : cloud {
        meta:
                description = "keys of AWS"
        strings:
                $a = /AKIA[A-Z2-7]{16}/
                $missing = "this is not there" fullword
        condition:
                helper and #a == 5 and not $missing
}
rule bytes { strings: $a = { 6e 70 6d 5f [4-8] 65 } condition: $a }
rule false { strings: $a = "ghp_" condition: #a > 1000 }
END
sed -i 's/^rule false/rule unmet/' "$tmp/own.yar"
assert_exit 0 "$CORESCAN" --json --rules "$tmp/own.yar" -e 'glpat-' "$tmp/core"
jq -r 'select(.rule == "keys") | .address' "$out" | sort >"$tmp/found"
assert_eq "$(cat "$tmp/found")" "$(sed -n 's/ aws-access-key.*//p' "$tmp/truth" | sort)" "YARA's rules"
assert_eq "$(jq -rs '[.[] | select(.type == "hit") | .rule] | unique | join(" ")' "$out")" "bytes glpat- keys" "conditions hold or not"
assert_eq "$(jq -rs '[.[] | select(.type == "hit") | .address] | . == sort' "$out")" true "in one order with the others"
if command -v yara >/dev/null; then
        yara -s "$tmp/own.yar" "$pid" 2>/dev/null | sed -n 's/^\(0x[0-9a-f]*\):.*/\1/p' | sort >"$tmp/theirs"
        assert_exit 0 "$CORESCAN" --json --rules "$tmp/own.yar" --live "$pid"
        assert_eq "$(jq -r 'select(.type == "hit") | .address' "$out" | sort)" "$(cat "$tmp/theirs")" "as yara finds them"
fi

# Memory that goes away while it is searched.
build_c churn <<'END'
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

int main(void)
{
        puts("ready");
        fflush(stdout);
        for (;;) {
                char *map = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                for (size_t at = 0; at + 32 < 64 << 20; at += 4093)
                        memcpy(map + at, "vanishing-token-0123456789", 26);
                munmap(map, 64 << 20);
        }
}
END
start_program "$tmp/churn"
wait_ready
for _ in 1 2 3 4 5; do
        run "$CORESCAN" --json -e 'vanishing-token-[0-9]+' --live "$pid"
        { [ "$status" -eq 0 ] || [ "$status" -eq 1 ]; } && ok "exit status $status" || not_ok "exit status $status" "$(cat "$err")"
        assert_eq "$(jq -rs '[.[] | select(.type == "hit") | .match.text] | unique - ["vanishing-token-0123456789"] | length' "$out")" 0 "whole matches only"
done
