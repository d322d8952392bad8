#!/bin/bash
# A process that ends while it is read, at many moments: exit status 0 with what was read, said to be partial, or 2 with one
# line. Never a crash, never a wait for ever, never half of the objects told as all of them. And a process whose objects were all
# held by something is not called leaking because what held them could not be read any more.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq

copy_program shop "$tmp/shop"

# How long an undisturbed look takes.
start_program "$tmp/shop/shop" --truth "$tmp/truth"
wait_ready
before=$(date +%s%N)
scan_json "$tmp/whole.json" --live "$pid"
took=$((($(date +%s%N) - before) / 1000000))
jqe '.target.complete and .clusters[0].count == 5100' "$tmp/whole.json"
stop_program "$pid"
echo "# an undisturbed look takes $took ms"

said=
codes=
rounds=24
for ((round = 0; round < rounds; round++)); do
        leaked=$((round % 2 * 5000))
        start_program "$tmp/shop/shop" --truth "$tmp/truth" --leaked "$leaked" --live $((5100 - leaked))
        wait_ready
        rc=0
        # Some while they are frozen: killing ends them all the same.
        how=()
        ((round % 6 < 4)) || how=(--freeze)
        timeout 60 "$CORESCAN" --json "${how[@]}" --live "$pid" >"$tmp/json" 2>"$tmp/err" &
        scanner=$!
        ms=$((took * (round / 2) * 2 / rounds))
        sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
        stop_program "$pid"
        wait "$scanner" || rc=$?
        codes+=" $rc"
        case $rc in
        0)
                if grep -q '"complete": *false' "$tmp/json"; then
                        grep -q '^corescan: warning: .' "$tmp/err" || said+="${how[*]} after $ms ms: partial without a warning"$'\n'
                else
                        jq -e '.clusters[0].count == 5100' "$tmp/json" >/dev/null ||
                                said+="${how[*]} after $ms ms: not all objects, but complete: $(cat "$tmp/err")"$'\n'
                fi
                if [ "$leaked" -eq 0 ] && jq -e '.verdict.kind == "leak"' "$tmp/json" >/dev/null; then
                        said+="${how[*]} after $ms ms: called a leak: $(jq -c .verdict.summary "$tmp/json")"$'\n'
                fi
                bad=$(jq -r -f "$e2e/schema.jq" "$tmp/json" 2>&1)
                [ -z "$bad" ] || said+="${how[*]} after $ms ms: $bad"$'\n'
                ;;
        2)
                [ "$(wc -l <"$tmp/err")" -eq 1 ] && grep -q '^corescan: --live .' "$tmp/err" ||
                        said+="${how[*]} after $ms ms: not one line: $(head -c 300 "$tmp/err")"$'\n'
                ;;
        *) said+="${how[*]} after $ms ms: exit status $rc: $(head -c 600 "$tmp/err")"$'\n' ;;
        esac
done
assert_eq "$said" "" "$rounds processes that end while they are read"
echo "# exit statuses:$codes"

# Processes that end while they are opened: a few milliseconds after they began.
said=
codes=
for ((round = 0; round < 60; round++)); do
        sleep "0.0$(printf %02d $((round % 20)))" &
        short=$!
        rc=0
        # shellcheck disable=SC2046 # no option, or one
        timeout 60 "$CORESCAN" --json --heap $([ $((round % 2)) = 0 ] || echo --freeze) --live "$short" >"$tmp/json" 2>"$tmp/err" || rc=$?
        wait "$short" 2>/dev/null
        codes+=" $rc"
        case $rc in
        0)
                bad=$(jq -r -f "$e2e/schema.jq" "$tmp/json" 2>&1)
                [ -z "$bad" ] || said+="round $round: $bad"$'\n'
                ;;
        2)
                [ "$(wc -l <"$tmp/err")" -eq 1 ] && grep -q '^corescan: --live .' "$tmp/err" ||
                        said+="round $round: not one line: $(head -c 300 "$tmp/err")"$'\n'
                ;;
        *) said+="round $round: exit status $rc: $(head -c 600 "$tmp/err")"$'\n' ;;
        esac
done
assert_eq "$said" "" "$round processes that end while they are opened"
echo "# exit statuses:$codes"
