/**
 * For tests on the real kernel: a physical volume in a file, a pool on it, loop devices on its
 * volumes. Everything is in one directory of its own and is taken down in `close`, whatever
 * happened.
 */
import { execFileSync, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { poolClient } from "./client.ts";
import type { PoolClient } from "./client.ts";
import { pidOfLocker } from "./life-lock.ts";
import { poolRunDirectory, runFiles } from "./run-directory.ts";
import type { RunFiles } from "./run-directory.ts";
import type { LinearSpec, ThinPoolSpec, VolumeSpec } from "./spec.ts";
import { startPool } from "./start.ts";

export const MiB = 1024 * 1024;
const METADATA_AT = MiB;
const METADATA_BYTES = 4 * MiB;
const DATA_AT = 16 * MiB;

/** Why live tests cannot run here, or false. */
export const cannotServe: string | false =
  process.getuid?.() !== 0 ? "needs root" : existsSync("/dev/fuse") ? false : "needs /dev/fuse";

export class LivePool {
  readonly directory = mkdtempSync(join(tmpdir(), `mortar-pool-${process.pid}-`));
  readonly vgName = `pool${process.pid}`;
  readonly device = join(this.directory, "pv");
  readonly files: RunFiles = runFiles(poolRunDirectory(this.directory, this.vgName, "tp"));
  readonly #loops: string[] = [];
  readonly #mounts: string[] = [];

  constructor(deviceBytes: number) {
    writeFileSync(this.device, "");
    truncateSync(this.device, deviceBytes);
  }

  spec(dataBytes: number, volumes: readonly VolumeSpec[]): ThinPoolSpec {
    return {
      kind: "thin-pool",
      vgName: this.vgName,
      poolName: "tp",
      uuid: "tp-uuid",
      devices: [{ name: "pv0", path: this.device }],
      metadata: [{ device: "pv0", deviceOffsetBytes: METADATA_AT, lengthBytes: METADATA_BYTES }],
      data: [{ device: "pv0", deviceOffsetBytes: DATA_AT, lengthBytes: dataBytes }],
      chunkSectors: 128,
      zeroNewBlocks: true,
      discards: "passdown",
      errorWhenFull: true,
      transactionId: 1,
      messages: [{ kind: "create", deviceId: 1 }],
      volumes,
    };
  }

  start(spec: ThinPoolSpec | LinearSpec): Promise<PoolClient> {
    return startPool(spec, this.files.directory);
  }

  path(volume: string): string {
    return join(this.files.mountPoint, volume);
  }

  attach(volume: string): string {
    const loop = run("losetup", "--direct-io=on", "--find", "--show", this.path(volume));
    this.#loops.push(loop);
    return loop;
  }

  /** Detach, and wait until the file is closed: the kernel does so a little later. */
  async detach(loop: string, client: PoolClient, volume: string): Promise<void> {
    run("losetup", "-d", loop);
    this.#loops.splice(this.#loops.indexOf(loop), 1);
    for (;;) {
      const found = (await client.status()).volumes.find(({ name }) => name === volume);
      if (found === undefined || found.openCount === 0) return;
      await sleep(5);
    }
  }

  mount(loop: string, ...options: string[]): string {
    const target = mkdtempSync(join(this.directory, "fs-"));
    run("mount", ...options, loop, target);
    this.#mounts.push(target);
    return target;
  }

  unmount(target: string): void {
    run("umount", target);
    this.#mounts.splice(this.#mounts.indexOf(target), 1);
  }

  /** kill -9 of the server, and wait until its successor has taken over. */
  async killServer(): Promise<void> {
    const pid = Number(readFileSync(this.files.serverPid, "utf8"));
    process.kill(pid, "SIGKILL");
    while (Number(readFileSync(this.files.serverPid, "utf8")) === pid) await sleep(1);
    await poolClient(this.files.directory).status();
  }

  /** kill -9 of the holder, and wait until its successor is at work. */
  async killHolder(): Promise<void> {
    const pid = Number(readFileSync(this.files.holderPid, "utf8"));
    process.kill(pid, "SIGKILL");
    const isNew = (found: number | undefined): boolean =>
      found !== undefined && found !== pid && found !== 0;
    while (!isNew(pidOfLocker(this.files.holderPid))) await sleep(5);
  }

  /** thin_check on what tmeta holds now. Throws with its output. */
  checkMetadata(): void {
    const copy = join(this.directory, "tmeta");
    const bytes = Buffer.alloc(METADATA_BYTES);
    const fd = openSync(this.device, "r");
    readSync(fd, bytes, 0, METADATA_BYTES, METADATA_AT);
    closeSync(fd);
    writeFileSync(copy, bytes);
    run("thin_check", copy);
  }

  async close(): Promise<void> {
    for (const target of this.#mounts) quietly(() => run("umount", "-l", target));
    for (const loop of this.#loops) quietly(() => run("losetup", "-d", loop));
    if (existsSync(this.files.directory)) await this.#takeDown();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Stop; failing that, end the processes and take the mount away. */
  async #takeDown(): Promise<void> {
    const client = poolClient(this.files.directory);
    for (let attempt = 0; attempt < 40 && existsSync(this.files.directory); attempt++) {
      await client.stop().catch(() => sleep(50));
    }
    if (!existsSync(this.files.directory)) return;
    for (const path of [this.files.holderPid, this.files.serverPid]) {
      quietly(() => process.kill(Number(readFileSync(path, "utf8")), "SIGKILL"));
    }
    quietly(() => run("umount", "-l", this.files.mountPoint));
  }
}

export function run(program: string, ...words: string[]): string {
  return execFileSync(program, words, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  }).trim();
}

/** Run beside the test; the promise holds the exit code and all output. */
export function runBeside(
  program: string,
  ...words: string[]
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (part: Buffer) => (output += part.toString()));
    child.stderr.on("data", (part: Buffer) => (output += part.toString()));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

function quietly(action: () => unknown): void {
  try {
    action();
  } catch {
    // Taking down goes on.
  }
}
