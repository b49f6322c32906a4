/**
 * The process that reads snapshots for operators, and brings files of them back:
 *
 *     node browse-host.js SPEC.json
 *
 * HTTP on a unix socket of mortard's: POST /list, /read, /restore, /diff, bodies as in browse-messages.ts.
 * It is a process of its own since libgfapi runs in it, and ends with mortard, whose end closes its
 * standard input. Who may ask is mortard's to know.
 */
import { chmodSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { MortarClient } from "@mortar/api";
import { requireGfapi } from "@mortar/linux";
import { openLog } from "../log.ts";
import { Errno } from "../snapd/fop-error.ts";
import { SnapshotCatalogue } from "../snapd/snapshot-catalogue.ts";
import { BrowseError } from "./browse-error.ts";
import type {
  BrowseRefusal, DiffRequest, FileRestored, ListRequest, ReadRequest, RestoreRequest,
} from "./browse-messages.ts";
import { fileDiff } from "./file-diff.ts";
import type { RestoreOrder, RestoreOutcome } from "./restore-worker-host.ts";
import { kindOf, SnapshotReader } from "./snapshot-reader.ts";

export interface BrowseSpec {
  readonly socket: string;
  readonly mortardSocket: string;
  readonly server: string;
  readonly managementPort: number;
  readonly clientLog: string;
  readonly idleMs: number;
}

const BODY_BYTES_MAX = 64 * 1024;
const WORKER = fileURLToPath(new URL("./restore-worker-host.js", import.meta.url));
const TOUCH_MS = 1_000;
const UNPROCESSABLE = 422;

const spec = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as BrowseSpec;
requireGfapi();
const { log } = openLog("/dev/stderr", "info");
const catalogues = new Map<string, SnapshotCatalogue>();
const reader = new SnapshotReader(catalogueOf);

function catalogueOf(volume: string): SnapshotCatalogue {
  let catalogue = catalogues.get(volume);
  if (catalogue === undefined) {
    catalogue = new SnapshotCatalogue({
      volume, reader: "files", client: new MortarClient({ socketPath: spec.mortardSocket }),
      server: spec.server, port: spec.managementPort, logFile: spec.clientLog, idleMs: spec.idleMs,
      log,
    });
    catalogues.set(volume, catalogue);
  }
  return catalogue;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let lengthBytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    lengthBytes += part.length;
    if (lengthBytes > BODY_BYTES_MAX) throw new BrowseError(Errno.EINVAL, "the request is too long");
    parts.push(part);
  }
  return JSON.parse(Buffer.concat(parts).toString("utf8"));
}

async function read(request: ReadRequest, response: ServerResponse): Promise<void> {
  const found = await reader.find(request);
  if (kindOf(found.stat) !== "file") {
    throw new BrowseError(Errno.EINVAL, `${request.path} is no file`);
  }
  response.setHeader("content-type", "application/octet-stream");
  response.setHeader("x-size", found.stat.size);
  response.setHeader("x-modified", found.stat.mtime);
  response.writeHead(200);
  await pipeline(Readable.from(reader.read(request, found)), response);
}

async function restore(request: RestoreRequest): Promise<FileRestored> {
  const { snapshot, volume, target, replace, dryRun } = request;
  const { gfid, id } = await reader.find(request);
  const place = {
    server: spec.server, port: spec.managementPort, logFile: spec.clientLog,
  };
  const order: RestoreOrder = {
    from: { ...place, volume: `/snaps/${snapshot}/${volume}` }, into: { ...place, volume },
    gfid, to: target, replace, dryRun, mark: randomBytes(6).toString("hex"),
  };
  // While it is copied from, the snapshot stays open.
  const timer = setInterval(() => void reader.touch(volume, id).catch(() => undefined), TOUCH_MS);
  try {
    const outcome = await new Promise<RestoreOutcome>((resolve, reject) => {
      const worker = new Worker(WORKER, { workerData: order });
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", () => reject(new Error("the restore ended without a word")));
    });
    if (outcome.ok) return outcome.result;
    throw new BrowseError(outcome.refusal.errno, outcome.refusal.message);
  } finally {
    clearInterval(timer);
  }
}

async function diff(request: DiffRequest, response: ServerResponse): Promise<void> {
  const { volume } = request;
  const live = {
    server: spec.server, port: spec.managementPort, logFile: spec.clientLog, volume,
  };
  const lines = await fileDiff(request, { catalogue: catalogueOf(volume), live });
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  await pipeline(Readable.from(lines), response);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const body = await bodyOf(request);
    if (request.url === "/read") return await read(body as ReadRequest, response);
    if (request.url === "/diff") return await diff(body as DiffRequest, response);
    const result = request.url === "/restore"
      ? await restore(body as RestoreRequest)
      : await reader.list(body as ListRequest);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(result));
  } catch (error) {
    // What is on its way already can only be cut off.
    if (response.headersSent) return void response.destroy();
    const isKnown = error instanceof BrowseError;
    const refusal: BrowseRefusal = {
      errno: isKnown ? error.errno : Errno.EIO,
      message: error instanceof Error ? error.message : String(error),
    };
    if (!isKnown) log.error({ err: error }, "a request failed");
    response.writeHead(UNPROCESSABLE, { "content-type": "application/json" });
    response.end(JSON.stringify(refusal));
  }
}

rmSync(spec.socket, { force: true });
const umask = process.umask(0o177);
const server = createServer((request, response) => void answer(request, response));
server.listen(spec.socket, () => {
  chmodSync(spec.socket, 0o600);
  process.umask(umask);
  process.stdout.write("ready\n");
});
// Activated snapshots that a process before this one left behind are let go with the next opening.
process.stdin.resume().once("end", () => {
  void Promise.all([...catalogues.values()].map((it) => it.close())).finally(() => {
    // There is nothing left to do, and threads that wait for bricks would hold up an orderly exit.
    process.kill(process.pid, "SIGKILL");
  });
});
