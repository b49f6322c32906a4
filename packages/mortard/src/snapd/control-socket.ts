/** The daemon's owner: lines of JSON over a unix socket, each answered by a line, as with a brick. */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";

export type ControlAnswer = (request: Readonly<Record<string, unknown>>) => unknown;

/** What `answer` throws is told as `error`. */
export async function listenForOwner(path: string, answer: ControlAnswer): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer((socket) => serve(socket, answer));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return server;
}

function serve(socket: Socket, answer: ControlAnswer): void {
  socket.on("error", () => undefined);
  createInterface({ input: socket }).on("line", (line) => {
    socket.write(`${answerLine(answer, line)}\n`);
  });
}

function answerLine(answer: ControlAnswer, line: string): string {
  try {
    const request = JSON.parse(line) as Readonly<Record<string, unknown>>;
    return JSON.stringify({ result: answer(request) ?? null });
  } catch (error) {
    return JSON.stringify({ error: error instanceof Error ? error.message : String(error) });
  }
}
