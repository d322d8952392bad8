# SPDX-License-Identifier: Apache-2.0
# A compiler in the middle of templates.

packages=(clang libstdc++-12-dev)

run() {
        local resources=$(clang -print-resource-dir) compiler=$(clang -print-prog-name=clang)

        capture -t 12 -- "$compiler" -cc1 -triple x86_64-pc-linux-gnu -emit-obj -O2 -std=c++17 -fgnuc-version=4.2.1 \
                -fcxx-exceptions -fexceptions -resource-dir "$resources" -internal-isystem /usr/include/c++/12 \
                -internal-isystem /usr/include/x86_64-linux-gnu/c++/12 -internal-isystem "$resources/include" \
                -internal-externc-isystem /usr/include/x86_64-linux-gnu -internal-externc-isystem /usr/include \
                -x c++ -o /dev/null "$files/templates.cc"
}
