/**
 * A node in a directory of its own: a root, an address, a volume group's name, commands under the
 * stock names. `remove` takes away whatever the node left, and says what it had to take by force.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const mortarMain = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));

export class ScratchNode {
  readonly directory: string;
  readonly root: string;
  readonly address: string;
  /** As long as the name in the recording, so that columns are as wide. */
  readonly group: string;
  readonly #path: string;

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), "mortar-story-"));
    this.root = join(this.directory, "node");
    // Unique on this machine while this process lives, and of the length of `bd-vg`.
    this.address = `127.2.${(process.pid >> 8) & 255}.${process.pid & 255 || 1}`;
    this.group = `t${(process.pid % 36 ** 4).toString(36).padStart(4, "0")}`;
    mkdirSync(join(this.root, "etc/mortar"), { recursive: true });
    writeFileSync(
      join(this.root, "etc/mortar/mortar.json"),
      JSON.stringify({ address: this.address }),
    );
    const bin = join(this.directory, "bin");
    this.#path = `${bin}:${process.env["PATH"]}`;
    const made = spawnSync(process.execPath, [mortarMain, "--root", this.root, "aliases", bin]);
    if (made.status !== 0) throw new Error(`no aliases: ${made.stderr.toString()}`);
  }

  /** Runs a line of shell; standard error comes in between, as on a terminal. */
  shell(line: string): { exitCode: number; output: string } {
    const run = spawnSync("bash", ["-c", `exec 2>&1\n${line}`], {
      cwd: this.directory,
      env: { ...process.env, PATH: this.#path, LC_ALL: "C", TZ: "UTC" },
      encoding: "utf8",
      timeout: 180_000,
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (run.error !== undefined) throw new Error(`${line}: ${run.error.message}`);
    return { exitCode: run.status ?? 255, output: run.stdout };
  }

  /** Mounts, loop devices and processes that belong to this node. */
  left(): string[] {
    return [
      ...this.#mounts().map((point) => `mount ${point}`),
      ...this.#loops().map((device) => `loop device ${device}`),
      ...this.#processes().map((pid) => `process ${pid}`),
    ];
  }

  /** The end of the test, good or bad. */
  remove(): void {
    this.shell("mortar down --force");
    for (const point of this.#mounts().toReversed()) this.shell(`umount -l '${point}'`);
    for (const pid of this.#processes()) signal(pid, "SIGTERM");
    if (!this.#gone(() => this.#processes())) {
      for (const pid of this.#processes()) signal(pid, "SIGKILL");
    }
    for (const device of this.#loops()) this.shell(`losetup -d ${device}`);
    this.#gone(() => this.#loops());
    if (this.#mounts().length > 0) throw new Error(`still mounted: ${this.#mounts().join(" ")}`);
    this.#removeClientLogs();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** The stock client keeps a log of each mount, named after the mount point. */
  #removeClientLogs(): void {
    const directory = "/var/log/glusterfs";
    const start = `${this.directory.slice(1).replaceAll("/", "-")}-`;
    for (const name of existsSync(directory) ? readdirSync(directory) : []) {
      if (name.startsWith(start)) rmSync(join(directory, name), { force: true });
    }
  }

  #gone(what: () => readonly unknown[]): boolean {
    for (let attempt = 0; attempt < 100; attempt += 1) {
      if (what().length === 0) return true;
      spawnSync("sleep", ["0.1"]);
    }
    return false;
  }

  #mounts(): string[] {
    return readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .map((line) => line.split(" ")[4] ?? "")
      .filter((point) => point.startsWith(`${this.directory}/`));
  }

  #loops(): string[] {
    return readdirSync("/sys/block").flatMap((name) => {
      const file = `/sys/block/${name}/loop/backing_file`;
      if (!name.startsWith("loop") || !existsSync(file)) return [];
      return textOf(file).startsWith(`${this.directory}/`) ? [`/dev/${name}`] : [];
    });
  }

  #processes(): number[] {
    return readdirSync("/proc").flatMap((name) => {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === process.pid) return [];
      const words = textOf(`/proc/${pid}/cmdline`).split("\0");
      return words.some((word) => word.includes(this.directory)) ? [pid] : [];
    });
  }

  /** The loop device of a file below the directory. */
  loopOf(file: string): string {
    const path = readlinkOrSame(join(this.directory, file));
    const device = this.#loops().find(
      (it) => textOf(`/sys/block/${it.slice(5)}/loop/backing_file`).trim() === path,
    );
    if (device === undefined) throw new Error(`${path} has no loop device`);
    return device;
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function readlinkOrSame(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return path;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
