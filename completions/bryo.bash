# bash completion for bryo

_bryo_complete() {
    local rest=$COMP_LINE word blank lines directive cur i
    local -a line=()
    # bash cuts words at = and : too; here they are put together again.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        blank=
        [[ $rest == [[:blank:]]* ]] && blank=1
        rest=${rest#"${rest%%[![:blank:]]*}"}
        rest=${rest#"$word"}
        if ((i > 0)) && [[ -z $blank && ($word == [=:]* || ${line[-1]} == *[=:]) ]]; then
            line[-1]+=$word
        else
            line+=("$word")
        fi
    done
    cur=${line[-1]}

    lines=$("${line[0]}" __completeNoDesc "${line[@]:1}" 2>/dev/null) || return
    directive=${lines##*:}
    lines=${lines%:*}
    [[ $cur == -*=* ]] && cur=${cur#*=}

    COMPREPLY=()
    if ((directive & 16)); then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
    fi
    while IFS= read -r word; do
        [[ -n $word ]] || continue
        # What is before the last colon is on the line already.
        [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]] && word=${word#"${cur%"${cur##*:}"}"}
        COMPREPLY+=("$word")
    done <<<"$lines"
    ((directive & 2)) && compopt -o nospace
    ((directive & 4)) && compopt +o default
    return 0
}

complete -o default -F _bryo_complete bryo
