# SPDX-License-Identifier: Apache-2.0
# Two live pipelines in one process: generated sound and pictures, filtered, encoded, put into files that go nowhere.

packages=(gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good)

run() {
        capture -t 8 -e GST_REGISTRY="$scratch/registry.bin" -- /usr/bin/gst-launch-1.0 \
                videotestsrc is-live=true pattern=ball '!' video/x-raw,width=640,height=480 '!' videoconvert '!' tee name=t \
                t. '!' queue '!' videoconvert '!' vp8enc deadline=1 '!' webmmux '!' fakesink \
                t. '!' queue '!' videoconvert '!' theoraenc '!' oggmux '!' fakesink \
                t. '!' queue '!' videoconvert '!' jpegenc '!' fakesink \
                audiotestsrc is-live=true wave=pink-noise '!' audioconvert '!' audio/x-raw,channels=2 '!' equalizer-10bands '!' tee name=s \
                s. '!' queue '!' audioconvert '!' vorbisenc '!' oggmux '!' fakesink \
                s. '!' queue '!' audioconvert '!' flacenc '!' fakesink \
                s. '!' queue '!' audioconvert '!' audioresample '!' opusenc '!' rtpopuspay '!' fakesink
}
