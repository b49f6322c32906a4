/**
 * The options that scripts give `glusterd`, and what they mean to mortard.
 *
 * | glusterd                                          | mortard                              |
 * |---------------------------------------------------|--------------------------------------|
 * | `--xlator-option management.working-directory=D`  | the root is D, with all that it has  |
 * | `…management.transport.socket.bind-address=A`     | the address                          |
 * | `…management.run-directory=D`                     | mounts of snapshots, statedumps      |
 * | `…management.logging-directory=D`                 | logs                                 |
 * | `…management.glusterd-sockfile=F`                 | a link to its socket                 |
 * | `--pid-file=F`                                    | a link to its pid file               |
 * | `--log-file=F`, `--log-level=L`                   | the same                             |
 *
 * Further options of the management volume are accepted and without effect: Mortar has no volfile
 * of its own. An option that glusterd does not have is refused.
 */
import { resolve } from "node:path";

export interface GlusterdOptions {
  readonly root: string | undefined;
  readonly address: string | undefined;
  readonly runDirectory: string | undefined;
  readonly logDirectory: string | undefined;
  readonly socketFile: string | undefined;
  readonly pidFile: string | undefined;
  readonly logFile: string | undefined;
  /** As mortard names them. */
  readonly logLevel: string | undefined;
  readonly foreground: boolean;
  /** It is only to bring its files to a new version, which mortard does at any start. */
  readonly upgrade: boolean;
  readonly show: "version" | "help" | undefined;
}

type Draft = { -readonly [K in keyof GlusterdOptions]: GlusterdOptions[K] };

const logLevels: Readonly<Record<string, string>> = {
  TRACE: "debug", DEBUG: "debug", INFO: "info", WARNING: "warn", ERROR: "error",
  CRITICAL: "error", NONE: "error",
};

/** What each option does with its value. */
const withValue: Readonly<Record<string, (draft: Draft, value: string) => string | undefined>> = {
  "--xlator-option": xlatorOption,
  "--pid-file": (draft, value) => void (draft.pidFile = resolve(value)),
  // Stock's `-` is the terminal, which a daemon does not have.
  "--log-file": (draft, value) => void (draft.logFile = value === "-" ? undefined : resolve(value)),
  "--log-level": (draft, value) => {
    draft.logLevel = logLevels[value.toUpperCase()];
    return draft.logLevel === undefined ? `unknown log level ${value}` : undefined;
  },
  "--volfile": ignore,
  "--volfile-server": ignore,
  "--log-format": ignore,
  "--log-buf-size": ignore,
  "--log-flush-timeout": ignore,
  "--logger": ignore,
  "--process-name": ignore,
};

const flags: Readonly<Record<string, (draft: Draft) => void>> = {
  "--no-daemon": (draft) => void (draft.foreground = true),
  "--debug": (draft) => {
    draft.foreground = true;
    draft.logLevel = "debug";
  },
  "--version": (draft) => void (draft.show = "version"),
  "--help": (draft) => void (draft.show = "help"),
  "--localtime-logging": () => undefined,
};

const short: Readonly<Record<string, string>> = {
  "-p": "--pid-file", "-l": "--log-file", "-L": "--log-level", "-f": "--volfile",
  "-N": "--no-daemon", "-V": "--version", "-?": "--help",
};

function ignore(): undefined {
  return undefined;
}

/** A string is a complaint. */
export function parseGlusterd(argv: readonly string[]): GlusterdOptions | string {
  const draft: Draft = {
    root: undefined, address: undefined, runDirectory: undefined, logDirectory: undefined,
    socketFile: undefined, pidFile: undefined, logFile: undefined, logLevel: undefined,
    foreground: false, upgrade: false, show: undefined,
  };
  for (let index = 0; index < argv.length; index += 1) {
    const { name, value: joined } = split(argv[index] ?? "");
    const flag = flags[name];
    if (flag !== undefined && joined === undefined) {
      flag(draft);
      continue;
    }
    const take = withValue[name];
    if (take === undefined) return `unrecognized option '${argv[index]}'`;
    const value = joined ?? argv[(index += 1)];
    if (value === undefined) return `option '${name}' requires an argument`;
    const complaint = take(draft, value);
    if (complaint !== undefined) return complaint;
  }
  return draft;
}

/** `--name=value`, `--name`, `-n`, `-nvalue`; the value may be the next word. */
function split(word: string): { name: string; value?: string } {
  if (word.startsWith("--")) {
    const equals = word.indexOf("=");
    if (equals === -1) return { name: word };
    return { name: word.slice(0, equals), value: word.slice(equals + 1) };
  }
  const name = short[word.slice(0, 2)] ?? word;
  return word.length > 2 && name !== word ? { name, value: word.slice(2) } : { name };
}

function xlatorOption(draft: Draft, text: string): string | undefined {
  const match = /^([^.=]+)\.([^=]+)=(.*)$/u.exec(text);
  if (match === null) return `invalid xlator option ${text}`;
  const [, volume, option = "", value = ""] = match;
  if (option === "upgrade" || option === "downgrade") draft.upgrade ||= value === "on";
  if (volume !== "management" && volume !== "*") return undefined;
  const place = places[option];
  if (place === undefined) return undefined;
  if (value === "") return `${option} has no value`;
  draft[place] = place === "address" ? value : resolve(value);
  return undefined;
}

const places: Readonly<Record<
  string, "root" | "address" | "runDirectory" | "logDirectory" | "socketFile"
>> = {
  "working-directory": "root",
  "transport.socket.bind-address": "address",
  "run-directory": "runDirectory",
  "logging-directory": "logDirectory",
  "glusterd-sockfile": "socketFile",
};
