#!/bin/bash
# Proves that the two commands of the README work on a fresh Debian 12 that has nothing but git and a shell: makes such a
# tree with debootstrap, clones this repository into it, and runs `./dev test` and `./dev demo` there.
set -eu

usage() {
        cat <<'END'
usage: tests/fresh/prove.sh [OPTION...]        (as root)

  --worktree      take the files as they are here, instead of the last commit
  --sudo          run the commands as an ordinary user with sudo, instead of as root
  --only VERB     run this verb of ./dev only (may repeat; default: test, then demo)
  --mirror URL    where Debian comes from (default: what apt is configured with here)
  --cache FILE    the packed minimal tree, made when it is not there
                  (default: ${XDG_CACHE_HOME:-~/.cache}/corescan/bookworm-minbase.tar)
  --keep          leave the tree there and say where it is
END
}

die() {
        printf 'prove: %s\n' "$*" >&2
        exit 1
}

say() {
        printf '\n==== %s\n' "$*"
}

# Runs in its own mount and process namespaces (see below): whatever is mounted or started here ends with this shell.
inside() {
        local root=$1 user=$2 verb

        shift 2
        mount -t proc proc "$root/proc"
        mount --rbind /sys "$root/sys"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs tmpfs "$root/dev/shm"

        say "installing git and nothing else"
        enter "$root" root 'apt-get -q update && apt-get -qy install --no-install-recommends git' >"$root/prepare.log" 2>&1 || {
                cat "$root/prepare.log"
                die "cannot install git in the new tree"
        }
        if [ "$user" != root ]; then
                enter "$root" root "apt-get -qy install --no-install-recommends sudo && useradd -m $user &&
                        echo '$user ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/$user &&
                        chown -R $user: /srv/source" >>"$root/prepare.log" 2>&1 || {
                        cat "$root/prepare.log"
                        die "cannot make a user with sudo in the new tree"
                }
        fi
        # As the README says it: clone, then the command. (Of --worktree there is nothing to clone.)
        if [ -e "$root/srv/source/.git" ]; then
                enter "$root" "$user" 'git clone -q /srv/source ~/corescan'
        else
                enter "$root" "$user" 'cp -r /srv/source ~/corescan'
        fi
        for verb; do
                say "./dev $verb"
                enter "$root" "$user" "cd ~/corescan && ./dev $verb" || die "./dev $verb failed with exit status $?"
        done
}

# enter ROOT USER COMMAND: in the new tree, with the environment of a plain login.
enter() {
        local home=/root command=(/bin/bash -c "$3")

        if [ "$2" != root ]; then
                home=/home/$2
                command=(setpriv --reuid "$2" --regid "$2" --init-groups "${command[@]}")
        fi
        env -i HOME="$home" USER="$2" LOGNAME="$2" SHELL=/bin/bash TERM=dumb \
                PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
                ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
                chroot "$1" "${command[@]}"
}

if [ "${1:-}" = --inside ]; then
        shift
        inside "$@"
        exit
fi

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
worktree='' user=root verbs=() mirror='' keep=''
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/corescan/bookworm-minbase.tar
while [ $# -gt 0 ]; do
        case $1 in
        --worktree) worktree=1 ;;
        --sudo) user=maintainer ;;
        --keep) keep=1 ;;
        --only | --mirror | --cache)
                [ $# -ge 2 ] || die "$1 needs a value"
                case $1 in
                --only) verbs+=("$2") ;;
                --mirror) mirror=$2 ;;
                --cache) cache=$2 ;;
                esac
                shift
                ;;
        -h | --help) usage && exit ;;
        *) usage >&2 && exit 2 ;;
        esac
        shift
done
[ ${#verbs[@]} -gt 0 ] || verbs=(test demo)
[ "$(id -u)" -eq 0 ] || die "debootstrap and chroot need root: run with sudo"
command -v debootstrap >/dev/null || die "debootstrap is not installed (./dev fresh installs it)"

started=$SECONDS
root=$(mktemp -d "${TMPDIR:-/var/tmp}/corescan-fresh.XXXXXX")
finish() {
        local rc=$?

        trap - EXIT
        # Nothing is mounted below it in our own namespace, and rm would not follow it if it were.
        if [ -n "$keep" ]; then
                echo "prove: the tree is kept in $root"
        else
                rm -rf --one-file-system -- "$root"
        fi
        exit "$rc"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
chmod 755 "$root"

proxy=$(apt-config dump --format '%v' Acquire::http::Proxy)
if [ -n "$proxy" ]; then
        export http_proxy=$proxy https_proxy=$proxy
fi

if [ ! -s "$cache" ]; then
        # shellcheck disable=SC2016
        [ -n "$mirror" ] ||
                mirror=$(apt-get indextargets --format '$(SITE)' 'Codename: bookworm' 'Created-By: Packages' | head -n 1)
        [ -n "$mirror" ] || die "apt here has no source for bookworm: name one with --mirror"
        say "making a minimal Debian 12"
        mkdir -p "$(dirname "$cache")"
        debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 || {
                tail -n 20 "$root.log"
                die "debootstrap failed (all of it: $root.log)"
        }
        rm -f "$root.log"
        tar -C "$root" -cf "$cache.part" . && mv "$cache.part" "$cache"
else
        say "unpacking the minimal Debian 12 of $(date -r "$cache" +%F)"
        tar -C "$root" -xpf "$cache"
fi
[ ! -e /etc/resolv.conf ] || cat /etc/resolv.conf >"$root/etc/resolv.conf"
printf '127.0.0.1 localhost\n' >"$root/etc/hosts"

mkdir -p "$root/srv/source"
if [ -n "$worktree" ]; then
        what="the working tree"
        git -C "$repo" ls-files -z --cached --others --exclude-standard |
                (cd "$repo" && xargs -0 ls -d 2>/dev/null) |
                tar -C "$repo" -cf - --no-recursion -T - | tar -C "$root/srv/source" -xf - --no-same-owner
else
        what="commit $(git -C "$repo" rev-parse --short HEAD)"
        git clone -q --no-hardlinks "$repo" "$root/srv/source"
fi

unshare --mount --propagation private --pid --fork --kill-child \
        "$BASH" "${BASH_SOURCE[0]}" --inside "$root" "$user" "${verbs[@]}"

say "proved: ./dev ${verbs[*]} on a minimal Debian 12 as $user, from $what, in $((SECONDS - started)) s"
