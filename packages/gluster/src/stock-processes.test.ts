// The generated volfiles and messages against GlusterFS itself: a stock brick process serves a
// generated brick volfile, a stock client mounts a generated client volfile.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { decodeReply, encodeCall, encodeCredential, RecordDecoder } from "@mortar/rpc";
import {
  barrierRequest, brickOperation, brickVolfile, clientVolfile, dump, expectBrickSuccess,
  initialOptions, printVolfile, PROGRAM, statusRequest, STATUS_COMMAND, terminateRequest,
} from "./index.ts";
import type { Procedure, VolumeDescription } from "./index.ts";

function missing(): string | undefined {
  if (process.getuid?.() !== 0) return "root is needed";
  for (const tool of ["/usr/sbin/glusterfsd", "/usr/sbin/glusterfs", "/dev/fuse"]) {
    if (!existsSync(tool)) return `${tool} is missing`;
  }
  const python = spawnSync("python3", ["-c", "import os; os.setxattr"]);
  return python.status === 0 ? undefined : "python3 is missing";
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (condition()) return;
    await delay(50);
  }
  throw new Error(`waited 10 s for ${what}`);
}

/** By the kernel's table: its second column is ADDRESS:PORT in hex, the fourth 0A for a listener. */
function isListening(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const table = ["/proc/net/tcp", "/proc/net/tcp6"]
    .map((file) => (existsSync(file) ? readFileSync(file, "utf8") : "")).join("");
  return new RegExp(`^ *\\d+: [0-9A-F]+:${hex} \\S+ 0A `, "m").test(table);
}

const STEP_SECONDS_MAX = 10;

/**
 * Runs a program on the mount. A mount whose server hangs would hang this process, too, and with
 * it the machine's other tests: so nothing here touches it but children that can be ended.
 */
function onMount(program: string, words: readonly string[], input = ""): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const limited = ["--kill-after=1", String(STEP_SECONDS_MAX), program, ...words];
    const child = spawn("timeout", limited, { stdio: ["pipe", "pipe", "ignore"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    const line = [program, ...words].join(" ");
    // Should even SIGKILL not end it, it is left behind.
    const timer = setTimeout(() => {
      child.stdout.destroy();
      child.unref();
      reject(new Error(`${line}: it hangs and cannot be ended`));
    }, (STEP_SECONDS_MAX + 5) * 1000);
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(Buffer.concat(chunks));
      else reject(new Error(`${line}: exit code ${code} (124: it took too long)`));
    });
    child.stdin.on("error", () => undefined).end(input);
  });
}

/** Undoes in the reverse order of doing, and goes on when one step fails. */
class Cleanup {
  readonly #steps: (() => unknown)[] = [];

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.toReversed()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, String(failures[0]));
  }
}

/** One call over a connection of its own. `where` is the path of a socket or a port. */
async function call<Q, R>(
  where: string | number,
  procedure: Procedure<Q, R>,
  request: Q,
): Promise<R> {
  const socket = typeof where === "string" ? connect(where) : connect(where, "127.0.0.1");
  const { number: program, version } = procedure.program;
  const target = { xid: 7, program, version, procedure: procedure.number };
  const credential = encodeCredential({
    kind: "gluster2", pid: 0, uid: 0, gid: 0, groups: [], lockOwner: new Uint8Array(4),
  });
  socket.setTimeout(10_000, () => {
    socket.destroy(new Error(`${procedure.name}: no answer in 10 s`));
  });
  socket.write(encodeCall(target, credential, procedure.encodeRequest(request)));
  const decoder = new RecordDecoder();
  try {
    for await (const chunk of socket) {
      const [record] = decoder.push(chunk as Buffer);
      if (record === undefined) continue;
      const reply = decodeReply(record);
      assert.ok(reply.kind === "success", reply.kind);
      assert.equal(reply.xid, 7);
      return procedure.decodeReply(reply.results);
    }
  } finally {
    socket.destroy();
  }
  throw new Error(`${procedure.name}: the connection was closed without a reply`);
}

function withCleanup(body: (cleanup: Cleanup) => Promise<void>): () => Promise<void> {
  return async () => {
    const cleanup = new Cleanup();
    try {
      await body(cleanup);
    } finally {
      await cleanup.run();
    }
  };
}

interface Brick {
  readonly directory: string;
  readonly path: string;
  readonly port: number;
  readonly socket: string;
  readonly volume: VolumeDescription;
  readonly process: ChildProcess;
}

