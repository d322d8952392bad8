#!/bin/bash
# A process that cannot be read: exit status 2 and one line that names the process and the cause. What may not be read is said
# by its reason: another user's, not dumpable, ptrace_scope.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq

corescan() {
        timeout 60 "$CORESCAN" "$@"
}

refused_pid() { # pid, pattern, CMD...
        local what=$1 pattern=$2

        shift 2
        run "$@" --live "$what"
        assert_eq "$status" 2 "--live $what: exit status 2"
        assert_one_line "$err" "$(head -c 300 "$err")"
        assert_file_contains "$err" "--live" "the line names the option"
        [ -z "$what" ] || assert_file_contains "$err" "$what" "and the process"
        if grep -qiE -e "$pattern" "$err"; then
                ok "the line says: $pattern"
        else
                not_ok "the line says: $pattern" "$(cat "$err")"
        fi
        assert_eq "$(wc -c <"$out")" 0 "nothing on standard output"
}

# No process has the number pid_max.
refused_pid "$(cat /proc/sys/kernel/pid_max)" 'no such process' corescan
for bad in 0 -1 abc '' 12x 1.5 99999999999999999999; do
        refused_pid "$bad" 'not a|number|process id|positive' corescan
done

# A process that has ended, and that its parent has not asked about.
build_c parent <<'END'
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
        pid_t child = fork();
        if (child == 0)
                _exit(0);
        siginfo_t info;
        waitid(P_PID, child, &info, WEXITED | WNOWAIT);
        printf("%d\nready\n", child);
        fflush(stdout);
        return getchar();
}
END
start_program "$tmp/parent"
wait_ready
refused_pid "$(head -n 1 "$program_dir/.out")" 'zombie|has ended' corescan

kernel_thread=
for dir in /proc/[0-9]*; do
        # The ninth field: flags; PF_KTHREAD
        flags=$(sed 's/.*) //' "$dir/stat" 2>/dev/null | cut -d ' ' -f 7)
        if ((${flags:-0} & 0x200000)); then
                kernel_thread=${dir##*/}
                break
        fi
done
if [ -n "$kernel_thread" ]; then
        refused_pid "$kernel_thread" 'kernel thread' corescan
else
        echo "# no kernel thread is in sight here"
fi

own_copy
build_c target <<'END'
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
int main(int argc, char **argv)
{
        if (argc > 1 && strcmp(argv[1], "private") == 0)
                prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        if (argc > 1 && strcmp(argv[1], "open") == 0)
                prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
        puts("ready");
        fflush(stdout);
        return getchar();
}
END
cp "$tmp/target" "$everybody/"

# Another user's: root's for nobody; for who is not root, that of process 1.
if [ "$(id -u)" -eq 0 ]; then
        need_command setpriv
        start_program "$tmp/target"
        wait_ready
        refused_pid "$pid" 'not permitted.*uid 0.*65534|not permitted.*65534.*uid 0' as_nobody "$everybody/corescan"
        assert_file_contains "$err" root "and the way out"
elif [ "$(stat -c %u /proc/1)" -eq 0 ]; then
        refused_pid 1 'not permitted.*uid' corescan
fi

# The same user's, but it does not want to be looked at.
as_nobody_in() { # the FIFO of the program has to be nobody's
        _programs=$((_programs + 1))
        program_dir=$everybody/program.$_programs
        mkdir -p "$program_dir"
        mkfifo "$program_dir/.in"
        (
                cd "$program_dir" || exit 1
                exec 0<>.in >.out 2>.err
                if [ "$(id -u)" -eq 0 ]; then
                        exec setpriv --reuid="$nobody_uid" --regid="$nobody_uid" --clear-groups "$@"
                fi
                exec "$@"
        ) &
        pid=$!
        defer stop_program "$pid"
        wait_ready
}
as_nobody_in "$everybody/target" private
refused_pid "$pid" 'not permitted.*dumpable' as_nobody "$everybody/corescan"

# The same user's, that lets itself be read, is read by who is not root.
as_nobody_in "$everybody/target" open
run as_nobody "$everybody/corescan" --json --live "$pid"
assert_eq "$status" 0 "nobody may read nobody's process"
assert_schema "$out"

scope=$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0)
if [ "$scope" -ge 1 ]; then
        as_nobody_in "$everybody/target" plain
        refused_pid "$pid" "not permitted.*ptrace_scope is $scope" as_nobody "$everybody/corescan"
else
        echo "# ptrace_scope does not forbid anything here"
fi
