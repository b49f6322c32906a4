import { rmSync } from "node:fs";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import { LINE_BYTES_MAX } from "./control.ts";
import type { ControlReply, ControlRequest } from "./control.ts";
import { poolErrorOf } from "./errno-table.ts";
import { socketAddress } from "./run-directory.ts";
import type { RunFiles } from "./run-directory.ts";
import { checkRequest } from "./spec-check.ts";

const IDLE_MS_MAX = 30_000;
const CONNECTION_MAX = 64;

/**
 * Listen on control.sock. The directory is its owner's alone, so whoever connects may ask. `answer`
 * is called for one request at a time, in the order in which they came.
 */
export function listen(
  files: RunFiles,
  answer: (request: ControlRequest) => Promise<ControlReply>,
  onListening: () => void,
): void {
  let turn: Promise<void> = Promise.resolve();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    readLine(socket, (line) => {
      turn = answerAfter(turn, socket, line, answer);
    });
  });
  server.maxConnections = CONNECTION_MAX;
  rmSync(files.controlSocket, { force: true });
  server.listen(socketAddress(files).path, onListening);
}

async function answerAfter(
  turn: Promise<void>,
  socket: Socket,
  line: string,
  answer: (request: ControlRequest) => Promise<ControlReply>,
): Promise<void> {
  await turn;
  const reply = await answerLine(line, answer);
  socket.end(`${JSON.stringify(reply)}\n`);
}

async function answerLine(
  line: string,
  answer: (request: ControlRequest) => Promise<ControlReply>,
): Promise<ControlReply> {
  try {
    return await answer(checkRequest(line));
  } catch (error) {
    const { code, message } = poolErrorOf(error, "request");
    return { ok: false, code, message };
  }
}

/** Call back with the first line; cut off who sends none, or one without end. */
function readLine(socket: Socket, onLine: (line: string) => void): void {
  let text = "";
  let done = false;
  socket.setEncoding("utf8");
  socket.setTimeout(IDLE_MS_MAX, () => done || socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.on("end", () => done || socket.destroy());
  socket.on("data", (part: string) => {
    if (done) return;
    text += part;
    const end = text.indexOf("\n");
    if (end >= 0) {
      done = true;
      onLine(text.slice(0, end));
    } else if (text.length > LINE_BYTES_MAX) {
      socket.destroy();
    }
  });
}
