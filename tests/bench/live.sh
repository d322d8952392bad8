#!/usr/bin/env bash
# A live process of a gigabyte (LIVE_MIB for another size): how fast it is read, next to a plain loop over process_vm_readv.
set -eu
"$BUILD_DIR/tests/bench/live_time" "${LIVE_MIB:-1024}" 15
