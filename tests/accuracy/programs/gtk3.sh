# SPDX-License-Identifier: Apache-2.0
# A desktop program with all the widgets, on a display in memory.

packages=(gtk-3-examples xvfb)

run() {
        display 87
        capture -t 8 -e DISPLAY=:87 -e GDK_BACKEND=x11 -e NO_AT_BRIDGE=1 -e HOME="$scratch" -- /usr/bin/gtk3-widget-factory
}
