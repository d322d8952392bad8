# SPDX-License-Identifier: Apache-2.0
# A documentation generator in the middle of a tree of C++ headers.

packages=(doxygen libstdc++-12-dev)

run() {
        cat >"$scratch/Doxyfile" <<X
INPUT = /usr/include
RECURSIVE = YES
EXTRACT_ALL = YES
OUTPUT_DIRECTORY = $scratch/out
FILE_PATTERNS = *.h *.tcc
QUIET = YES
WARNINGS = NO
WARN_IF_DOC_ERROR = NO
GENERATE_LATEX = NO
HAVE_DOT = NO
X
        capture -t 14 -- /usr/bin/doxygen "$scratch/Doxyfile"
}
