# SPDX-License-Identifier: Apache-2.0
# A chat client with its plugins: buffers, lines, filters, triggers and servers that are never reached.

packages=(weechat-headless weechat-plugins)

run() {
        local i commands="/set weechat.history.max_buffer_lines_number 20000"

        for ((i = 0; i < 40; i++)); do
                commands+=";/server add net$i 127.0.0.1/6667 -ssl;/filter add f$i irc.net$i.* irc_join,irc_part *"
                commands+=";/trigger add t$i print \"\" \"\${tg_message} =~ ^x$i\" \"/x(a|b)$i/\${re:1}/\""
        done
        commands+=";/repeat 8000 /print -core a line of chat with some words in it"
        capture -t 6 -- /usr/bin/weechat-headless -d "$scratch/home" -r "$commands"
}
