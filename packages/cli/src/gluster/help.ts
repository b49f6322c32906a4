/** Help as `gluster` prints it. */
import type { GlusterCommand } from "./command.ts";

/** The commands of one family, in the order of their patterns. */
export function familyHelp(family: string, commands: readonly GlusterCommand[]): string {
  const listed = commands
    .filter((command) => (command.family ?? command.words[0]) === family)
    .map((command) => `${command.usage} - ${command.help}\n`)
    .sort();
  const title = `gluster ${family} commands`;
  const line = "=".repeat(title.length + (family === "snapshot" ? 0 : 1));
  return `\n${title}\n${line}\n\n${listed.join("")}\n\n`;
}

/** The commands that begin with these words, `snapshot schedule`, each with its example. */
export function helpBelow(words: readonly string[], commands: readonly GlusterCommand[]): string {
  return commands
    .filter((command) => words.every((word, index) => command.words[index]?.startsWith(word)))
    .map(({ usage, help, more }) => {
      const lines = more === undefined ? [help] : [help, ...more.split("\n")];
      return `${usage}\n${lines.map((line) => `    ${line}\n`).join("")}`;
    })
    .join("\n");
}

/** What `help` and `--help` print. */
export const generalHelp =
  [
    [" peer help", "display help for peer commands"],
    [" volume help", "display help for volume commands"],
    [" volume bitrot help", "display help for volume bitrot commands"],
    [" volume quota help", "display help for volume quota commands"],
    [" snapshot help", "display help for snapshot commands"],
    [" global help", "list global commands"],
  ]
    .map(([pattern = "", text]) => `${pattern.padEnd(26)}- ${text}\n`)
    .join("") + "\n";

/** What follows an unknown word or option. */
export const generalUsage = `
 Usage: gluster [options] <help> <peer> <pool> <volume>
 Options:
 --help  Shows the help information
 --version  Shows the version
 --print-logdir  Shows the log directory
 --print-statedumpdir Shows the state dump directory

`;

export function usageOf(command: GlusterCommand): string {
  return `\nUsage:\n${command.usage}\n\n`;
}
