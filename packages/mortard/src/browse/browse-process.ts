/**
 * The process that reads snapshots, as mortard has it: started when somebody looks into one, ended
 * when nobody does for a while. One that dies is started anew by the next question.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { openSync, closeSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Log } from "../log.ts";
import { BrowseError } from "./browse-error.ts";
import type { BrowseSpec } from "./browse-host.ts";
import type {
  BrowseRefusal, DiffRequest, FileListing, FileRestored, ListRequest, ReadRequest, RestoreRequest,
} from "./browse-messages.ts";

const HOST = fileURLToPath(new URL("./browse-host.js", import.meta.url));
const START_MS_MAX = 20_000;
const IDLE_MS = 600_000;
const REFUSAL_BYTES_MAX = 64 * 1024;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
const EIO = 5;

export interface BrowseProcessOptions {
  readonly runDirectory: string;
  readonly logDirectory: string;
  readonly mortardSocket: string;
  readonly server: string;
  readonly managementPort: number;
  readonly idleMs: number;
  readonly log: Log;
}

export class BrowseProcess {
  readonly #options: BrowseProcessOptions;
  #starting: Promise<ChildProcess> | undefined;
  #child: ChildProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  #underWay = 0;

  constructor(options: BrowseProcessOptions) {
    this.#options = options;
  }

  /** Rejects with BrowseError, as everything here. */
  async list(asked: ListRequest): Promise<FileListing> {
    return await this.#json<FileListing>("/list", asked);
  }

  async restore(asked: RestoreRequest): Promise<FileRestored> {
    return await this.#json<FileRestored>("/restore", asked);
  }

  /** The bytes; headers `x-size` and `x-modified` tell of the whole file. */
  async read(asked: ReadRequest): Promise<IncomingMessage> {
    return await this.#ask("/read", asked);
  }

  /** Lines of JSON. */
  async diff(asked: DiffRequest): Promise<IncomingMessage> {
    return await this.#ask("/diff", asked);
  }

  /** Ends it; snapshots that it had opened are let go. */
  close(): void {
    clearTimeout(this.#idle);
    const starting = this.#starting;
    this.#starting = undefined;
    void starting?.then((child) => child.stdin?.end(), () => undefined);
  }

  async #json<T>(path: string, body: object): Promise<T> {
    const answer = await this.#ask(path, body);
    return JSON.parse((await collected(answer, ANSWER_BYTES_MAX)).toString("utf8")) as T;
  }

  async #ask(path: string, body: object): Promise<IncomingMessage> {
    clearTimeout(this.#idle);
    this.#underWay += 1;
    let answer: IncomingMessage;
    try {
      this.#starting ??= this.#start();
      await this.#starting;
      answer = await post(this.#socket(), path, body);
    } catch (error) {
      this.#ended();
      throw new BrowseError(EIO, `snapshots cannot be read: ${(error as Error).message}`, {
        cause: error,
      });
    }
    answer.once("close", () => this.#ended());
    if (answer.statusCode === 200) return answer;
    const text = (await collected(answer, REFUSAL_BYTES_MAX)).toString("utf8");
    const { errno, message } = JSON.parse(text) as BrowseRefusal;
    throw new BrowseError(errno, message);
  }

  #ended(): void {
    this.#underWay -= 1;
    if (this.#underWay > 0) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.close(), IDLE_MS);
    this.#idle.unref();
  }

  #socket(): string {
    return join(this.#options.runDirectory, "browse.sock");
  }

  async #start(): Promise<ChildProcess> {
    const { runDirectory, logDirectory, mortardSocket, server, managementPort, idleMs, log } =
      this.#options;
    const file = join(runDirectory, "browse.json");
    const spec: BrowseSpec = {
      socket: this.#socket(), mortardSocket, server, managementPort, idleMs,
      clientLog: join(logDirectory, "browse-client.log"),
    };
    writeFileSync(file, JSON.stringify(spec), { mode: 0o600 });
    const errors = openSync(join(logDirectory, "browse.log"), "a", 0o600);
    const child = spawn(process.execPath, [HOST, file], { stdio: ["pipe", "pipe", errors] });
    closeSync(errors);
    child.once("exit", (code, signal) => {
      log.info({ code, signal }, "the reader of snapshots ended");
      if (this.#child === child) this.#starting = undefined;
    });
    this.#child = child;
    child.stdin?.on("error", () => undefined);
    try {
      await ready(child);
    } catch (error) {
      child.kill("SIGKILL");
      this.#starting = undefined;
      throw error;
    }
    child.unref();
    log.info({ pid: child.pid }, "the reader of snapshots runs");
    return child;
  }
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("it does not come up")), START_MS_MAX);
    child.once("error", reject);
    child.once("exit", () => reject(new Error("it ended at once; its log says why: browse.log")));
    child.stdout?.once("data", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function post(socketPath: string, path: string, body: object): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const outgoing = request({
      socketPath, path, method: "POST", agent: false,
      headers: { "content-length": Buffer.byteLength(text) },
    });
    outgoing.once("response", resolve);
    outgoing.once("error", reject);
    outgoing.end(text);
  });
}

async function collected(answer: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let lengthBytes = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    lengthBytes += part.length;
    if (lengthBytes > bytesMax) throw new BrowseError(EIO, "the answer is too long");
    parts.push(part);
  }
  return Buffer.concat(parts);
}
