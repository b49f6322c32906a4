/** Runs one command line of the GlusterFS grammar, or the prompt when there is none. */
import { hostname } from "node:os";
import { join } from "node:path";
import type { MortarClient } from "@mortar/api";
import type { CliIo, Output } from "../io.ts";
import { type LineReader, streamLines, terminalLines } from "../line-reader.ts";
import { type CliProblem, problemJson, toldAsJson } from "../told-as-json.ts";
import { glusterVersion, mortarVersion } from "../version.ts";
import { cliOutput } from "./answer.ts";
import {
  type ClientMethod,
  type Confirmation,
  type GlusterCommand,
  type Session,
  UsageError,
} from "./command.ts";
import { exampleOf } from "./command-examples.ts";
import { glusterCommands } from "./commands.ts";
import { familyHelp, generalHelp, generalUsage, helpBelow, usageOf } from "./help.ts";
import { nearLine } from "./near-words.ts";
import { type GlusterOptions, parseOptions } from "./options.ts";
import { showPlan, wantsPlan } from "./plan.ts";
import { matchCommand } from "./words.ts";

export interface GlusterContext {
  readonly root: string;
  /** Under the name `gluster`: see `Session.strict`. */
  readonly strict: boolean;
  /** A client that answers in place of the daemon's socket. */
  readonly client?: Pick<MortarClient, ClientMethod>;
}

/** Exit codes that stock's `gluster` has for a wrong option and a wrong time. */
const EXIT_OPTION = 255;
const EXIT_TIMEOUT_VALUE = 254;

const NOT_CONFIRMED: CliProblem = {
  type: "not-confirmed", detail: "It was not confirmed: nothing was done.", nextStep: "--mode=script answers yes",
};

export async function runGluster(
  argv: readonly string[],
  io: CliIo,
  context: GlusterContext,
): Promise<number> {
  const parsed = parseOptions(argv);
  if (parsed.kind === "unknown") {
    if (argv.includes("--json")) {
      return toldProblem(io, { type: "usage", detail: `unrecognized option ${parsed.option}` }, EXIT_OPTION);
    }
    io.stdout.write(`unrecognized option ${parsed.option}\n${generalUsage}`);
    return EXIT_OPTION;
  }
  if (parsed.kind === "bad-timeout") {
    io.stderr.write("timeout value should be a positive integer\n");
    return EXIT_TIMEOUT_VALUE;
  }
  const { options } = parsed;
  if (options.show !== undefined) return show(options, io, context);
  if (options.words.length === 0) return prompt(options, io, context);
  const lines = streamLines(io, options.format === "json" ? io.stderr : io.stdout);
  try {
    return await runWords(options.words, options, io, context, lines);
  } finally {
    lines.close();
  }
}

function show(options: GlusterOptions, io: CliIo, context: GlusterContext): number {
  if (options.show === "version") {
    io.stdout.write(
      `glusterfs ${glusterVersion}\nMortar ${mortarVersion}, which speaks the commands and ` +
        `protocols of GlusterFS ${glusterVersion}.\n`,
    );
  } else if (options.show === "log-directory") {
    io.stdout.write(`${join(context.root, "var/log/mortar")}\n`);
  } else if (options.show === "statedump-directory") {
    io.stdout.write(`${join(context.root, "run/gluster")}\n`);
  } else {
    showHelp(options, io, context);
  }
  return 0;
}

/** `gluster … --help` is stock's list; `mortar VERB --help` is the help of the verb. */
function showHelp(options: GlusterOptions, io: CliIo, context: GlusterContext): void {
  const match = matchCommand(glusterCommands, options.words);
  const [first] = options.words;
  if (context.strict || first === undefined || match.kind === "unknown-word") {
    io.stdout.write(generalHelp);
  } else if (match.kind === "command") {
    const { help, more } = match.command;
    const example = exampleOf(match.command);
    const last = example === undefined ? more : `${more === undefined ? "" : `${more}\n\n`}Example: mortar ${example}`;
    io.stdout.write(`${usageOf(match.command)}${help}\n${last === undefined ? "" : `\n${last}\n`}`);
  } else if (options.words.length > 1) {
    io.stdout.write(helpBelow(options.words, glusterCommands));
  } else {
    const family = glusterCommands.find((command) => command.words[0]?.startsWith(first));
    io.stdout.write(familyHelp(family?.family ?? family?.words[0] ?? first, glusterCommands));
  }
}

