# SPDX-License-Identifier: Apache-2.0
zmodload zsh/complist zsh/zutil zsh/parameter zsh/regex zsh/mapfile zsh/datetime zsh/mathfunc
autoload -Uz compinit && compinit -u -d $HOME/dump
typeset -A table
typeset -a lines
lines=("${(@f)$(head -n 20000 $1/big.xml)}")
for i in {1..20000}; do table[key$i]="value $i ${lines[i][1,20]}"; done
for i in {1..2000}; do
        eval "f$i() { local x=\$1; for y in a b c; do [[ \$x == \$y$i ]] && print \$((x + $i)); done }"
        alias a$i="print $i"
        zstyle ":completion:*:$i" format "text $i"
done
autoload -Uz +X _git _tar _ssh _apt _docker 2>/dev/null
print ready
sleep 3600 &
wait
