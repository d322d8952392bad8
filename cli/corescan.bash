# bash completion for corescan(1)                          -*- shell-script -*-

_corescan() {
        local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
        local flags='--help --version --live --watch --samples --summary --regions --heap --clusters --libraries --leaks --strings --encoding --json --top --min-bytes --library
                --region --cluster --at --refs --depth --blocks --prometheus --output --color --progress --jobs --strict --fail-on --sysroot --debug-dir
                --max-memory --temp-dir --freeze --grep --rules --reveal'
        local verdicts='leak growth fragmentation retention managed-heap cache-or-live-data healthy unknown'
        local kinds='malloc-used malloc-free malloc-overhead java-heap java-metaspace java-code-cache ruby-heap python-heap
                beam-carrier v8-heap go-heap stack module-code module-data file shared vdso reserved anonymous'

        COMPREPLY=()
        # "--color=al" comes in three words: "--color", "=" and "al".
        if [ "$cur" = = ]; then
                cur=
        elif [ "$prev" = = ]; then
                prev=${COMP_WORDS[COMP_CWORD - 2]}
        fi
        case $prev in
        --live)
                mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$cur")
                return
                ;;
        --color | --progress)
                mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$cur")
                return
                ;;
        --encoding)
                mapfile -t COMPREPLY < <(compgen -W 'ascii utf-8 utf-16le' -- "$cur")
                return
                ;;
        --region)
                mapfile -t COMPREPLY < <(compgen -W "$kinds" -- "$cur")
                return
                ;;
        --fail-on)
                mapfile -t COMPREPLY < <(compgen -W "$verdicts" -- "$cur")
                return
                ;;
        --sysroot | --debug-dir | --temp-dir)
                mapfile -t COMPREPLY < <(compgen -d -- "$cur")
                return
                ;;
        --rules)
                # The words end at ":", as COMP_WORDBREAKS says.
                mapfile -t COMPREPLY < <(compgen -W 'builtin:secrets builtin:http builtin:pii' -- "$cur"; compgen -f -- "$cur")
                return
                ;;
        --grep | -e) return ;;
        --watch | --samples | --top | --min-bytes | --library | --cluster | --at | --refs | --depth | --jobs | -j)
                return
                ;;
        --blocks | --prometheus | --output | -o) ;;
        *)
                if [[ $cur == -* ]]; then
                        mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$cur")
                        return
                fi
                ;;
        esac
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}
complete -o filenames -F _corescan corescan
