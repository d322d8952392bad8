# SPDX-License-Identifier: Apache-2.0
# The layout of a large directed graph, caught on the way: it takes minutes.

packages=(graphviz)

run() {
        awk 'BEGIN {
                srand(5)
                print "digraph g { node [shape=box, fontname=\"DejaVu Sans\"];"
                for (i = 0; i < 1500; i++)
                        printf "n%d [label=\"node %d\\n%f\", color=\"#%06x\", URL=\"http://h/%d\"];\n", i, i, rand(), rand() * 16777215, i
                for (i = 1; i < 5000; i++)
                        printf "n%d -> n%d [weight=%d, label=\"e%d\"];\n", rand() * 1500, rand() * 1500, rand() * 9, i
                print "}"
        }' >"$scratch/graph.dot"
        capture -t 8 -- /usr/bin/dot -Tsvg -o /dev/null "$scratch/graph.dot"
}
