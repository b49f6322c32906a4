import { EAGAIN, socketIo } from "@mortar/linux";
import { allocate } from "../wire/memory.ts";
import { isToolRequest, type Terminate, ToolRequests } from "./tool-requests.ts";

const REQUEST_BYTES_MAX = 64 * 1024;
const io = socketIo();
const received = allocate(REQUEST_BYTES_MAX);

/** The answer to a request, as JSON; what it throws is told as `error`. */
export type ControlRequest = (request: Record<string, unknown>) => unknown;

/** The brick's owner: lines of JSON, each answered by a line. Or a tool of GlusterFS. */
export class ControlConnection {
  readonly fd: number;
  readonly token: number;
  #text = "";
  #tool: ToolRequests | undefined;

  constructor(fd: number, token: number) {
    this.fd = fd;
    this.token = token;
  }

  /** A tool had the brick end by it. */
  get hasTerminated(): boolean {
    return this.#tool?.hasTerminated === true;
  }

  /** False: the connection is at its end. */
  serve(answer: ControlRequest, terminate: Terminate): boolean {
    const count = io.receive(this.fd, received.address, received.length);
    if (count === -EAGAIN) return true;
    if (count <= 0) return false;
    const isFirst = this.#text === "" && this.#tool === undefined;
    if (isFirst && isToolRequest(received.bytes[0]!)) this.#tool = new ToolRequests();
    if (this.#tool !== undefined) return this.#serveTool(this.#tool, count, terminate);
    this.#text += Buffer.from(received.bytes.buffer, 0, count).toString("utf8");
    if (this.#text.length > REQUEST_BYTES_MAX) return false;
    const lines = this.#text.split("\n");
    this.#text = lines.pop() ?? "";
    return lines.every((line) => this.#send(Buffer.from(`${answerLine(answer, line)}\n`)));
  }

  #serveTool(tool: ToolRequests, count: number, terminate: Terminate): boolean {
    try {
      const answers = tool.answers(received.bytes.subarray(0, count), terminate);
      return answers.every((bytes) => this.#send(bytes));
    } catch {
      return false;
    }
  }

  /** Its owner reads what it asked for: what does not fit now is waited for, for a while. */
  #send(bytes: Uint8Array): boolean {
    const memory = allocate(bytes.length);
    memory.bytes.set(bytes);
    let sent = 0;
    for (let tries = 0; sent < memory.length && tries < SEND_TRIES_MAX; tries++) {
      const count = io.send(this.fd, memory.address + sent, memory.length - sent);
      if (count < 0 && count !== -EAGAIN) return false;
      if (count > 0) sent += count;
    }
    return sent === memory.length;
  }
}

const SEND_TRIES_MAX = 10_000;

function answerLine(answer: ControlRequest, line: string): string {
  try {
    const request: unknown = JSON.parse(line);
    if (typeof request !== "object" || request === null) return '{"error":"not an object"}';
    return JSON.stringify({ result: answer(request as Record<string, unknown>) ?? null });
  } catch (error) {
    return JSON.stringify({ error: error instanceof Error ? error.message : String(error) });
  }
}
