/**
 * A brick on an XFS of its own, served by us or by glusterfsd, and mounted by the stock client. All
 * that touches the mount is done by children that can be ended: a mount whose server hangs would
 * hang this process.
 */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { brickVolfile, clientVolfile, initialOptions, printVolfile } from "@mortar/gluster";
import type { VolumeDescription } from "@mortar/gluster";
import { setXattr } from "@mortar/linux";
import { askBrick, specOfVolfile, startBrick } from "./index.ts";
import type { BrickSpec } from "./index.ts";

const STEP_SECONDS = 90;
const WAIT_MS = 15_000;

export function missingForLive(): string | undefined {
  if (process.getuid?.() !== 0) return "root is needed";
  for (const tool of ["/usr/sbin/glusterfsd", "/usr/sbin/glusterfs", "/dev/fuse"]) {
    if (!existsSync(tool)) return `${tool} is missing`;
  }
  for (const tool of ["python3", "mkfs.xfs", "getfattr"]) {
    if (spawnSync("which", [tool]).status !== 0) return `${tool} is missing`;
  }
  return undefined;
}

/** Runs a program; its output. Throws when it fails or takes too long. */
export function run(
  program: string, words: readonly string[], seconds = STEP_SECONDS,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const limited = ["--kill-after=1", String(seconds), program, ...words];
    const child = spawn("timeout", limited, { stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(Buffer.concat(chunks).toString("latin1"));
      else {
        const line = [program, ...words].join(" ").slice(0, 200);
        const said = Buffer.concat(errors).toString() + Buffer.concat(chunks).toString("latin1").slice(-2000);
        reject(new Error(`${line}: exit code ${code}: ${said}`));
      }
    });
  });
}

export class LiveBrick {
  readonly directory: string;
  readonly path: string;
  readonly mountPoint: string;
  readonly port: number;
  readonly volume: VolumeDescription;
  readonly spec: BrickSpec;
  #stock: ChildProcess | undefined;
  #ownPid = 0;
  readonly #clients = new Map<string, ChildProcess>();

  constructor(name: string, port: number, options: Readonly<Record<string, string>> = {}) {
    this.directory = mkdtempSync(join(tmpdir(), `brick-${name}-${process.pid}-`));
    this.port = port;
    const device = join(this.directory, "xfs");
    this.path = join(device, "brick");
    this.mountPoint = join(this.directory, "mount");
    const id = randomUUID();
    this.volume = {
      name: "live", id, kind: "distribute", bricks: [{ host: "127.0.0.1", path: this.path }],
      options: { ...initialOptions("distribute"), ...options },
      credentials: { username: randomUUID(), password: randomUUID() },
    };
    this.spec = {
      path: this.path, volume: "live", volumeId: id, address: "127.0.0.1", port,
      controlSocket: join(this.directory, "control"),
      authentication: { logins: [this.volume.credentials], allow: [] },
    };
  }

  async prepare(): Promise<void> {
    const image = join(this.directory, "image");
    const device = join(this.directory, "xfs");
    mkdirSync(device);
    mkdirSync(this.mountPoint);
    await run("truncate", ["-s", "3G", image]);
    await run("mkfs.xfs", ["-q", image]);
    await run("mount", ["-o", "loop", image, device]);
    mkdirSync(join(this.path, ".glusterfs", "indices"), { recursive: true, mode: 0o600 });
    const bytes = Buffer.from(this.volume.id.replaceAll("-", ""), "hex");
    setXattr(this.path, "trusted.glusterfs.volume-id", bytes);
    writeFileSync(join(this.directory, "brick.vol"), this.brickVolfile({}));
    this.writeClientVolfile({});
  }

  /** With options of the volume beside those that it has. */
  brickVolfile(options: Record<string, string>): string {
    const volume = { ...this.volume, options: { ...this.volume.options, ...options } };
    return printVolfile(brickVolfile(volume, 0, {
      stateDirectory: this.directory, listenPort: this.port, bindAddress: "127.0.0.1",
    }));
  }

  /** A client without a login is let in by its address only. */
  writeClientVolfile(options: Record<string, string>, trusted = true): void {
    const volume = { ...this.volume, options: { ...this.volume.options, ...options } };
    const file = clientVolfile(volume, { trusted, remotePorts: [this.port] });
    writeFileSync(join(this.directory, "client.vol"), printVolfile(file));
  }

