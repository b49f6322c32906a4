/**
 * The command blocks of a page of documentation, and what they print.
 *
 *     ```console
 *     $ mortar volume list          a command; a line that begins with `> ` goes on with it
 *     v1                            what it prints: exactly this line
 *     Number of Bricks: …           … is anything within a line
 *     …                             alone: any number of lines
 *     ```
 *
 * Commands are run in order, each page from a fresh node. A block that cannot run says why: ```console skip="it needs a
 * second machine". A command whose output is not shown may print what it likes. `$ false-command ; exit 1` is not
 * needed: a command that ends with another code than 0 has `[1]` as its last line. What a page needs and does not show is a
 * comment, from a line `<!-- console` to a line `-->`.
 */
const HIDDEN = "<!-- console";

export interface DocCommand {
  readonly line: number;
  readonly command: string;
  readonly expected: readonly string[];
  readonly exitCode: number;
}

export interface DocBlock {
  readonly line: number;
  readonly commands: readonly DocCommand[];
  /** Why it is not run. */
  readonly skip: string | undefined;
}

export function docBlocks(markdown: string): DocBlock[] {
  const blocks: DocBlock[] = [];
  const lines = markdown.split("\n");
  for (let index = 0; index < lines.length; index += 1) {
    const first = lines[index] ?? "";
    const [, skip] = /^```console(?: skip="([^"]+)")?$/.exec(first) ?? [undefined];
    if (!first.startsWith("```console") && first !== HIDDEN) continue;
    const end = lines.indexOf(first === HIDDEN ? "-->" : "```", index + 1);
    if (end < 0) throw new Error(`line ${index + 1}: a block that does not end`);
    blocks.push({ line: index + 1, commands: commandsOf(lines.slice(index + 1, end), index + 2), skip });
    index = end;
  }
  return blocks;
}

/** Commands that stand in an indented block, where nothing runs them: the lines. */
export function indentedCommands(markdown: string): string[] {
  const outside = markdown.replaceAll(/^```.*?^```$/gms, "");
  const named = "mortar|gluster|glusterd|(?:lv|vg|pv)[a-z]+|mount|umount|npm|node|git|apt-get|podman|export|nbdinfo|cd|sudo";
  return [...outside.matchAll(new RegExp(`^    (?:\\$ )?(?:${named}) .*$`, "gm"))].map(([line]) => line);
}

function commandsOf(lines: readonly string[], first: number): DocCommand[] {
  const commands: { line: number; command: string; expected: string[]; exitCode: number }[] = [];
  lines.forEach((text, index) => {
    const last = commands.at(-1);
    if (text.startsWith("$ ")) {
      commands.push({ line: first + index, command: text.slice(2), expected: [], exitCode: 0 });
    } else if (last === undefined) throw new Error(`line ${first + index}: no command before ${text}`);
    else if (text.startsWith("> ")) last.command += `\n${text.slice(2)}`;
    else if (/^\[\d+\]$/.test(text)) last.exitCode = Number(text.slice(1, -1));
    else last.expected.push(text);
  });
  return commands;
}

/** Undefined when the output is as expected, else the first expected line that is not there. */
export function firstMissing(expected: readonly string[], output: string): string | undefined {
  if (expected.length === 0) return undefined;
  const lines = output.replace(/\n$/, "").split("\n");
  let at = 0;
  let isAnywhere = false;
  for (const line of expected) {
    if (line === "…") {
      isAnywhere = true;
      continue;
    }
    const pattern = patternOf(line);
    const found = isAnywhere ? lines.findIndex((it, index) => index >= at && pattern.test(it)) : at;
    if (found < 0 || !pattern.test(lines[found] ?? "")) return line;
    at = found + 1;
    isAnywhere = false;
  }
  return isAnywhere || at >= lines.length || lines.slice(at).every((it) => it === "")
    ? undefined : `the end, and not: ${lines[at]}`;
}

/** Columns are as wide as names are: any number of blanks is as good as another. */
function patternOf(line: string): RegExp {
  const parts = line.split("…").map((part) =>
    part.trimEnd() === "" && part !== "" ? "\\s+" : part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll(/ +/g, "\\s+"));
  return new RegExp(`^${parts.join(".*")}\\s*$`);
}
