/**
 * What a shell reads to complete the words of mortar. Each asks `mortar completion -- WORD…` with the
 * words up to the one that is typed, and gets a line each: the word, a tab, and what it does.
 */

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** Without an answer bash completes file names. */
const bash = `# Completions of mortar for bash.
_mortar() {
  local IFS=$'\\n'
  local current=\${COMP_WORDS[COMP_CWORD]} lines line
  mapfile -t lines < <(\${COMP_WORDS[0]} completion -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
  COMPREPLY=()
  for line in "\${lines[@]}"; do
    line=\${line%%$'\\t'*}
    [[ $line == "$current"* ]] && COMPREPLY+=("$line")
  done
  [[ \${#COMPREPLY[@]} -ne 1 || \${COMPREPLY[0]} != *= ]] || compopt -o nospace
}
complete -o default -F _mortar mortar
`;

const zsh = `#compdef mortar
# Completions of mortar for zsh.
_mortar() {
  local -a lines
  local line
  for line in "\${(@f)$(\${words[1]} completion -- "\${(@)words[2,CURRENT]}" 2> /dev/null)}"; do
    [[ -n $line ]] && lines+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#lines} )); then _describe -t commands mortar lines; else _files; fi
}
if [[ \${funcstack[1]} == _mortar ]]; then _mortar "$@"; else compdef _mortar mortar; fi
`;

const fish = `# Completions of mortar for fish.
function __mortar_words
    set -l typed (commandline -opc)
    $typed[1] completion -- $typed[2..-1] (commandline -ct) 2> /dev/null
end
complete -c mortar -a '(__mortar_words)'
`;

export const completionScripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };
