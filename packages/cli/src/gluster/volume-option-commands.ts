/** `volume get`, `volume set` and `volume reset`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { element } from "../xml.ts";
import { operationOutput, present } from "./answer.ts";
import { type Session, UsageError } from "./command.ts";
import { stockGroups } from "./stock-groups.ts";
import { optionHelpText, optionsText } from "./volume-print.ts";

export async function optionGet(session: Session, args: readonly string[]): Promise<number> {
  const [volume, key] = args;
  if (volume === undefined || key === undefined || args.length > 2) throw new UsageError();
  const client = await session.client();
  const answer = await client.volumeOptionGet(volume, key === "all" ? {} : { key });
  const failed = "volume get option: failed: ";
  return present(session, answer, {
    text: optionsText,
    xml: (options) => [
      element("volGetopts", [
        element("count", options.length),
        ...options.map(({ name, value }) =>
          element("Opt", [element("Option", name), element("Value", value)]),
        ),
      ]),
    ],
    failed,
    xmlFailed: ({ opErrstr }) => operationOutput("volGetopts", `${failed}${opErrstr}`),
    xmlExitCode: 1,
  });
}

export async function optionSet(session: Session, args: readonly string[]): Promise<number> {
  const [volume, ...words] = args;
  if (volume === undefined) throw new UsageError();
  if (volume === "help" && words.length === 0) return optionHelp(session);
  if (words.length === 0 || words.length % 2 !== 0) throw new UsageError();
  const options = words[0] === "group" ? groupOptions(session, words) : pairs(words);
  if (options === undefined) return 1;
  const client = await session.client();
  return present(session, await client.volumeOptionSet(volume, { options }), {
    text: () => "volume set: success\n",
    xml: () => operationOutput("volSet", "Set volume successful"),
    failed: "volume set: failed: ",
    xmlFailed: () => operationOutput("volSet", "Set volume unsuccessful"),
  });
}

async function optionHelp(session: Session): Promise<number> {
  const client = await session.client();
  return present(session, await client.volumeOptionHelp(), {
    text: optionHelpText,
    xml: (options) => [
      element(
        "options",
        options.map(({ name, defaultValue, description }) =>
          element("option", [
            element("defaultValue", defaultValue),
            element("description", description),
            element("name", name),
          ]),
        ),
      ),
    ],
    failed: "volume set: failed: ",
  });
}

interface OptionPair {
  readonly name: string;
  readonly value: string;
}

function pairs(words: readonly string[]): OptionPair[] {
  const options: OptionPair[] = [];
  for (let index = 0; index < words.length; index += 2) {
    options.push({ name: words[index] ?? "", value: words[index + 1] ?? "" });
  }
  return options;
}

/** `group NAME`: the pairs of the group's file, or of stock's group of this name. */
function groupOptions(session: Session, words: readonly string[]): OptionPair[] | undefined {
  const [, group] = words;
  if (group === undefined || words.length > 2 || !/^[\w.-]+$/.test(group)) throw new UsageError();
  const file = join(session.root, "var/lib/glusterd/groups", group);
  const text = groupText(session, group, file);
  if (text === undefined) return undefined;
  const options: OptionPair[] = [];
  for (const line of text.split("\n").map((it) => it.trim())) {
    const equals = line.indexOf("=");
    if (line === "" || line.startsWith("#")) continue;
    if (equals <= 0) throw new UsageError(`'${line}' in ${file} is not of the form key=value`);
    options.push({ name: line.slice(0, equals).trim(), value: line.slice(equals + 1).trim() });
  }
  return options;
}

/** One `key=value` a line. Undefined: it cannot be read, and that was said. */
function groupText(session: Session, group: string, file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code;
    if (reason === "ENOENT" && Object.hasOwn(stockGroups, group)) return stockGroups[group];
    const sentence = reason === "ENOENT" ? "No such file or directory" : String(reason);
    session.io.stderr.write(`Unable to open file '${file}'. Error: ${sentence}\n`);
    return undefined;
  }
}

export async function optionReset(session: Session, args: readonly string[]): Promise<number> {
  const [volume, ...words] = args;
  if (volume === undefined) throw new UsageError();
  const force = words.at(-1) === "force";
  const [key, ...more] = force ? words.slice(0, -1) : words;
  if (more.length > 0) throw new UsageError();
  const client = await session.client();
  const answer = await client.volumeOptionReset(volume, {
    ...(key === undefined ? {} : { key }),
    force,
  });
  return present(session, answer, {
    text: () => "volume reset: success: reset volume successful\n",
    xml: () => operationOutput("volReset", "reset volume successful"),
    failed: "volume reset: failed: ",
    xmlFailed: ({ opErrstr }) => operationOutput("volReset", opErrstr),
  });
}
