# fish completion for bryo

function __bryo_complete
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

complete -c bryo -f -a '(__bryo_complete)'