async function startBrick(cleanup: Cleanup): Promise<Brick> {
  const directory = mkdtempSync(join(tmpdir(), `gluster-test-${process.pid}-`));
  cleanup.add(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "brick");
  mkdirSync(path);
  // As the management daemon does when it creates a volume: the index translator asks for it.
  mkdirSync(join(path, ".glusterfs"), { mode: 0o600 });
  mkdirSync(join(path, ".glusterfs", "indices"), { mode: 0o600 });
  const id = randomUUID();
  const setter = "import os,sys; os.setxattr(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]))";
  const hex = id.replaceAll("-", "");
  const name = "trusted.glusterfs.volume-id";
  assert.equal(spawnSync("python3", ["-c", setter, path, name, hex]).status, 0);
  const port = 20_000 + (process.pid % 20_000);
  const volume: VolumeDescription = {
    name: "real", id, kind: "distribute", bricks: [{ host: "127.0.0.1", path }],
    options: initialOptions("distribute"),
    credentials: { username: randomUUID(), password: randomUUID() },
  };
  const volfile = brickVolfile(volume, 0, { stateDirectory: directory, listenPort: port });
  writeFileSync(join(directory, "brick.vol"), printVolfile(volfile));
  const socket = join(directory, "brick.socket");
  const brick = spawn("/usr/sbin/glusterfsd", [
    "-N", "-f", join(directory, "brick.vol"), "-S", socket, "--brick-name", path,
    "-p", join(directory, "brick.pid"), "-l", join(directory, "brick.log"),
    "--process-name", "brick",
  ], { stdio: "ignore" });
  cleanup.add(() => stop(brick));
  const log = join(directory, "brick.log");
  await until("the brick's socket", () => {
    assert.equal(brick.exitCode, null, existsSync(log) ? readFileSync(log, "utf8") : "no log");
    return existsSync(socket) && isListening(port);
  });
  return { directory, path, port, socket, volume, process: brick };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  // One that waits for a mount in the kernel ends when that mount goes, later in the cleanup.
  await Promise.race([ended, delay(STEP_SECONDS_MAX * 1000, undefined, { ref: false })]);
}

async function mount(cleanup: Cleanup, brick: Brick): Promise<string> {
  const { directory, volume, port } = brick;
  const point = join(directory, "mount");
  mkdirSync(point);
  const volfile = clientVolfile(volume, { trusted: true, remotePorts: [port] });
  writeFileSync(join(directory, "client.vol"), printVolfile(volfile));
  const client = spawn("/usr/sbin/glusterfs", [
    "-N", "-f", join(directory, "client.vol"), "-l", join(directory, "client.log"), point,
  ], { stdio: "ignore" });
  // `-f` ends the connection, and with it whatever waits for an answer.
  cleanup.add(() => stop(client));
  cleanup.add(() => onMount("umount", ["-f", "-l", point]).catch(() => undefined));
  await until("the mount", () => readFileSync("/proc/mounts", "utf8").includes(` ${point} `));
  return point;
}

const reason = missing();
const options = { timeout: 60_000, ...(reason === undefined ? {} : { skip: reason }) };

const servesAndMounts = "a stock brick and a stock client work with generated volfiles";
test(servesAndMounts, options, withCleanup(async (cleanup) => {
  const brick = await startBrick(cleanup);
  const programs = (await call(brick.port, dump, { id: { high: 0, low: 0xcaed } })).programs;
  const served = programs.map(({ name, number, version }) => `${name} ${number} ${version}`);
  for (const { name, number, version } of [PROGRAM.fops, PROGRAM.dump, PROGRAM.handshake]) {
    assert.ok(served.includes(`${name} ${number} ${version}`), served.join());
  }
  const point = await mount(cleanup, brick);
  const content = "mortar".repeat(50_000);
  await onMount("dd", [`of=${join(point, "file")}`, "conv=fsync", "status=none"], content);
  assert.equal(String(await onMount("cat", [join(point, "file")])), content);
  assert.equal(readFileSync(join(brick.path, "file"), "utf8"), content);
  assert.equal(String(await onMount("ls", [point])), "file\n");
}));

const obeys = "a stock brick holds back fsync under the barrier, and leaves on TERMINATE";
test(obeys, options, withCleanup(async (cleanup) => {
  const brick = await startBrick(cleanup);
  const { path, socket } = brick;
  const point = await mount(cleanup, brick);
  const ask = () =>
    call(socket, brickOperation.status, statusRequest(path, STATUS_COMMAND.clients));
  let status = await ask();
  // While a client is coming in it refuses now and then, with no reason.
  for (let tries = 0; status.opRet !== 0 && tries < 50; tries++) {
    await delay(100);
    status = await ask();
  }
  assert.ok((expectBrickSuccess(status, "status").integer("clientcount") ?? 0) > 0);

  const up = await call(socket, brickOperation.brickBarrier, barrierRequest(path, true));
  expectBrickSuccess(up, "barrier up");
  const script =
    "import os,sys; f=os.open(sys.argv[1],os.O_RDWR|os.O_CREAT); os.write(f,b'x'); os.fsync(f)";
  const writer = spawn("python3", ["-c", script, join(point, "held")], { stdio: "ignore" });
  cleanup.add(() => stop(writer));
  await until("the file to appear", () => existsSync(join(path, "held")));
  await delay(500);
  assert.equal(writer.exitCode, null, "fsync is not acknowledged under the barrier");
  const down = await call(socket, brickOperation.brickBarrier, barrierRequest(path, false));
  expectBrickSuccess(down, "barrier down");
  await until("the writer to end", () => writer.exitCode !== null || writer.signalCode !== null);
  assert.equal(writer.exitCode, 0);

  await onMount("dd", [`of=${join(point, "after")}`, "conv=fsync", "status=none"]);
  // The process may be gone before its reply is sent.
  const exit = once(brick.process, "exit");
  await call(socket, brickOperation.terminate, terminateRequest(path)).catch(() => undefined);
  const late = delay(STEP_SECONDS_MAX * 1000, "late", { ref: false });
  assert.notEqual(await Promise.race([exit, late]), "late", "the brick ends");
}));
