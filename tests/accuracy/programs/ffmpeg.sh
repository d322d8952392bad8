# SPDX-License-Identifier: Apache-2.0
# A transcoder in real time: filters over sound and a picture, encoded by two libraries, for as long as nobody stops it.

packages=(ffmpeg librsvg2-bin)
needs=(a.png tone.wav)

run() {
        capture -t 8 -- /usr/bin/ffmpeg -y -nostdin -v error -stream_loop -1 -re -i "$inputs/tone.wav" -loop 1 -re -i "$inputs/a.png" \
                -filter_complex '[0]aresample=48000,aecho,volume=2,showwaves=s=640x480[w];[1]scale=640:480,hue=s=0[i];[w][i]overlay[v]' \
                -map '[v]' -map 0 -c:v libx264 -preset medium -c:a libopus -f matroska /dev/null
}
