/**
 * Every command of the program in one table, made of what each family says of itself: from it come
 * the manual pages, what shells complete, and the test that none lacks an example.
 */
import { exampleOf } from "../gluster/command-examples.ts";
import { glusterCommands } from "../gluster/commands.ts";
import { lvmToolHelp, lvmTools } from "../lvm/index.ts";
import { verbs, wordsOnJson } from "../node/verbs.ts";
import { poolVerbs } from "../pool/pool-verbs.ts";

export type CommandFamily = "mortar" | "pool" | "volume" | "snapshot" | "peer" | "system" | "lvm";

export interface TableCommand {
  readonly family: CommandFamily;
  /** By which it is selected: `["snapshot", "create"]`. */
  readonly words: readonly string[];
  /** Without the program's name; lines, where there are several ways. */
  readonly usage: readonly string[];
  /** Paragraphs and lists in lines, an example at the end or within. */
  readonly help: string;
  /** Command lines, each beginning with `mortar`. */
  readonly examples: readonly string[];
  /** `--json`, `-f`. */
  readonly options: readonly string[];
}

/** Options of all commands of GlusterFS's grammar. */
export const glusterOptions = ["--json", "--xml", "--mode=script", "--timeout="];

export function commandTable(): readonly TableCommand[] {
  return [...ownCommands(), ...poolCommands(), ...ofGluster(), ...ofLvm()];
}

function ownCommands(): TableCommand[] {
  return Object.entries(verbs).map(([verb, entry]) => {
    const { usage } = entry;
    const help = entry.help + wordsOnJson(entry);
    return {
      family: "mortar", words: [verb], usage: usageLines(usage), help,
      examples: examplesIn(help), options: optionsIn(`${usage}\n${help}`, ["--root"]),
    };
  });
}

function poolCommands(): TableCommand[] {
  return Object.entries(poolVerbs).map(([verb, { usage, help }]) => ({
    family: "pool", words: ["pool", verb], usage: usageLines(usage), help,
    examples: examplesIn(help), options: optionsIn(`${usage}\n${help}`, []),
  }));
}

/** Those that are supported; two patterns of one command are one. `help` is Mortar's own. */
function ofGluster(): TableCommand[] {
  const table = new Map<string, TableCommand>();
  for (const command of glusterCommands) {
    if (command.run === undefined || command.words[0] === "help") continue;
    const { words, usage, help, more } = command;
    const before = table.get(words.join(" "));
    const example = exampleOf(command);
    const text = more === undefined ? help : `${help}\n\n${more}`;
    table.set(words.join(" "), {
      family: familyOf(words),
      words,
      usage: [...(before?.usage ?? []), ...usage.split("\n").map((line) => line.trim())],
      help: text,
      examples: example === undefined ? examplesIn(text) : [`mortar ${example}`],
      options: [...glusterOptions, ...optionsIn(`${usage}\n${more ?? ""}`, [])],
    });
  }
  return [...table.values()];
}

function familyOf([first = ""]: readonly string[]): CommandFamily {
  if (first === "volume" || first === "snapshot" || first === "peer") return first;
  return first === "pool" ? "peer" : "system";
}

function ofLvm(): TableCommand[] {
  return lvmTools.map((tool) => {
    const { summary = "", options = [], example } = lvmToolHelp(tool) ?? {};
    return {
      family: "lvm", words: [tool], usage: [`${tool} [OPTION]... [NAME]...`], help: `${summary}.`,
      examples: example === undefined ? [] : [`mortar ${example}`],
      options: [
        "--json",
        ...options.flatMap(({ long, short }) =>
          short === undefined ? [`--${long}`] : [`--${long}`, `-${short}`]),
      ],
    };
  });
}

/** `mortar [--root DIR] up` is `up`. */
function usageLines(usage: string): string[] {
  return usage.split("\n").map((line) => line.trim().replace(/^mortar (\[--root DIR\] )?/, ""));
}

function examplesIn(help: string): string[] {
  const lines = help.split("\n");
  return lines.flatMap((line) => {
    const command = line.replace(/^Examples?:/, "").trim();
    return command.startsWith("mortar ") ? [command] : [];
  });
}

function optionsIn(text: string, others: readonly string[]): string[] {
  const found = text.matchAll(/(?<![\w-])(--[a-z][a-z-]*|-[a-z])(?![\w-])/g);
  return [...new Set([...[...found].map(([, option = ""]) => option), "--help"])]
    .filter((option) => !others.includes(option));
}
