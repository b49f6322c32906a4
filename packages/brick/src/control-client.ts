/** One request over the control socket of a brick, by whoever may open it. */
import { connect } from "node:net";
import type { BrickStatus } from "./server/control-answers.ts";

export type ControlErrorCode =
  /** Nobody listens. */
  | "unreachable"
  /** The connection ended before the answer: the request may have been performed. */
  | "closed"
  | "timeout"
  /** The brick's own words. */
  | "refused";

export class BrickControlError extends Error {
  override readonly name = "BrickControlError";
  readonly code: ControlErrorCode;
  constructor(code: ControlErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

const ANSWER_MS = 10_000;

/** See `controlAnswers` for what can be asked. Rejects with BrickControlError. */
export function askBrick(
  controlSocket: string, request: object, timeoutMs: number = ANSWER_MS,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(controlSocket);
    const chunks: Buffer[] = [];
    let isConnected = false;
    const fail = (code: ControlErrorCode, message: string): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new BrickControlError(code, message));
    };
    const timer = setTimeout(() => fail("timeout", `${controlSocket}: no answer`), timeoutMs);
    socket.once("error", ({ message }) => fail(isConnected ? "closed" : "unreachable", message));
    socket.once("close", () => fail("closed", `${controlSocket}: closed without an answer`));
    socket.once("connect", () => {
      isConnected = true;
      socket.write(`${JSON.stringify(request)}\n`);
    });
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (chunk.at(-1) !== NEWLINE) return;
      clearTimeout(timer);
      socket.destroy();
      const answer = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Answer;
      if (answer.error === undefined) resolve(answer.result);
      else reject(new BrickControlError("refused", answer.error));
    });
  });
}

export async function brickStatus(controlSocket: string): Promise<BrickStatus> {
  return (await askBrick(controlSocket, { command: "status" })) as BrickStatus;
}

interface Answer {
  readonly result?: unknown;
  readonly error?: string;
}

const NEWLINE = 10;
