/** What a command of the GlusterFS grammar is, and what it is handed when it runs. */
import type { MortarClient } from "@mortar/api";
import type { CliIo } from "../io.ts";

export type OutputFormat = "text" | "xml" | "json";

/** One run of one command. */
export interface Session {
  readonly io: CliIo;
  readonly format: OutputFormat;
  /**
   * True under the name `gluster`: texts and exit codes are stock's to the letter. False under
   * `mortar`, where a refusal is followed by what to do now, and always has a non-zero exit code.
   */
  readonly strict: boolean;
  /** Where this node keeps its files; "/" unless moved. */
  readonly root: string;
  /** `timeoutMs`: what the call may take at least, whatever the options say. */
  client(timeoutMs?: number): Promise<Pick<MortarClient, ClientMethod>>;
  /** Asks on standard input; `--mode=script` answers yes. */
  confirm(question: string): Promise<Confirmation>;
}

export type Confirmation = "yes" | "no" | "invalid";

/** The methods that commands call; a test gives them recorded answers. */
export type ClientMethod = {
  [M in keyof MortarClient]: MortarClient[M] extends (...args: never[]) => unknown ? M : never;
}[keyof MortarClient];

export interface GlusterCommand {
  /** The command words that select it: `["volume", "create"]`. */
  readonly words: readonly string[];
  /** The pattern as help and usage print it. */
  readonly usage: string;
  readonly help: string;
  /** What it does beyond stock: lines of `--help` under `mortar`. */
  readonly more?: string;
  /** Which help lists it, when it is not the one of its first word. */
  readonly family?: string;
  /** Arguments are what follows the command words. Absent: not supported by this version. */
  readonly run?: (session: Session, args: readonly string[]) => Promise<number>;
}

/** A wrong command line: the runner prints the message and the command's usage; exit code 1. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** Stock prints a few of these messages to standard output. */
  readonly stream: "stdout" | "stderr";
  constructor(message = "", stream: "stdout" | "stderr" = "stderr") {
    super(message);
    this.stream = stream;
  }
}