async function prompt(
  options: GlusterOptions,
  io: CliIo,
  context: GlusterContext,
): Promise<number> {
  io.stderr.write("Welcome to gluster prompt, type 'help' to see the available commands.\n");
  const terminal = io.stdin.isTTY === true;
  const lines = terminal ? await terminalLines() : streamLines(io, io.stdout);
  try {
    for (;;) {
      const line = await lines.next(terminal ? "gluster> " : "");
      if (line === undefined) return 0;
      const words = splitWords(line);
      const [first] = words;
      if (first === "quit" || first === "exit") return 0;
      if (first === undefined || first.startsWith("#")) continue;
      const exitCode = await runWords(words, options, io, context, lines);
      // A script on standard input ends at its first failure, as with stock; a person goes on.
      if (exitCode !== 0 && !terminal) return exitCode;
    }
  } finally {
    lines.close();
  }
}

/** Words of a prompt's line; quotes, single or double, keep blanks. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  for (const match of line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)) {
    words.push(match[0].replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"));
  }
  return words;
}

async function runWords(
  words: readonly string[],
  options: GlusterOptions,
  io: CliIo,
  context: GlusterContext,
  lines: LineReader,
): Promise<number> {
  const isJson = options.format === "json";
  const match = matchCommand(glusterCommands, words);
  if (match.kind === "unknown-word") {
    const complaint = `unrecognized word: ${match.word} (position ${match.position})\n`;
    if (isJson) {
      const nextStep = (await nextFor(words, match.position)).replace(/^[^:]*: /, "").trimEnd();
      return toldProblem(io, { type: "usage", detail: complaint.trimEnd(), nextStep });
    }
    if (context.strict) io.stdout.write(complaint + generalUsage);
    else io.stderr.write(complaint + (await nextFor(words, match.position)));
    return 1;
  }
  if (match.kind === "incomplete") {
    if (isJson) return toldProblem(io, { type: "usage", detail: "unrecognized command", nextStep: "mortar help" });
    io.stdout.write(`unrecognized command\n${generalUsage}`);
    return 1;
  }
  const { command } = match;
  const args = options.wignore ? withForce(command, match.args) : match.args;
  if (command.run === undefined) {
    const detail = `${command.words.join(" ")} is not supported by this version of Mortar.`;
    if (isJson) return toldProblem(io, { type: "not-supported", detail });
    io.stderr.write(`${detail}\n`);
    return 1;
  }
  try {
    let isDeclined = false;
    const made = newSession(options, io, context, lines);
    const session: Session = {
      ...made,
      async confirm(question) {
        const said = await made.confirm(question);
        isDeclined = said !== "yes";
        return said;
      },
    };
    if (wantsPlan(command, args)) return await showPlan(session, command, args);
    const { run } = command;
    if (isJson && command.words.at(-1) === "help") {
      return await toldAsJson(io, (inner) => run({ ...session, io: inner }, args));
    }
    const exitCode = await run(session, args);
    return isJson && isDeclined ? toldProblem(io, NOT_CONFIRMED) : exitCode;
  } catch (error) {
    return reportFailure(error, command, options, io, context);
  }
}

/** Under `mortar`: what was probably meant, or where the words are listed. */
async function nextFor(words: readonly string[], position: number): Promise<string> {
  const [first = ""] = words;
  const isPool = first === "pool" && position === 1;
  const others = isPool ? Object.keys((await import("../pool/pool-verbs.ts")).poolVerbs) : [];
  const near = nearLine(glusterCommands, words, position, others);
  return near === undefined ? `Next: mortar help ${first}\n` : `Did you mean: mortar ${near}\n`;
}

