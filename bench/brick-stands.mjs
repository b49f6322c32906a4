/**
 * Volumes of our bricks and of glusterfsd's, all bricks on one XFS, each volume with stock clients of its own: FUSE
 * mounts, and libgfapi through a management port that serves its volfile.
 */
import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runBounded, until, within } from "./bounded.mjs";
import { cpuSecondsOf, kernelSecondsOf, memoryOf } from "./process-figures.mjs";
import { askBrick, startBrick } from "../packages/brick/dist/index.js";
import { brickVolfile, clientVolfile, initialOptions, printVolfile } from "../packages/gluster/dist/index.js";
import { setXattr } from "../packages/linux/dist/index.js";
import { serveVolfile } from "./volfile-server.mjs";

const STEP_SECONDS = 60;
const SHAPES = {
  distribute: { kind: "distribute" },
  replica: { kind: "replicate", replicaCount: 3 },
  disperse: { kind: "disperse", disperseCount: 3, redundancyCount: 1 },
};

/**
 * `shape` distribute|replica|disperse, `count` bricks, `options` of the volumes. `kinds` are "ours" and "glusterfsd", or one of them. Answers
 * { stands, device, close }; every stand is started and not mounted. When this process ends without having closed them,
 * by a signal or a fault, they are taken away by force.
 */
