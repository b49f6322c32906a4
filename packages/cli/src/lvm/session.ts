/** One run of a command: where it prints, whom it asks, and the volume groups it works on. */
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import {
  bootRecorder,
  engineChoiceOf,
  fileRecorder,
  readDeviceFilter,
  readPlainFiles,
  VolumeGroups,
  type CommitRecorder,
  type Dialogue,
} from "@mortar/vg";
import { poolPolicyOf } from "../node/pool-policy.ts";
import type { CommandLine } from "./command-line.ts";

/** Where a command reads and writes: `process` fits, and so do objects of a test. */
export interface LvmIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  /** One line of it is read for each question that the command asks. */
  readonly stdin: NodeJS.ReadableStream;
}

export interface LvmContext {
  /** `--root DIR`; undefined or "/" for the machine's own directories. */
  readonly root: string | undefined;
  /** Instead of the machine's volume groups. For tests. */
  readonly groups?: VolumeGroups;
}

export class Session {
  readonly line: CommandLine;
  readonly #io: LvmIo;
  readonly #context: LvmContext;
  #groups: VolumeGroups | undefined;
  #answers: AsyncIterator<string> | undefined;
  #closeAnswers: (() => void) | undefined;

  constructor(line: CommandLine, io: LvmIo, context: LvmContext) {
    this.line = line;
    this.#io = io;
    this.#context = context;
  }

  /** Standard output: one line, with LVM's two blanks. `-qq` would silence it. */
  say(line: string): void {
    if (this.line.values("quiet").length < 2) this.#io.stdout.write(`  ${line}\n`);
  }

  print(text: string): void {
    this.#io.stdout.write(text);
  }

  /** Standard error. */
  warn(line: string): void {
    this.#io.stderr.write(`  ${line}\n`);
  }

  /** `-y` answers for the operator; `-qq` too, with no. An end of input is a no. */
  async confirm(question: string): Promise<boolean> {
    if (this.line.has("yes")) return true;
    if (this.line.values("quiet").length >= 2) return false;
    for (;;) {
      this.#io.stderr.write(question);
      const answer = await this.#nextLine();
      if (answer === undefined) {
        this.#io.stderr.write("[n]\n");
        return false;
      }
      const word = answer.trim().toLowerCase();
      if (word === "y" || word === "yes") return true;
      if (word === "n" || word === "no") return false;
      this.#io.stderr.write("  Invalid input.\n");
    }
  }

  /** For verbs that ask while they hold their locks. */
  get dialogue(): Dialogue {
    return {
      say: (line) => this.say(line),
      confirm: async (question) => await this.confirm(question),
    };
  }

  /** Absolute; "/" for the machine's own directories. */
  get root(): string {
    return resolve(this.#context.root ?? "/");
  }

  async groups(): Promise<VolumeGroups> {
    const { root } = this;
    this.#groups ??= this.#context.groups;
    this.#groups ??= await VolumeGroups.open({
      runDirectory: join(root, "run/mortar"),
      engine: engineChoiceOf(root, this.line.value("engine")),
      deviceFilter: readDeviceFilter(join(root, "etc/mortar/mortar.json")),
      files: readPlainFiles(join(root, "etc/mortar/mortar.json")),
      policy: poolPolicyOf(root),
      warn: (sentence) => this.warn(sentence),
      recorder: this.#recorder(),
      boot: bootRecorder(join(root, "var/lib/mortar"), (sentence) => this.warn(sentence)),
    });
    return this.#groups;
  }

  /** `-A n` keeps no copies of the text, as LVM's `--autobackup n`. */
  #recorder(): CommitRecorder | undefined {
    const { tool, args } = this.line;
    if (this.line.value("autobackup") === "n") {
      this.warn("WARNING: This metadata update is NOT backed up.");
      return undefined;
    }
    return fileRecorder({
      directory: join(this.root, "etc/lvm"),
      command: [tool, ...args].join(" "),
      warn: (sentence) => this.warn(sentence),
    });
  }

  close(): void {
    this.#closeAnswers?.();
  }

  async #nextLine(): Promise<string | undefined> {
    if (this.#answers === undefined) {
      const reader = createInterface({ input: this.#io.stdin });
      this.#answers = reader[Symbol.asyncIterator]();
      this.#closeAnswers = () => reader.close();
    }
    const next = await this.#answers.next();
    return next.done === true ? undefined : next.value;
  }
}
