/** Two bricks on one XFS, ours and glusterfsd's, each with a stock client of its own. */
import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { askBrick, startBrick } from "../packages/brick/dist/index.js";
import { brickVolfile, clientVolfile, initialOptions, printVolfile } from "../packages/gluster/dist/index.js";
import { setXattr } from "../packages/linux/dist/index.js";

const TICKS_PER_SECOND = 100;
const WAIT_MS = 20_000;

export async function brickStands() {
  const directory = mkdtempSync(join(tmpdir(), `mortar-bench-brick-${process.pid}-`));
  const device = join(directory, "xfs");
  const undo = [() => rmSync(directory, { recursive: true, force: true })];
  const close = async () => {
    for (const step of undo.toReversed()) await step();
  };
  try {
    mkdirSync(device);
    execFileSync("truncate", ["-s", "8G", join(directory, "image")]);
    execFileSync("mkfs.xfs", ["-q", join(directory, "image")]);
    execFileSync("mount", ["-o", "loop", join(directory, "image"), device]);
    undo.push(() => execFileSync("umount", [device]));
    const port = 31_000 + (process.pid % 500) * 2;
    const stands = [];
    for (const [index, kind] of ["ours", "glusterfsd"].entries()) {
      const stand = new Stand(directory, device, kind, port + index);
      undo.push(() => stand.stop());
      await stand.start();
      stands.push(stand);
    }
    return { stands, close };
  } catch (error) {
    await close();
    throw error;
  }
}

class Stand {
  constructor(directory, device, kind, port) {
    this.kind = kind;
    this.port = port;
    this.directory = join(directory, kind);
    this.path = join(device, kind);
    this.mountPoint = join(this.directory, "mount");
    this.volume = {
      name: kind, id: randomUUID(), kind: "distribute", bricks: [{ host: "127.0.0.1", path: this.path }],
      options: initialOptions("distribute"), credentials: { username: randomUUID(), password: randomUUID() },
    };
  }

  async start() {
    mkdirSync(this.mountPoint, { recursive: true });
    mkdirSync(join(this.path, ".glusterfs", "indices"), { recursive: true, mode: 0o600 });
    setXattr(this.path, "trusted.glusterfs.volume-id", Buffer.from(this.volume.id.replaceAll("-", ""), "hex"));
    const { directory, path, port, volume } = this;
    writeFileSync(join(directory, "client.vol"),
      printVolfile(clientVolfile(volume, { trusted: true, remotePorts: [port] })));
    if (this.kind === "ours") {
      this.control = join(directory, "control");
      const spec = { path, volume: volume.name, volumeId: volume.id, address: "127.0.0.1", port, controlSocket: this.control };
      this.pid = (await startBrick(spec, join(directory, "log"))).pid;
      return;
    }
    writeFileSync(join(directory, "brick.vol"), printVolfile(brickVolfile(volume, 0, {
      stateDirectory: directory, listenPort: port, bindAddress: "127.0.0.1",
    })));
    const socket = join(directory, "socket");
    this.process = spawn("/usr/sbin/glusterfsd", [
      "-N", "-f", join(directory, "brick.vol"), "-S", socket, "--brick-name", path,
      "-l", join(directory, "log"), "--process-name", "brick",
    ], { stdio: "ignore" });
    this.pid = this.process.pid;
    await until("glusterfsd", () => existsSync(socket));
    await delay(500);
  }

  async mount(options = []) {
    this.client = spawn("/usr/sbin/glusterfs", [
      "-N", "-f", join(this.directory, "client.vol"), "-l", join(this.directory, "client.log"), ...options, this.mountPoint,
    ], { stdio: "ignore" });
    await until("the mount", () => readFileSync("/proc/mounts", "utf8").includes(` ${this.mountPoint} `));
  }

  async unmount() {
    if (this.client === undefined) return;
    execFileSync("umount", ["-l", this.mountPoint]);
    const { client } = this;
    client.kill("SIGKILL");
    await until("the client's end", () => client.exitCode !== null || client.signalCode !== null);
    this.client = undefined;
  }

  /** All processors' seconds of the brick process so far. */
  cpuSeconds() {
    const text = readFileSync(`/proc/${this.pid}/stat`, "latin1");
    const [user, system] = text.slice(text.lastIndexOf(")") + 2).split(" ").slice(11, 13).map(Number);
    return (user + system) / TICKS_PER_SECOND;
  }

  async stop() {
    await this.unmount();
    if (this.pid === undefined) return;
    if (this.control) await askBrick(this.control, { command: "stop" });
    else process.kill(this.pid, "SIGKILL");
    await until("the brick's end", () => !existsSync(`/proc/${this.pid}`) || this.process?.signalCode != null);
  }
}

async function until(what, condition) {
  for (let waited = 0; waited < WAIT_MS; waited += 20) {
    if (condition()) return;
    await delay(20);
  }
  throw new Error(`waited ${WAIT_MS / 1000} s for ${what}`);
}
