# SPDX-License-Identifier: Apache-2.0
package require json
package require struct::graph
package require md5
set inputs [lindex $argv 0]
set f [open $inputs/big.xml]
set text [read $f 2000000]
close $f
set n 0
foreach line [split $text \n] {
        dict set kept lines [incr n] [regexp -all -inline {[a-z]+="[^"]*"} $line]
}
for {set i 0} {$i < 2000} {incr i} {
        namespace eval ns$i [list variable v $i]
        proc ns${i}::f {x} "variable v; return \[expr {\$x + $i}\]"
        ns${i}::f 3
        set array($i) [string repeat "value $i " 20]
}
set graph [struct::graph]
for {set i 0} {$i < 400} {incr i} { $graph node insert n$i }
for {set i 0} {$i < 1500} {incr i} { $graph arc insert n[expr {$i % 400}] n[expr {$i * 7 % 400}] a$i }
set parsed [json::json2dict {{"a": [1, 2, {"b": "c"}]}}]
interp create child
child eval { for {set i 0} {$i < 3000} {incr i} { set a($i) [list $i x y] } }
puts ready
flush stdout
after 3600000
