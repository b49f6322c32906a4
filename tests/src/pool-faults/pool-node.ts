/**
 * One node of the ring: the program itself in a network namespace, its state on a small tmpfs, a
 * volume group on a disk of its own, a clock that can be set. A mortard that ends without having been
 * killed is kept for the report, and started again as an init system would.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { MortarClient } from "@mortar/api";
import type { PoolNetwork } from "./pool-network.ts";

const run = promisify(execFile);
const CLI = fileURLToPath(new URL("../../../packages/cli/dist/main.js", import.meta.url));
const DAEMON = fileURLToPath(new URL("../../../packages/mortard/dist/main.js", import.meta.url));
/** Sets clocks: Debian's `faketime`. */
export const FAKETIME = [
  "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
  "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
].find((it) => existsSync(it)) ?? "/usr/lib/faketime/libfaketime.so.1";
/** Bricks are confined, and have no way to what libfaketime shares between processes. */
const ONLY_ITSELF = "data:text/javascript,delete%20process.env.LD_PRELOAD";
const STATE_MIB = 320;
const DISK_MIB = 1400;
const RESTART_MS = 1_000;
const STEP_MS_MAX = 90_000;
/** What was killed holds its files for a moment longer, and so does who looks at all devices. */
const CLEANINGS_MAX = 10;

export interface PoolNodeOptions {
  readonly index: number;
  readonly directory: string;
  readonly group: string;
  readonly network: PoolNetwork;
  /** Bricks to make; none: no volume group either. */
  readonly bricks: number;
  readonly log: (line: string) => void;
}

export class PoolNode {
  readonly index: number;
  readonly root: string;
  readonly address: string;
  readonly vg: string;
  readonly client: MortarClient;
  /** How mortard ended by itself. */
  readonly deaths: string[] = [];
  readonly #options: PoolNodeOptions;
  #child: ChildProcess | undefined;
  #loop = "";
  #isWanted = false;
  #isLeaving = false;

  constructor(options: PoolNodeOptions) {
    this.#options = options;
    this.index = options.index;
    this.root = join(options.directory, `n${options.index}`);
    this.address = options.network.address(options.index);
    this.vg = `${options.group}${options.index}`;
    this.client = new MortarClient({ socketPath: `${this.root}/run/mortar/mortard.sock`, timeoutMs: 60_000 });
  }

  get name(): string {
    return `n${this.index + 1}`;
  }

  get stateDirectory(): string {
    return join(this.root, "var/lib/mortar");
  }

