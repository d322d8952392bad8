#!/usr/bin/env bash
# Graph, marking and owners of 10 million blocks that refer to each other (RELATE_BLOCKS for another number) on two workers:
# what each takes for 10 million, next to the bounds of 3 s together and of 12 bytes per block.
set -eu
. "$SOURCE_DIR/tests/bench/_core.sh"
blocks=${RELATE_BLOCKS:-10000000}
dir=$(bench_dir "relate-$blocks")
bin=$BUILD_DIR/tests/bench
bench_core "$dir/core" "$bin/manychunks" "$blocks" rich
bench_warm "$dir/core"
"$bin/relate_time" "$dir/core" 2 5 | tee "$dir/relate"

python3 - "$dir/relate" <<'PY'
import re, statistics, sys
all = [re.match(r'all +([\d.]+) s wall, ([\d.]+) s CPU .*keeps ([\d.]+), peak ([\d.]+) ', line) for line in open(sys.argv[1])]
wall, cpu, kept, peak = (statistics.median(float(m[i]) for m in all if m) for i in range(1, 5))
print(f'10 million blocks: median {wall:.2f} s wall, {cpu:.2f} s CPU; bound 3 s: {"kept" if wall <= 3 else "MISSED"}')
print(f'{kept:.1f} bytes per block are kept (peak {peak:.1f}); bound 12: {"kept" if kept <= 12 else "MISSED"}')
PY
