/** The shells' side of completion: they ask `berth __complete`, which answers from the flag tables. */

/**
 * Readline breaks words at ':' and '=' and replaces what follows only, so the line is split here and what stands
 * before is taken off the answers.
 */
const bash = String.raw`# berth completion for bash: source <(berth completion bash)
_berth() {
  local line=${'$'}{COMP_LINE:0:COMP_POINT} word found strip
  local -a words
  COMPREPLY=()
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  word=${'$'}{words[${'$'}{#words[@]} - 1]}
  while IFS= read -r found; do
    if [[ $found == :files ]]; then
      compopt -o default 2>/dev/null
      return
    fi
    COMPREPLY+=("${'$'}{found%%$'\t'*}")
  done < <("${'$'}{words[0]}" __complete -- "${'$'}{words[@]:1}" 2>/dev/null)
  if [[ $word == *[:=]* ]]; then
    strip=${'$'}{word%"${'$'}{word##*[:=]}"}
    COMPREPLY=("${'$'}{COMPREPLY[@]#"$strip"}")
  fi
}
complete -F _berth berth
`;

const zsh = String.raw`#compdef berth
# berth completion for zsh: source <(berth completion zsh), or save it as _berth in a directory of $fpath
_berth() {
  local found
  local -a values
  for found in "${'$'}{(@f)$("${'$'}{(Q)words[1]}" __complete -- "${'$'}{(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ $found == :files ]] && { _files; return }
    [[ -z $found ]] && continue
    values+=("${'$'}{${'$'}{found%%$'\t'*}//:/\\:}:${'$'}{found#*$'\t'}")
  done
  _describe -t values value values
}
if [[ $funcstack[1] == _berth ]]; then
  _berth "$@"
else
  compdef _berth berth
fi
`;

export const scripts: Readonly<Record<string, string>> = { bash, zsh };