  get ownPid(): number {
    return this.#ownPid;
  }

  async startOurs(options?: Record<string, string>): Promise<void> {
    const { controlSocket } = this.spec;
    const spec = options === undefined
      ? this.spec : specOfVolfile(this.brickVolfile(options), { controlSocket });
    const started = await startBrick(spec, join(this.directory, "brick.log"));
    this.#ownPid = started.pid;
  }

  async startStock(): Promise<void> {
    const socket = join(this.directory, "stock.socket");
    rmSync(socket, { force: true });
    this.#stock = spawn("/usr/sbin/glusterfsd", [
      "-N", "-f", join(this.directory, "brick.vol"), "-S", socket, "--brick-name", this.path,
      "-p", join(this.directory, "stock.pid"), "-l", join(this.directory, "stock.log"),
      "--process-name", "brick",
    ], { stdio: "ignore" });
    await until("glusterfsd's socket", () => existsSync(socket));
    await delay(300);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    if (this.#ownPid !== 0) {
      process.kill(this.#ownPid, "SIGKILL");
      await until("the brick's end", () => !existsSync(`/proc/${this.#ownPid}`));
      this.#ownPid = 0;
    }
  }

  async stop(): Promise<void> {
    if (this.#ownPid !== 0) {
      await askBrick(this.spec.controlSocket, { command: "stop" });
      await until("the brick's end", () => !existsSync(`/proc/${this.#ownPid}`));
      this.#ownPid = 0;
    }
    const stock = this.#stock;
    if (stock !== undefined) {
      stock.kill("SIGKILL");
      await until("glusterfsd's end", () => stock.exitCode !== null || stock.signalCode !== null);
      this.#stock = undefined;
    }
  }

  async mount(options: readonly string[] = []): Promise<void> {
    await this.mountAt(this.mountPoint, options);
  }

  /** Another client. */
  async mountAt(point: string, options: readonly string[] = []): Promise<void> {
    mkdirSync(point, { recursive: true });
    const client = spawn("/usr/sbin/glusterfs", [
      "-N", "-f", join(this.directory, "client.vol"), "-l", join(this.directory, "client.log"),
      ...options, point,
    ], { stdio: "ignore" });
    this.#clients.set(point, client);
    const line = ` ${point} `;
    const isMounted = (): boolean => readFileSync("/proc/mounts", "utf8").includes(line);
    await until("the mount", () => isMounted() || client.exitCode !== null);
    await run("stat", [point]);
    // One that is not let in unmounts: what was looked at may have been the directory below.
    if (client.exitCode !== null || !isMounted()) throw new Error(`${point}: its client ended`);
  }

  /** kill -9 of a client: its brick sees only the end of the connection. */
  async killClient(point: string): Promise<void> {
    const client = this.#clients.get(point);
    if (client === undefined) return;
    client.kill("SIGKILL");
    await until("the client's end", () => client.exitCode !== null || client.signalCode !== null);
    await run("umount", ["-l", "-f", point]).catch(() => undefined);
    this.#clients.delete(point);
  }

  async unmount(): Promise<void> {
    for (const [point, client] of this.#clients) {
      await run("umount", ["-l", "-f", point]).catch(() => undefined);
      client.kill("SIGKILL");
      await until("the client's end", () => client.exitCode !== null || client.signalCode !== null);
    }
    this.#clients.clear();
  }

  async remove(): Promise<void> {
    await this.unmount();
    await this.stop().catch(() => this.kill());
    const device = join(this.directory, "xfs");
    await run("umount", [device]).catch(() => run("umount", ["-l", device]).catch(() => ""));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export async function until(what: string, condition: () => boolean): Promise<void> {
  for (let waited = 0; waited < WAIT_MS; waited += 20) {
    if (condition()) return;
    await delay(20);
  }
  throw new Error(`waited ${WAIT_MS} ms for ${what}`);
}

export async function withBrick(
  name: string, port: number, body: (brick: LiveBrick) => Promise<void>,
  options: Readonly<Record<string, string>> = {},
): Promise<void> {
  const brick = new LiveBrick(name, port, options);
  try {
    await brick.prepare();
    await body(brick);
  } finally {
    await brick.remove();
  }
}