/** What `--wignore` says for the commands that check new bricks. */
function withForce(command: GlusterCommand, args: readonly string[]): readonly string[] {
  const checksBricks = ["volume create", "volume add-brick"].includes(command.words.join(" "));
  return checksBricks && args.length > 1 && args.at(-1) !== "force" ? [...args, "force"] : args;
}

function toldProblem(io: CliIo, problem: CliProblem, exitCode = 1): number {
  io.stdout.write(problemJson(problem));
  return exitCode;
}

function newSession(
  options: GlusterOptions,
  io: CliIo,
  context: GlusterContext,
  lines: LineReader,
): Session {
  return {
    io,
    format: options.format,
    strict: context.strict,
    root: context.root,
    client: (timeoutMs = 0) =>
      connect({ ...options, timeoutMs: Math.max(timeoutMs, options.timeoutMs) }, io, context),
    confirm: (question) => confirm(question, options, options.format === "json" ? io.stderr : io.stdout, lines),
  };
}

async function connect(
  options: GlusterOptions,
  io: CliIo,
  context: GlusterContext,
): Promise<Pick<MortarClient, ClientMethod>> {
  if (context.client !== undefined) return context.client;
  const [{ ApiError, MortarClient: Client }, { clientFor }] = await Promise.all([
    import("@mortar/api"), import("../watched-client.ts"),
  ]);
  const socketPath = options.socketPath ?? join(context.root, "run/mortar/mortard.sock");
  const place = { socketPath, timeoutMs: options.timeoutMs };
  const client = context.strict ? new Client(place) : clientFor(place, io.stderr);
  const { remoteHost } = options;
  if (remoteHost === undefined || isThisMachine(remoteHost)) return client;
  const answer = await client.nodeStatus();
  if (answer.ok && [answer.result.host, answer.result.address].includes(remoteHost)) return client;
  throw new ApiError(
    "connection-failed",
    `${remoteHost} is not this node. Commands go to the daemon of this machine.`,
  );
}

function isThisMachine(host: string): boolean {
  return ["localhost", "127.0.0.1", "::1", hostname()].includes(host);
}

async function confirm(
  question: string,
  options: GlusterOptions,
  complaints: Output,
  lines: LineReader,
): Promise<Confirmation> {
  if (options.script) return "yes";
  const line = await lines.next(`${question} (y/n) `);
  if (line === undefined) complaints.write("gluster cli read error\n");
  const word = line?.trim().toLowerCase();
  if (word === "y" || word === "yes") return "yes";
  if (word === "n" || word === "no") return "no";
  complaints.write("Invalid input, please enter y/n\n");
  return "invalid";
}

/** Failures that are not the daemon's answer. Anything unexpected is thrown on. */
function reportFailure(
  error: unknown,
  command: GlusterCommand,
  options: GlusterOptions,
  io: CliIo,
  context: GlusterContext,
): number {
  const isJson = options.format === "json";
  if (error instanceof UsageError) {
    if (isJson) {
      const detail = error.message === "" ? "The words are not those of the command." : error.message;
      return toldProblem(io, { type: "usage", detail, nextStep: usageOf(command).replace(/^\s*Usage:\s*/, "").trim() });
    }
    if (error.message !== "") io[error.stream].write(`${error.message}\n`);
    io.stderr.write(usageOf(command));
    return 1;
  }
  const { name, code, message } = error as { name: string; code?: string; message: string };
  if (name !== "ApiError") throw error;
  const sentence =
    code === "timed-out"
      ? "Error : Request timed out"
      : "Connection failed. Please check if gluster daemon is operational.";
  const root = context.root === "/" ? "" : ` --root ${context.root}`;
  const next = code === "connection-failed" ? `mortar${root} up` : undefined;
  if (isJson) return toldProblem(io, { type: code ?? "refused", detail: message, nextStep: next });
  if (options.format === "xml" && !context.strict) {
    io.stdout.write(cliOutput(-1, 0, sentence, []));
  } else {
    io.stdout.write(`${sentence}\n`);
  }
  if (!context.strict) {
    io.stderr.write(`${message}\n`);
    if (next !== undefined) io.stderr.write(`Next: ${next}\n`);
  }
  return 1;
}
