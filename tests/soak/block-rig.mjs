/**
 * A volume group of its own on a file behind a loop device, worked on with the command line, and
 * a way to kill what serves it. Everything is below one directory and is taken away at the end,
 * however that comes.
 */
import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { newFile } from "../interop/new-file.mjs";

/** @typedef {{ status: number, stdout: string, stderr: string }} Ended */

const CLI = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));
const COMMAND_MS_MAX = 60_000;
const UNMOUNT_ATTEMPTS = 25;
const NEEDED = [
  { program: "losetup", package: "mount" },
  { program: "mkfs.xfs", package: "xfsprogs" },
  { program: "fallocate", package: "util-linux" },
  { program: "thin_check", package: "thin-provisioning-tools" },
  { program: "lvm", package: "lvm2" },
  { program: "fio", package: "fio" },
];

/** Why the machine cannot run this; undefined when it can. */
export function whatIsMissing() {
  if (process.getuid?.() !== 0) return "needs root, for mounts and loop devices";
  const missing = NEEDED.filter(
    ({ program }) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0,
  );
  if (missing.length > 0) return `apt install ${missing.map((tool) => tool.package).join(" ")}`;
  return undefined;
}

export class BlockRig {
  directory = mkdtempSync(join(tmpdir(), "mortar-soak-"));
  vg = `soak${process.pid}`;
  pool = "pool";
  disk = join(this.directory, "disk");
  root = join(this.directory, "root");
  loop = "";
  /** @type {Set<import("node:child_process").ChildProcess>} */
  #running = new Set();
  /** What the kernel said before does not count. */
  #since = uptimeSeconds();

  /** @param {number} diskBytes */
  constructor(diskBytes) {
    mkdirSync(this.root);
    newFile(this.disk, diskBytes);
    this.loop = this.run("losetup", "--find", "--show", this.disk).trim();
  }

  /**
   * Standard output of a program that must succeed.
   * @param {string} program
   * @param {...string} words
   */
  run(program, ...words) {
    const ended = spawnSync(program, words, {
      encoding: "utf8",
      timeout: COMMAND_MS_MAX,
      maxBuffer: 1 << 28,
    });
    if (ended.status === 0) return ended.stdout;
    const why =
      ended.error?.message ?? `${ended.signal ?? ended.status} ${ended.stdout}${ended.stderr}`;
    throw new Error(`${[program, ...words].join(" ")}: ${why}`);
  }

