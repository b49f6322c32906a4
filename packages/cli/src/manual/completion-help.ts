/** The help of `mortar completion`. */
export const completionHelp = `Print what makes a shell complete the words of mortar: verbs, options, and the names of volumes,
snapshots, schedules, volume groups and logical volumes as they are at that moment. While mortard
does not run its names are left out.

Example:
  source <(mortar completion bash)                                      # in ~/.bashrc
  mortar completion zsh > /usr/local/share/zsh/site-functions/_mortar
  mortar completion fish > ~/.config/fish/completions/mortar.fish`;
