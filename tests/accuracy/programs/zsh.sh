# SPDX-License-Identifier: Apache-2.0
# A shell: functions, arrays, the completion system and its modules.

packages=(zsh zsh-common)
needs=(big.xml)

run() {
        capture -r '^ready' -e HOME="$scratch" -e ZDOTDIR="$scratch" -- /usr/bin/zsh -f "$files/zsh.zsh" "$inputs"
}