  /**
   * A program that runs beside this one, and is killed with it.
   * @param {string} program
   * @param {readonly string[]} words
   * @param {import("node:child_process").SpawnOptions} options
   */
  start(program, words, options) {
    const child = spawn(program, words, options);
    this.#running.add(child);
    child.once("close", () => this.#running.delete(child));
    return child;
  }

  /** A verb of the command line. @param {...string} words @returns {Ended} */
  mortar(...words) {
    const ended = spawnSync(process.execPath, [CLI, "--root", this.root, ...words], {
      encoding: "utf8",
      timeout: COMMAND_MS_MAX,
      killSignal: "SIGKILL",
    });
    if (ended.signal !== null)
      throw new Error(`mortar ${words.join(" ")} took more than a minute: ${ended.stderr}`);
    return { status: ended.status ?? -1, stdout: ended.stdout, stderr: ended.stderr };
  }

  /** The same, which must succeed. @param {...string} words */
  must(...words) {
    const ended = this.mortar(...words);
    if (ended.status === 0) return ended.stdout;
    throw new Error(
      `mortar ${words.join(" ")} ended with ${ended.status}: ${ended.stdout}${ended.stderr}`,
    );
  }

  /**
   * A verb, with something done to it so many milliseconds later; undefined when it was killed.
   * @param {readonly string[]} words @param {number} delayMs
   * @param {(child: import("node:child_process").ChildProcess) => void} disturb
   * @returns {Promise<Ended | undefined>}
   */
  async disturbed(words, delayMs, disturb) {
    const child = this.start(process.execPath, [CLI, "--root", this.root, ...words], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout?.on("data", (piece) => (stdout += String(piece)));
    child.stderr?.on("data", (piece) => (stderr += String(piece)));
    /** @type {Promise<number | null>} */
    const closed = new Promise((resolve) => child.once("close", resolve));
    await pause(delayMs);
    if (child.exitCode === null) disturb(child);
    const status = await within(closed, COMMAND_MS_MAX, `mortar ${words.join(" ")}`);
    return status === null ? undefined : { status, stdout, stderr };
  }

  get poolDirectory() {
    return join(this.root, "run/mortar/pools", `${this.vg}-${this.pool}`);
  }

  /** @param {"server" | "holder"} which */
  pid(which) {
    return Number(readFileSync(join(this.poolDirectory, `${which}.pid`), "utf8"));
  }

  /**
   * Kill the pool's server as it is; the holder starts the next. False when there was none to
   * kill.
   */
  killServer() {
    const pid = this.pid("server");
    if (!isOurs(pid, this.directory)) return false;
    process.kill(pid, "SIGKILL");
    return true;
  }

  /** @param {string} lv */
  device(lv) {
    return `/dev/${this.vg}/${lv}`;
  }

  /** What the kernel complained of since the start, about our devices. */
  kernelComplaints() {
    const numbers = new Set(this.#loopsBelow());
    return this.run("dmesg")
      .split("\n")
      .filter((line) => {
        const time = Number(/^\[\s*([\d.]+)\]/.exec(line)?.[1] ?? 0);
        const device = /\b(loop\d+)\b/.exec(line)?.[1];
        return (
          time > this.#since &&
          device !== undefined &&
          numbers.has(`/dev/${device}`) &&
          /error|corrupt|shutdown|shut down|metadata I\/O/i.test(line)
        );
      });
  }

  /**
   * Debian's LVM, which sees our disk only and is told that there is no device-mapper.
   * @param {...string} words
   */
  debianLvm(command = "", ...words) {
    const config = [
      "activation{udev_sync=0 udev_rules=0 monitoring=0}",
      "devices{obtain_device_list_from_udev=0 external_device_info_source=none use_devicesfile=0",
      `filter=["a|^${this.loop}$|","r|.*|"]} global{activation=0} backup{backup=0 archive=0}`,
    ].join(" ");
    return spawnSync("lvm", [command, "--config", config, ...words], {
      encoding: "utf8",
      env: { ...process.env, LVM_SUPPRESS_FD_WARNINGS: "1" },
    });
  }

  /**
   * Nothing of this may stay, and nothing of others may go. Answers what had to be done by force.
   */
  remove() {
    const forced = [];
    for (const child of this.#running) child.kill("SIGKILL");
    // Once the file behind a loop device has been unmounted, only its name in that mount is told.
    const loops = this.#loopsBelow().map((loop) => ({ loop, name: basename(backingOf(loop)) }));
    for (const point of this.#mountsBelow().toReversed()) {
      if (point.startsWith(this.root) || unmounts(point)) continue;
      forced.push(`umount -l ${point}`);
      spawnSync("umount", ["-l", point]);
    }
    const poolDirectory = this.poolDirectory;
    const surviving = survivingFiles(poolDirectory);
    const pids = ["holder", "server"].map((name) => pidIn(join(poolDirectory, `${name}.pid`)));
    if (existsSync(poolDirectory) && this.mortar("vgchange", "-an", this.vg).status !== 0) {
      forced.push("vgchange -an failed");
    }
    for (const pid of pids.filter((one) => isOurs(one, this.directory))) {
      forced.push(`kill -9 ${pid}`);
      process.kill(pid, "SIGKILL");
    }
    for (const point of this.#mountsBelow().toReversed()) spawnSync("umount", ["-l", point]);
    for (const { loop, name } of loops) {
      const backing = backingOf(loop);
      if (backing !== `/${name}` && !backing.startsWith(`${this.directory}/`)) continue;
      spawnSync("losetup", ["--detach", loop]);
    }
    for (const path of surviving.filter((file) => existsSync(file))) unlinkSync(path);
    if (existsSync(`/dev/${this.vg}`)) {
      for (const name of readdirSync(`/dev/${this.vg}`)) unlinkSync(`/dev/${this.vg}/${name}`);
      rmdirSync(`/dev/${this.vg}`);
    }
    rmSync(this.directory, { recursive: true, force: true });
    return forced;
  }

  #mountsBelow() {
    return readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .map((line) => line.split(" ")[4] ?? "")
      .filter((point) => point.startsWith(`${this.directory}/`));
  }

  #loopsBelow() {
    return readdirSync("/sys/block")
      .map((name) => `/dev/${name}`)
      .filter((loop) => backingOf(loop).startsWith(`${this.directory}/`));
  }
}

/** @template T @param {Promise<T>} promise @param {number} limitMs @param {string} what */
export async function within(promise, limitMs, what) {
  const timer = new AbortController();
  const late = pause(limitMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what} did not end in ${limitMs / 1000} s`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
    late.catch(() => undefined);
  }
}

function uptimeSeconds() {
  return Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
}

/** A program that was killed a moment ago may still have files open. @param {string} point */
function unmounts(point) {
  for (let attempt = 0; attempt < UNMOUNT_ATTEMPTS; attempt++) {
    if (spawnSync("umount", [point]).status === 0) return true;
    spawnSync("sleep", ["0.2"]);
  }
  return false;
}

/** The file behind a loop device, "" when there is none. @param {string} loop */
function backingOf(loop) {
  const path = `${loop.replace("/dev/", "/sys/block/")}/loop/backing_file`;
  return existsSync(path) ? readFileSync(path, "utf8").trim() : "";
}

/** @param {string} path */
function pidIn(path) {
  return existsSync(path) ? Number(readFileSync(path, "utf8")) : 0;
}

/** @param {number} pid @param {string} directory */
function isOurs(pid, directory) {
  const path = `/proc/${pid}/cmdline`;
  return pid > 1 && existsSync(path) && readFileSync(path, "utf8").includes(directory);
}

/** Files in /dev/shm that outlive the server. @param {string} poolDirectory @returns {string[]} */
function survivingFiles(poolDirectory) {
  const path = join(poolDirectory, "surviving.json");
  if (!existsSync(path)) return [];
  const { prefix } = JSON.parse(readFileSync(path, "utf8"));
  if (typeof prefix !== "string" || !/^\/dev\/shm\/mortar-[0-9a-f]+-$/.test(prefix)) return [];
  return readdirSync("/dev/shm")
    .map((name) => `/dev/shm/${name}`)
    .filter((file) => file.startsWith(prefix));
}