  mountPoint(brick: number): string {
    return join(this.#options.directory, `b${this.index}-${brick}`);
  }

  async prepare(): Promise<void> {
    const { bricks } = this.#options;
    mkdirSync(this.stateDirectory, { recursive: true, mode: 0o700 });
    mkdirSync(join(this.root, "etc/mortar"), { recursive: true });
    await run("mount", ["-t", "tmpfs", "-o", `size=${STATE_MIB}M`, "tmpfs", this.stateDirectory]);
    this.setClock(0);
    const disk = join(this.#options.directory, `disk${this.index}`);
    if (bricks > 0) {
      await run("truncate", ["-s", `${DISK_MIB}M`, disk]);
      this.#loop = (await run("losetup", ["--find", "--show", disk])).stdout.trim();
    }
    const devices = bricks > 0 ? [this.#loop] : [join(this.#options.directory, "none")];
    writeFileSync(join(this.root, "etc/mortar/mortar.json"), JSON.stringify({
      address: this.address, devices, trustedNetworks: ["10.77.0.0/24"], engine: "userspace",
    }));
    if (bricks === 0) return;
    await this.mortar("vgcreate", "-q", this.vg, this.#loop);
    await this.mortar("lvcreate", "-q", "--thin", this.vg, "-L", "1200M", "-n", "pool");
    for (let brick = 0; brick < bricks; brick++) await this.#makeBrick(brick);
  }

  async #makeBrick(brick: number): Promise<void> {
    const lv = `brick${brick}`;
    await this.mortar("lvcreate", "-q", "-V", "320M", "-T", `${this.vg}/pool`, "-n", lv);
    await run("mkfs.xfs", ["-q", `/dev/${this.vg}/${lv}`], { timeout: STEP_MS_MAX });
    mkdirSync(this.mountPoint(brick));
    await run("mount", [`/dev/${this.vg}/${lv}`, this.mountPoint(brick)], { timeout: STEP_MS_MAX });
    mkdirSync(join(this.mountPoint(brick), "exp"));
  }

  /** A verb of the command line. */
  async mortar(...words: readonly string[]): Promise<string> {
    const { stdout } = await run(process.execPath, [CLI, "--root", this.root, ...words], {
      timeout: STEP_MS_MAX, killSignal: "SIGKILL", cwd: "/",
    });
    return stdout;
  }

  /** By so many seconds from the machine's; what asks it does so within a second. */
  setClock(seconds: number): void {
    writeFileSync(join(this.root, "clock"), `${seconds < 0 ? "" : "+"}${seconds}\n`);
  }

  start(): void {
    this.#isWanted = true;
    if (this.#child !== undefined) return;
    const { network, log } = this.#options;
    const clock = {
      LD_PRELOAD: FAKETIME, FAKETIME_TIMESTAMP_FILE: join(this.root, "clock"),
      FAKETIME_CACHE_DURATION: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1", DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    };
    const [program = "", ...words] = network.within(
      this.index, process.execPath, "--enable-source-maps", "--max-old-space-size=384",
      "--import", ONLY_ITSELF, DAEMON,
      "--root", this.root, "--log-level", "debug",
    );
    const child = spawn(program, words, {
      stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...clock }, cwd: "/",
    });
    this.#child = child;
    let said = "";
    child.stderr?.on("data", (text: Buffer) => (said = `${said}${text.toString()}`.slice(-4_000)));
    child.once("exit", (code, name) => {
      this.#child = undefined;
      if (name !== "SIGKILL" && !this.#isLeaving) {
        this.deaths.push(`${this.name} ended with ${name ?? code}: ${said}`);
        log(`mortard of ${this.name} ended with ${name ?? code}`);
      }
      setTimeout(() => {
        if (this.#isWanted) this.start();
      }, RESTART_MS);
    });
  }

  async answers(limitMs: number): Promise<boolean> {
    const deadline = performance.now() + limitMs;
    const asker = new MortarClient({ socketPath: `${this.root}/run/mortar/mortard.sock`, timeoutMs: 5_000 });
    for (;;) {
      try {
        if ((await asker.nodeStatus()).ok) return true;
      } catch {
        if (performance.now() > deadline) return false;
        await sleep(200);
      }
    }
  }

  /** Processes of the node by what they are; what cannot be found out is not among them. */
  async processes(): Promise<Record<"mortard" | "etcd" | "brick" | "pool" | "holder", number[]>> {
    const asker = new MortarClient({ socketPath: `${this.root}/run/mortar/mortard.sock`, timeoutMs: 2_000 });
    const answer = await asker.nodeStatus().catch(() => undefined);
    const bricks = answer?.ok === true ? answer.result.bricks : [];
    const pool = join(this.root, "run/mortar/pools", `${this.vg}-pool`);
    return {
      mortard: this.#child?.pid === undefined ? [] : [this.#child.pid],
      etcd: pidIn(join(this.root, "run/mortar/etcd.pid")),
      brick: bricks.flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
      pool: pidIn(join(pool, "server.pid")),
      holder: pidIn(join(pool, "holder.pid")),
    };
  }

  /** Fills the file system of its state. */
  async fill(): Promise<void> {
    const file = join(this.stateDirectory, "ballast");
    await run("dd", ["if=/dev/zero", `of=${file}`, "bs=1M"], { timeout: 20_000 }).catch(() => undefined);
  }

  unfill(): void {
    rmSync(join(this.stateDirectory, "ballast"), { force: true });
  }

  /** Takes all of it away. */
  async clean(): Promise<void> {
    this.#isWanted = false;
    this.unfill();
    const left = async (program: string, ...words: string[]): Promise<void> => {
      await run(program, words, { timeout: STEP_MS_MAX, killSignal: "SIGKILL" }).catch(() => undefined);
    };
    this.#isLeaving = true;
    await left(process.execPath, CLI, "--root", this.root, "down");
    this.#child?.kill("SIGKILL");
    for (const pid of this.#remaining()) kill(pid, "SIGKILL");
    for (let attempt = 0; attempt < CLEANINGS_MAX && this.#mounts().length > 0; attempt++) {
      if (attempt > 0) await sleep(RESTART_MS);
      // The pool's own goes with the pool.
      const points = this.#mounts().filter((it) => !it.endsWith("/mnt"));
      for (const point of points) await left("umount", point);
      if (this.#loop === "") continue;
      await left(process.execPath, CLI, "--root", this.root, "vgchange", "-an", this.vg);
    }
    if (this.#loop !== "") await left("losetup", "-d", this.#loop);
  }

  #mounts(): string[] {
    return mountsBelow(this.#options.directory).filter((it) => this.#isOwn(it));
  }

  #isOwn(point: string): boolean {
    return point.startsWith(`${this.root}/`) || point.includes(`/b${this.index}-`);
  }

  /** But for those of the pool, which end in order. */
  #remaining(): number[] {
    return readdirSync("/proc").filter((it) => /^[0-9]+$/.test(it)).map(Number).filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return pid !== process.pid && words.includes(`${this.root}/`) && !words.includes("/pools/");
      } catch {
        return false;
      }
    });
  }
}

export function kill(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone.
  }
}

/** The deepest first. */
export function mountsBelow(directory: string): string[] {
  return readFileSync("/proc/self/mounts", "utf8").split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((point) => point.startsWith(`${directory}/`))
    .toReversed();
}

function pidIn(file: string): number[] {
  try {
    const pid = Number(readFileSync(file, "latin1").trim().split(" ")[0]);
    return pid > 1 ? [pid] : [];
  } catch {
    return [];
  }
}
