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
import { askBrick, startBrick } from "../packages/brick/dist/index.js";
import { brickVolfile, clientVolfile, initialOptions, printVolfile } from "../packages/gluster/dist/index.js";
import { setXattr } from "../packages/linux/dist/index.js";
import { serveVolfile } from "./volfile-server.mjs";

const TICKS_PER_SECOND = 100;
const WAIT_MS = 20_000;
const SHAPES = {
  distribute: { kind: "distribute" },
  replica: { kind: "replicate", replicaCount: 3 },
  disperse: { kind: "disperse", disperseCount: 3, redundancyCount: 1 },
};

/**
 * `shape` distribute|replica|disperse, `count` bricks, `options` of the volumes. `kinds` are "ours" and "glusterfsd", or one of them. Answers
 * { stands, device, close }; every stand is started and not mounted.
 */
export async function brickStands({
  shape = "distribute", count = 1, kinds = ["ours", "glusterfsd"], options = {},
} = {}) {
  const directory = mkdtempSync(join(tmpdir(), `mortar-bench-brick-${process.pid}-`));
  const device = join(directory, "xfs");
  const undo = [() => rmSync(directory, { recursive: true, force: true })];
  const close = async () => {
    for (const step of undo.toReversed()) await step();
  };
  try {
    mkdirSync(device);
    execFileSync("truncate", ["-s", "24G", join(directory, "image")]);
    execFileSync("mkfs.xfs", ["-q", join(directory, "image")]);
    execFileSync("mount", ["-o", "loop", join(directory, "image"), device]);
    undo.push(() => execFileSync("umount", [device]));
    const stands = [];
    for (const [index, kind] of kinds.entries()) {
      const stand = new Stand({ directory, device, kind, shape, count, index, options });
      undo.push(() => stand.stop());
      await stand.start();
      stands.push(stand);
    }
    return { stands, device, close };
  } catch (error) {
    await close();
    throw error;
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
    await until("glusterfsd", () => existsSync(socket));
    await delay(500);
  }

  /** Mount; `point` is another client's place. */
  async mount(options = [], point = this.mountPoint) {
    mkdirSync(point, { recursive: true });
    this.clients.set(point, spawn("/usr/sbin/glusterfs", [
      "-N", "-f", join(this.directory, "client.vol"), "-l", join(this.directory, "client.log"), ...options, point,
    ], { stdio: "ignore" }));
    await until("the mount", () => readFileSync("/proc/mounts", "utf8").includes(` ${point} `));
  }

  /** All clients. */
  async unmount() {
    for (const [point, client] of this.clients) {
      execFileSync("umount", ["-l", point]);
      client.kill("SIGKILL");
      await until("the client's end", () => client.exitCode !== null || client.signalCode !== null);
    }
    this.clients.clear();
  }

  /** Write back, and forget what the caches of the machine hold. */
  dropCaches() {
    execFileSync("sync");
    writeFileSync("/proc/sys/vm/drop_caches", "3");
  }

  /** All processors' seconds of the brick processes so far. */
  cpuSeconds() {
    return sum(this.bricks.map(({ pid }) => {
      const text = readFileSync(`/proc/${pid}/stat`, "latin1");
      const [user, system] = text.slice(text.lastIndexOf(")") + 2).split(" ").slice(11, 13).map(Number);
      return (user + system) / TICKS_PER_SECOND;
    }));
  }

  /** Memory that the brick processes have to themselves. */
  residentMiB() {
    return sum(this.bricks.map(({ pid }) =>
      Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))[1]) / 1024));
  }

  async stop() {
    await this.unmount();
    await this.management?.close();
    for (const { pid, control, process: child } of this.bricks) {
      if (pid === undefined) continue;
      if (control) await askBrick(control, { command: "stop" });
      else process.kill(pid, "SIGKILL");
      await until("the brick's end", () => !existsSync(`/proc/${pid}`) || child?.signalCode != null);
    }
  }
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

async function until(what, condition) {
  for (let waited = 0; waited < WAIT_MS; waited += 20) {
    if (condition()) return;
    await delay(20);
  }
  throw new Error(`waited ${WAIT_MS / 1000} s for ${what}`);
}
