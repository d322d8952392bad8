# SPDX-License-Identifier: Apache-2.0
# A build generator with a project of fifteen hundred targets.

packages=(cmake make gcc g++)

run() {
        mkdir "$scratch/source"
        cp "$files/cmake.txt" "$scratch/source/CMakeLists.txt"
        capture -r ready -T 200 -- /usr/bin/cmake -S "$scratch/source" -B "$scratch/build"
}
