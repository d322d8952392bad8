# SPDX-License-Identifier: Apache-2.0
# A chain of sound effects over hours of generated sound.

packages=(sox)

run() {
        capture -t 5 -- /usr/bin/sox -n -r 48000 -c 2 -t wav /dev/null synth 100000 pinknoise synth 100000 sine mix 300-3300 \
                reverb 60 echos 0.8 0.7 700 0.25 900 0.3 chorus 0.7 0.9 55 0.4 0.25 2 -t rate -v 44100 pitch 200 tempo 1.2 \
                sinc -n 4095 1k-4k compand 0.3,1 6:-70,-60,-20 flanger phaser 0.89 0.85 1 0.24 2 -t
}
