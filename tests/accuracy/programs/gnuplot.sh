# SPDX-License-Identifier: Apache-2.0
# A plotter at its prompt: data blocks, functions and surfaces.

packages=(gnuplot-nox)

run() {
        {
                echo 'set terminal pngcairo; set output "/dev/null"; set samples 2000; set isosamples 120'
                echo 'array a[5000]; do for [i=1:5000] { a[i] = sprintf("text %d", i) }'
                echo '$data << EOD'
                awk 'BEGIN { srand(2); for (i = 0; i < 20000; i++) print i, rand(), rand() * 9 }'
                echo 'EOD'
                awk 'BEGIN { for (i = 0; i < 400; i++) printf "f%d(x) = sin(x * %d) + %d\nv%d = \"string %d\"\n", i, i, i, i, i }'
                echo 'set key outside; do for [i=1:200] { set label i sprintf("label %d", i) at i, i; set arrow i from i, i to i, 2 * i }'
                echo 'splot sin(x) * cos(y) with pm3d; plot $data using 1:2 with lines, $data using 1:3 smooth csplines'
                echo 'print "ready"'
        } >"$scratch/commands"
        capture -r '^ready' -i "$scratch/commands" -e GNUTERM=dumb -- /usr/bin/gnuplot -
}