export async function brickStands({
  shape = "distribute", count = 1, kinds = ["ours", "glusterfsd"], options = {},
} = {}) {
  const directory = mkdtempSync(join(tmpdir(), `mortar-bench-brick-${process.pid}-`));
  const device = join(directory, "xfs");
  const stands = [];
  const tearDown = () => removeByForce(stands, directory, device);
  const interrupted = () => process.exit(130);
  process.on("exit", tearDown).once("SIGINT", interrupted).once("SIGTERM", interrupted);
  const close = async () => {
    for (const stand of stands) await stand.stop();
    tearDown();
    process.off("exit", tearDown).off("SIGINT", interrupted).off("SIGTERM", interrupted);
  };
  try {
    mkdirSync(device);
    execFileSync("truncate", ["-s", "24G", join(directory, "image")]);
    execFileSync("mkfs.xfs", ["-q", join(directory, "image")]);
    execFileSync("mount", ["-o", "loop", join(directory, "image"), device]);
    for (const [index, kind] of kinds.entries()) {
      const stand = new Stand({ directory, device, kind, shape, count, index, options });
      stands.push(stand);
      await stand.start();
    }
    return { stands, device, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Synchronous: it runs when the process ends, too. */
function removeByForce(stands, directory, device) {
  const processes = stands.flatMap((stand) => stand.processes());
  for (const pid of processes) killIfThere(pid);
  for (const point of readFileSync("/proc/mounts", "utf8").split("\n").map((line) => line.split(" ")[1] ?? "")) {
    if (point === device || stands.some((stand) => point.startsWith(stand.mountPoint))) {
      execFileSync("timeout", [String(STEP_SECONDS), "umount", "-l", point]);
    }
  }
  rmSync(directory, { recursive: true, force: true });
}

function killIfThere(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

class Stand {
  constructor({ directory, device, kind, shape, count, index, options }) {
    this.kind = kind;
    this.directory = join(directory, kind);
    this.mountPoint = join(this.directory, "mount");
    const port = 31_000 + (process.pid % 200) * 8 + index * count;
    this.bricks = Array.from({ length: count }, (_, number) => ({
      path: join(device, kind, `b${number}`), port: port + number, directory: join(this.directory, `b${number}`),
    }));
    this.volume = {
      name: kind, id: randomUUID(), ...SHAPES[shape],
      bricks: this.bricks.map(({ path }) => ({ host: "127.0.0.1", path })),
      options: { ...initialOptions(SHAPES[shape].kind), ...options },
      credentials: { username: randomUUID(), password: randomUUID() },
    };
    /** Where libgfapi finds the volume, by its kind's name. */
    this.address = `127.${64 + index}.${(process.pid >> 8) & 255}.${(process.pid & 255) || 1}`;
    this.clients = new Map();
  }

  async start() {
    mkdirSync(this.mountPoint, { recursive: true });
    const remotePorts = this.bricks.map(({ port }) => port);
    const text = printVolfile(clientVolfile(this.volume, { trusted: true, remotePorts }));
    writeFileSync(join(this.directory, "client.vol"), text);
    for (const index of this.bricks.keys()) await this.startBrick(index);
    this.management = await serveVolfile(this.address, this.kind, text);
  }

  async startBrick(index) {
    const brick = this.bricks[index];
    const { path, port, directory } = brick;
    mkdirSync(directory, { recursive: true });
    mkdirSync(join(path, ".glusterfs", "indices"), { recursive: true, mode: 0o600 });
    setXattr(path, "trusted.glusterfs.volume-id", Buffer.from(this.volume.id.replaceAll("-", ""), "hex"));
    if (this.kind === "ours") {
      brick.control = join(directory, "control");
      const spec = {
        path, volume: this.volume.name, volumeId: this.volume.id, address: "127.0.0.1", port, controlSocket: brick.control,
        authentication: { logins: [this.volume.credentials], allow: [] },
      };
      brick.pid = (await startBrick(spec, join(directory, "log"))).pid;
      return;
    }
    writeFileSync(join(directory, "brick.vol"), printVolfile(brickVolfile(this.volume, index, {
      stateDirectory: directory, listenPort: port, bindAddress: "127.0.0.1",
    })));
    const socket = join(directory, "socket");
    brick.process = spawn("/usr/sbin/glusterfsd", [
      "-N", "-f", join(directory, "brick.vol"), "-S", socket, "--brick-name", path,
      "-l", join(directory, "log"), "--process-name", "brick",
    ], { stdio: "ignore" });
    brick.pid = brick.process.pid;
    await until("glusterfsd", () => existsSync(socket), { given: () => endOf(brick.process) });
    await delay(500);
  }

  /** Mount; `point` is another client's place. */
  async mount(options = [], point = this.mountPoint) {
    mkdirSync(point, { recursive: true });
    const client = spawn("/usr/sbin/glusterfs", [
      "-N", "-f", join(this.directory, "client.vol"), "-l", join(this.directory, "client.log"), ...options, point,
    ], { stdio: "ignore" });
    this.clients.set(point, client);
    await until("the mount", () => readFileSync("/proc/mounts", "utf8").includes(` ${point} `), { given: () => endOf(client) });
    await runBounded("stat", [point], STEP_SECONDS);
  }

  /** All clients. What hangs in one of them gets an error when it is killed. */
  async unmount() {
    for (const [point, client] of this.clients) {
      await runBounded("umount", ["-l", point], STEP_SECONDS);
      client.kill("SIGKILL");
      await until("the client's end", () => endOf(client) !== undefined);
    }
    this.clients.clear();
  }

  /** Write back, and forget what the caches of the machine hold. */
  async dropCaches() {
    await runBounded("sync", [], STEP_SECONDS);
    await runBounded("sysctl", ["-q", "vm.drop_caches=3"], STEP_SECONDS);
  }

  /** Have files of the volume's root in the page cache of the bricks. */
  async warm(names) {
    const files = this.bricks.flatMap(({ path }) => names.map((name) => join(path, name))).filter((file) => existsSync(file));
    await runBounded("sh", ["-c", 'cat "$@" > /dev/null', "sh", ...files], STEP_SECONDS);
  }

  /** All processors' seconds of the brick processes so far. */
  cpuSeconds() {
    return sum(this.bricks.map(({ pid }) => cpuSecondsOf(pid)));
  }

  /** Of them those in the kernel. */
  kernelSeconds() {
    return sum(this.bricks.map(({ pid }) => kernelSecondsOf(pid)));
  }

  /** MiB of the brick processes: { resident, own }. */
  memory() {
    const each = this.bricks.map(({ pid }) => memoryOf(pid));
    return { resident: sum(each.map(({ resident }) => resident)), own: sum(each.map(({ own }) => own)) };
  }

  /** Of bricks and clients that were started. */
  processes() {
    return [...this.bricks.map(({ pid }) => pid), ...Array.from(this.clients.values(), ({ pid }) => pid)]
      .filter((pid) => pid !== undefined && existsSync(`/proc/${pid}`));
  }

  /** As far as it can be had in order: what is left, `removeByForce` takes. */
  async stop() {
    await this.unmount().catch(() => undefined);
    await this.management?.close();
    for (const { pid, control } of this.bricks) {
      if (pid === undefined) continue;
      if (control) await within(askBrick(control, { command: "stop" }), STEP_SECONDS, "stop").catch(() => killIfThere(pid));
      else killIfThere(pid);
      await until("the brick's end", () => !isAlive(pid)).catch(() => killIfThere(pid));
    }
  }
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

/** Why a child has ended; undefined: it lives. */
function endOf(child) {
  if (child.exitCode === null && child.signalCode === null) return undefined;
  return `it ended with ${child.signalCode ?? child.exitCode}`;
}

/** One that has ended and that nobody has asked for is none. */
function isAlive(pid) {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return false;
  }
}
