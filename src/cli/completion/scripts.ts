export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** The script that makes a shell ask `PROGRAM __complete` for what fits at the cursor. */
export function completionScript(
  shell: Shell,
  program: string,
  { descriptions }: { readonly descriptions: boolean },
): string {
  const name = program.replace(/[^A-Za-z0-9_]/g, '_')
  const script = SCRIPTS[shell].replaceAll('@program@', program).replaceAll('@name@', name)
  return descriptions ? script : script.replaceAll(' __complete ', ' __completeNoDesc ')
}

const BASH = String.raw`# bash completion for @program@

_@name@_complete() {
    local rest=$COMP_LINE word blank lines directive cur i
    local -a line=()
    # bash cuts words at = and : too; here they are put together again.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=\${COMP_WORDS[i]}
        blank=
        [[ $rest == [[:blank:]]* ]] && blank=1
        rest=\${rest#"\${rest%%[![:blank:]]*}"}
        rest=\${rest#"$word"}
        if ((i > 0)) && [[ -z $blank && ($word == [=:]* || \${line[-1]} == *[=:]) ]]; then
            line[-1]+=$word
        else
            line+=("$word")
        fi
    done
    cur=\${line[-1]}

    lines=$("\${line[0]}" __completeNoDesc "\${line[@]:1}" 2>/dev/null) || return
    directive=\${lines##*:}
    lines=\${lines%:*}
    [[ $cur == -*=* ]] && cur=\${cur#*=}

    COMPREPLY=()
    if ((directive & 16)); then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
    fi
    while IFS= read -r word; do
        [[ -n $word ]] || continue
        # What is before the last colon is on the line already.
        [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]] && word=\${word#"\${cur%"\${cur##*:}"}"}
        COMPREPLY+=("$word")
    done <<<"$lines"
    ((directive & 2)) && compopt -o nospace
    ((directive & 4)) && compopt +o default
    return 0
}

complete -o default -F _@name@_complete @program@
`.replaceAll('\\$', '$')

const ZSH = String.raw`#compdef @program@
# zsh completion for @program@

_@name@_complete() {
    local -a lines offers
    local line directive
    lines=("\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
    directive=\${lines[-1]#:}
    [[ $directive == <-> ]] || return 1
    for line in "\${(@)lines[1,-2]}"; do
        [[ -n $line ]] || continue
        # _describe separates a name from its description by a colon.
        line=\${line//:/\\:}
        offers+=("\${line/$'\t'/:}")
    done

    [[ $PREFIX == -*=* ]] && compset -P '*='
    if ((directive & 16)); then
        _path_files -/
    elif ((\${#offers})); then
        if ((directive & 2)); then
            _describe '@program@' offers -S ''
        else
            _describe '@program@' offers
        fi
    elif ! ((directive & 4)); then
        _files
    fi
}

if [[ $funcstack[1] == _@program@ ]]; then
    _@name@_complete "$@"
else
    compdef _@name@_complete @program@
fi
`.replaceAll('\\$', '$')

const FISH = `# fish completion for @program@

function __@name@_complete
    set -l words (commandline -opc)
    set -l cur (commandline -ct)
    set -l lines ($words[1] __complete $words[2..-1] $cur 2>/dev/null)
    set -q lines[1]; or return
    set -l directive (string replace : '' -- $lines[-1])
    set -e lines[-1]
    set -l prefix (string match -r -- '^-[^=]*=' $cur)
    if test $directive -eq 16
        __fish_complete_directories (string replace -- "$prefix" '' $cur)
    else if test $directive -eq 0; and not set -q lines[1]
        __fish_complete_path (string replace -- "$prefix" '' $cur)
    end
    for line in $lines
        echo -- "$prefix$line"
    end
end

complete -c @program@ -f -a '(__@name@_complete)'
`

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH }
