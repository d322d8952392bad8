# SPDX-License-Identifier: Apache-2.0
# A player: its scripts, a picture on no screen and sound on no speaker, with filters.

packages=(mpv)
needs=(tone.wav)

run() {
        capture -t 8 -e HOME="$scratch" -- /usr/bin/mpv --no-config --vo=null --ao=null --no-input-terminal --loop-file=inf \
                --lavfi-complex='[aid1]asplit[ao][a];[a]showcqt=s=640x480[vo]' "$inputs/tone.wav"
}
