# SPDX-License-Identifier: Apache-2.0
# The display server itself, with programs that draw on it.

packages=(xvfb gtk-3-examples)

run() {
        capture -t 2 -k "
                for i in 1 2 3; do
                        DISPLAY=:88 GDK_BACKEND=x11 NO_AT_BRIDGE=1 HOME='$scratch' timeout 60 gtk3-widget-factory >/dev/null 2>&1 &
                done
                DISPLAY=:88 GDK_BACKEND=x11 NO_AT_BRIDGE=1 HOME='$scratch' timeout 60 gtk3-demo >/dev/null 2>&1 &
                sleep 8" -- /usr/bin/Xvfb :88 -screen 0 1280x1024x24 -nolisten tcp
}
