/** The options of `gluster`, which may stand anywhere on the line. */
import type { OutputFormat } from "./command.ts";
import { scheduleOptions } from "./schedule-settings.ts";

export interface GlusterOptions {
  readonly format: OutputFormat;
  /** `--mode=script`: questions are answered with yes. */
  readonly script: boolean;
  /** `--wignore`: bricks are made where stock would warn of it, as with `force`. */
  readonly wignore: boolean;
  readonly timeoutMs: number;
  readonly socketPath: string | undefined;
  readonly remoteHost: string | undefined;
  /** Options that end the run at once. */
  readonly show: "help" | "version" | "log-directory" | "statedump-directory" | undefined;
  /** What is left: command words and arguments. */
  readonly words: readonly string[];
}

export type OptionsResult =
  | { readonly kind: "options"; readonly options: GlusterOptions }
  | { readonly kind: "unknown"; readonly option: string }
  | { readonly kind: "bad-timeout" };

/** Stock waits two minutes for an answer. */
const TIMEOUT_MS_DEFAULT = 120_000;

/** Accepted and without effect: the caller's logs and address family are mortard's business. */
const ignored = ["--nolog", "--inet6"];
const ignoredWithValue = ["--log-file=", "--log-level="];
/** Mortar's own, read by the command they belong to. */
const ofCommands = ["--no-safety", "--safety", "--online", "--dry-run", "--ranges",
  "--force", "--token", "--abandon", "--replace", "--files"];
const ofCommandsWithValue = [
  ...scheduleOptions, "schedule", "reason", "owner", "until", "operator",
  "of", "resume", "compress", "to", "from", "endpoint", "as", "vg", "limit",
].map((name) => `--${name}`);

export function parseOptions(argv: readonly string[]): OptionsResult {
  const words: string[] = [];
  let format: OutputFormat = "text";
  let script = false;
  let wignore = false;
  let timeoutMs = TIMEOUT_MS_DEFAULT;
  let socketPath: string | undefined;
  let remoteHost: string | undefined;
  let show: GlusterOptions["show"];
  for (const word of argv) {
    const value = word.slice(word.indexOf("=") + 1);
    if (!word.startsWith("--") || isOfCommand(word)) words.push(word);
    else if (word === "--xml") format = "xml";
    else if (word === "--json") format = "json";
    else if (word === "--mode=script") script = true;
    else if (word === "--mode=interactive") script = false;
    else if (word === "--wignore") wignore = true;
    else if (word.startsWith("--glusterd-sock=")) socketPath = value;
    else if (word.startsWith("--remote-host=")) remoteHost = value;
    else if (word.startsWith("--timeout=")) {
      if (!/^[1-9][0-9]{0,6}$/.test(value)) return { kind: "bad-timeout" };
      timeoutMs = Number(value) * 1000;
    } else if (shown[word] !== undefined) show ??= shown[word];
    else if (word !== "--" && !isIgnored(word)) return { kind: "unknown", option: word };
  }
  return {
    kind: "options",
    options: { format, script, wignore, timeoutMs, socketPath, remoteHost, show, words },
  };
}

const shown: Readonly<Record<string, GlusterOptions["show"]>> = {
  "--help": "help",
  "--version": "version",
  "--print-logdir": "log-directory",
  "--print-statedumpdir": "statedump-directory",
};

function isOfCommand(word: string): boolean {
  if (ofCommandsWithValue.some((it) => word === it || word.startsWith(`${it}=`))) return true;
  return ofCommands.includes(word) || word.startsWith("--token=");
}

function isIgnored(word: string): boolean {
  return ignored.includes(word) || ignoredWithValue.some((start) => word.startsWith(start));
}
