/**
 * LVM's way of reading a command line, which is getopt_long's: options and names in any order,
 * short ones joined (`-kn`, `-L1g`), long ones shortened while that is unambiguous, `--` ends them.
 */
import { badSyntax } from "./lvm-exit.ts";

export interface OptionSpec {
  readonly long: string;
  readonly short?: string;
  /** Takes a value; `check` returns the complaint about a bad one. */
  readonly value?: true;
  readonly check?: (value: string) => readonly string[] | undefined;
}

export class CommandLine {
  readonly tool: string;
  /** Long name to its values in order; options without value count as "". */
  readonly options: ReadonlyMap<string, readonly string[]>;
  readonly names: readonly string[];
  /** As they were given. */
  readonly args: readonly string[];

  constructor(
    tool: string,
    options: ReadonlyMap<string, readonly string[]>,
    names: readonly string[],
    args: readonly string[],
  ) {
    this.tool = tool;
    this.options = options;
    this.names = names;
    this.args = args;
  }

  has(long: string): boolean {
    return this.options.has(long);
  }

  /** The last value given, as LVM takes it. */
  value(long: string): string | undefined {
    return this.options.get(long)?.at(-1);
  }

  values(long: string): readonly string[] {
    return this.options.get(long) ?? [];
  }
}

export function parseCommandLine(
  tool: string,
  specs: readonly OptionSpec[],
  args: readonly string[],
): CommandLine {
  const options = new Map<string, string[]>();
  const names: string[] = [];
  const rest = [...args];
  const add = (spec: OptionSpec, value: string) => {
    const complaint = spec.check?.(value);
    if (complaint !== undefined) {
      const lines = complaint.map((line) => `  ${line}`);
      lines.push(`  Invalid argument for --${spec.long}: ${value}`);
      throw badSyntax(lines.join("\n"));
    }
    options.set(spec.long, [...(options.get(spec.long) ?? []), value]);
  };
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") names.push(...rest.splice(0));
    else if (arg.startsWith("--")) readLong(tool, specs, arg.slice(2), rest, add);
    else if (arg.startsWith("-") && arg !== "-") readShort(tool, specs, arg.slice(1), rest, add);
    else names.push(arg);
  }
  return new CommandLine(tool, options, names, args);
}

function readLong(
  tool: string,
  specs: readonly OptionSpec[],
  text: string,
  rest: string[],
  add: (spec: OptionSpec, value: string) => void,
): void {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  const spec = findLong(tool, specs, name);
  if (spec.value !== true) {
    if (equals >= 0) throw badSyntax(`${tool}: option '--${spec.long}' doesn't allow an argument`);
    add(spec, "");
    return;
  }
  const value = equals < 0 ? rest.shift() : text.slice(equals + 1);
  if (value === undefined) throw badSyntax(`${tool}: option '--${spec.long}' requires an argument`);
  add(spec, value);
}

function findLong(tool: string, specs: readonly OptionSpec[], name: string): OptionSpec {
  const bare = name.replaceAll("-", ""); // `--use-policies` and `--usepolicies` are one.
  const exact = specs.find((spec) => spec.long === bare);
  if (exact !== undefined) return exact;
  const matches = specs.filter((spec) => spec.long.startsWith(bare));
  const [only] = matches;
  if (only === undefined) throw badSyntax(`${tool}: unrecognized option '--${name}'`);
  if (matches.length === 1) return only;
  const list = matches.map((spec) => `'--${spec.long}'`).join(" ");
  throw badSyntax(`${tool}: option '--${name}' is ambiguous; possibilities: ${list}`);
}

function readShort(
  tool: string,
  specs: readonly OptionSpec[],
  letters: string,
  rest: string[],
  add: (spec: OptionSpec, value: string) => void,
): void {
  for (let index = 0; index < letters.length; index += 1) {
    const letter = letters.charAt(index);
    const spec = specs.find((one) => one.short === letter);
    if (spec === undefined) throw badSyntax(`${tool}: invalid option -- '${letter}'`);
    if (spec.value !== true) {
      add(spec, "");
      continue;
    }
    const joined = letters.slice(index + 1);
    const value = joined === "" ? rest.shift() : joined;
    if (value === undefined) {
      throw badSyntax(`${tool}: option requires an argument -- '${letter}'`);
    }
    add(spec, value);
    return;
  }
}
