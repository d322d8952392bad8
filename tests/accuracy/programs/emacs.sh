# SPDX-License-Identifier: Apache-2.0
# An editor without a screen: buffers, modes, overlays, parsed documents.

packages=(emacs-nox libc6-dev)
needs=(big.json big.xml)

run() {
        capture -r ready -e INPUTS="$inputs" -- /usr/bin/emacs --batch -l "$files/emacs.el"
}
