/**
 * A volume with copies, all of it on this machine: each brick in a network namespace of its own,
 * served by us or by glusterfsd, mounted by the stock client and healed by the stock self-heal
 * daemon. A brick can be killed, wiped, stopped, or have its network cut.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  brickOperation, brickVolfile, clientVolfile, Dictionary, initialOptions, printVolfile,
  selfHealVolfile,
} from "@mortar/gluster";
import type { VolumeDescription } from "@mortar/gluster";
import { setXattr } from "@mortar/linux";
import { encodeCall, encodeCredential } from "@mortar/rpc";
import { brickStatus } from "./index.ts";
import type { BrickSpec } from "./index.ts";
import { missingForLive, run, until } from "./live.fixture.ts";

export type HealKind = "replica" | "arbiter" | "disperse";
export type Engine = "builtin" | "glusterfsd";

const BRICKS = 3;
const PORT = 49_152;
const HEAL_MS_MAX = 150_000;
const PING_SECONDS = 5;
const DIFFERENCES_MAX = 12;
/** GlusterFS's numbers for healing what the index tells of, and everything. */
const HEAL_INDEX = 1;
const HEAL_FULL = 2;
const ASK_EVERY = 6;
const HOST = fileURLToPath(new URL("./brick-host.js", import.meta.url));
const script = (name: string): string =>
  fileURLToPath(new URL(`../testdata/${name}`, import.meta.url));

export function missingForHeal(): string | undefined {
  if (!existsSync("/usr/sbin/ip") && !existsSync("/sbin/ip")) return "ip is missing";
  return missingForLive();
}

interface HealBrick {
  readonly path: string;
  readonly spec: BrickSpec;
  readonly engine: Engine;
  readonly namespace: string;
  readonly link: string;
  process: ChildProcess | undefined;
}

export class HealVolume {
  readonly directory: string;
  readonly mountPoint: string;
  readonly volume: VolumeDescription;
  readonly bricks: readonly HealBrick[];
  readonly kind: HealKind;
  readonly #nodeUuid = randomUUID();
  #client: ChildProcess | undefined;
  #daemon: ChildProcess | undefined;

  constructor(kind: HealKind, engines: readonly Engine[]) {
    this.kind = kind;
    this.directory = mkdtempSync(join(tmpdir(), `brick-heal-${process.pid}-`));
    this.mountPoint = join(this.directory, "mount");
    const net = `10.${100 + (process.pid % 100)}.${(process.pid >> 8) % 256}`;
    const addresses = Array.from({ length: BRICKS }, (_, index) => `${net}.${4 * index + 2}`);
    const paths = addresses.map((_, index) => join(this.directory, "xfs", `brick${index}`));
    const isDisperse = kind === "disperse";
    this.volume = {
      name: "heal", id: randomUUID(), kind: isDisperse ? "disperse" : "replicate",
      ...(isDisperse ? { disperseCount: 3, redundancyCount: 1 } : { replicaCount: 3 }),
      ...(kind === "arbiter" ? { arbiterCount: 1 } : {}),
      bricks: paths.map((path, index) => ({ host: addresses[index]!, path })),
      options: {
        ...initialOptions(isDisperse ? "disperse" : "replicate"),
        ...(isDisperse ? {} : { "cluster.quorum-type": "auto" }),
        "cluster.heal-timeout": "5", "network.ping-timeout": String(PING_SECONDS),
      },
      credentials: { username: randomUUID(), password: randomUUID() },
    };
    this.bricks = paths.map((path, index) => ({
      path, engine: engines[index] ?? "builtin", namespace: `mh${process.pid}n${index}`,
      link: `mh${process.pid}v${index}`, process: undefined,
      spec: {
        path, volume: "heal", volumeId: this.volume.id, address: addresses[index]!, port: PORT,
        controlSocket: join(this.directory, `control${index}`),
        authentication: { logins: [this.volume.credentials], allow: [] },
        options: {
          nodeUuid: this.#nodeUuid, isArbiter: kind === "arbiter" && index === BRICKS - 1,
        },
      },
    }));
  }

  file(name: string): string {
    return join(this.directory, name);
  }

  async prepare(): Promise<void> {
    mkdirSync(this.file("xfs"));
    mkdirSync(this.mountPoint);
    await run("truncate", ["-s", "4G", this.file("image")]);
    await run("mkfs.xfs", ["-q", this.file("image")]);
    await run("mount", ["-o", "loop", this.file("image"), this.file("xfs")]);
    for (const [index, brick] of this.bricks.entries()) {
      this.#makeBrick(brick);
      await this.#makeNetwork(brick, index);
      const volfile = brickVolfile(this.volume, index, {
        stateDirectory: this.directory, listenPort: PORT, bindAddress: brick.spec.address!,
      });
      writeFileSync(this.file(`brick${index}.vol`), printVolfile(volfile));
    }
    const remotePorts = this.bricks.map(() => PORT);
    const client = clientVolfile(this.volume, { trusted: true, remotePorts });
    writeFileSync(this.file("client.vol"), printVolfile(client));
    const daemon = selfHealVolfile(this.volume, { remotePorts });
    writeFileSync(this.file("shd.vol"), printVolfile(daemon));
  }

  #makeBrick(brick: HealBrick): void {
    mkdirSync(join(brick.path, ".glusterfs", "indices"), { recursive: true, mode: 0o600 });
    const id = Buffer.from(this.volume.id.replaceAll("-", ""), "hex");
    setXattr(brick.path, "trusted.glusterfs.volume-id", id);
  }

  async #makeNetwork(brick: HealBrick, index: number): Promise<void> {
    const { namespace, link } = brick;
    const address = brick.spec.address!;
    const other = address.replace(/\d+$/, String(4 * index + 1));
    const inside = `${link}i`;
    await run("ip", ["netns", "add", namespace]);
    await run("ip", ["link", "add", link, "type", "veth", "peer", "name", inside]);
    await run("ip", ["link", "set", inside, "netns", namespace]);
    await run("ip", ["addr", "add", `${other}/30`, "dev", link]);
    await run("ip", ["link", "set", link, "up"]);
    await run("ip", ["-n", namespace, "addr", "add", `${address}/30`, "dev", inside]);
    await run("ip", ["-n", namespace, "link", "set", inside, "up"]);
    await run("ip", ["-n", namespace, "link", "set", "lo", "up"]);
  }

  async startAll(): Promise<void> {
    for (const index of this.bricks.keys()) await this.start(index);
  }

  async start(index: number): Promise<void> {
    const brick = this.bricks[index]!;
    const words = brick.engine === "builtin" ? this.#ownWords(brick) : this.#stockWords(index);
    const log = openSync(this.file(`brick${index}.log`), "a");
    const net = `--net=/run/netns/${brick.namespace}`;
    const child = spawn("nsenter", [net, ...words], { stdio: ["ignore", "ignore", log] });
    closeSync(log);
    brick.process = child;
    if (brick.engine === "builtin") {
      for (let waited = 0; waited < 15_000; waited += 50) {
        const status = await brickStatus(brick.spec.controlSocket).catch(() => undefined);
        if (status?.pid === child.pid) return;
        await delay(50);
      }
      throw new Error(`brick ${index} did not start: ${this.log(`brick${index}.log`)}`);
    }
    await until("glusterfsd's socket", () => existsSync(this.file(`stock${index}.socket`)));
    await delay(500);
  }

  #ownWords(brick: HealBrick): string[] {
    const file = `${brick.spec.controlSocket}.json`;
    writeFileSync(file, JSON.stringify(brick.spec), { mode: 0o600 });
    return [process.execPath, "--enable-source-maps", HOST, file];
  }

  #stockWords(index: number): string[] {
    rmSync(this.file(`stock${index}.socket`), { force: true });
    return [
      "/usr/sbin/glusterfsd", "-N", "-f", this.file(`brick${index}.vol`),
      "-S", this.file(`stock${index}.socket`), "-p", this.file(`stock${index}.pid`),
      "-l", this.file(`stock${index}.log`), "--brick-name", this.bricks[index]!.path,
      "--process-name", "brick", "--xlator-option", `*-posix.glusterd-uuid=${this.#nodeUuid}`,
    ];
  }

  /** kill -9. */
  async kill(index: number): Promise<void> {
    const brick = this.bricks[index]!;
    await end(brick.process);
    brick.process = undefined;
  }

  signal(index: number, signal: NodeJS.Signals): void {
    this.bricks[index]!.process?.kill(signal);
  }

  /** The brick's files are gone, and it is an empty brick of the volume again. */
  async wipe(index: number): Promise<void> {
    const brick = this.bricks[index]!;
    await run("rm", ["-rf", brick.path]);
    this.#makeBrick(brick);
  }

  async cut(index: number): Promise<void> {
    await run("ip", ["link", "set", this.bricks[index]!.link, "down"]);
  }

  async restore(index: number): Promise<void> {
    await run("ip", ["link", "set", this.bricks[index]!.link, "up"]);
  }

  async mount(): Promise<void> {
    const client = spawn("/usr/sbin/glusterfs", [
      "-N", "-f", this.file("client.vol"), "-l", this.file("client.log"), this.mountPoint,
    ], { stdio: "ignore" });
    this.#client = client;
    const line = ` ${this.mountPoint} `;
    await until("the mount", () => readFileSync("/proc/mounts", "utf8").includes(line));
    await run("stat", [this.mountPoint]);
  }

  async unmount(): Promise<void> {
    if (this.#client === undefined) return;
    await run("umount", [this.mountPoint]).catch(() =>
      run("umount", ["-l", "-f", this.mountPoint]).catch(() => undefined));
    await end(this.#client);
    this.#client = undefined;
  }

  async startDaemon(): Promise<void> {
    const set = this.volume.kind === "replicate" ? "replicate" : "disperse";
    const socket = this.file("shd.socket");
    rmSync(socket, { force: true });
    this.#daemon = spawn("/usr/sbin/glusterfs", [
      "-N", "-f", this.file("shd.vol"), "-l", this.file("shd.log"), "-S", socket,
      "-p", this.file("shd.pid"), "--process-name", "glustershd",
      "--xlator-option", `*${set}*.node-uuid=${this.#nodeUuid}`,
    ], { stdio: "ignore" });
    await until("the daemon's socket", () => existsSync(socket));
  }

  /** Everything is compared, as after a brick was replaced. */
  async healFull(): Promise<void> {
    await this.#ask(HEAL_FULL);
  }

  async #ask(operation: number): Promise<void> {
    const set = `heal-${this.volume.kind === "replicate" ? "replicate" : "disperse"}-0`;
    const input = Dictionary.of({ count: 1, "xl-0": set, [set]: 0, "xl-op": operation });
    const { number, version } = brickOperation.xlatorOp.program;
    const credential = encodeCredential({
      kind: "gluster3", pid: 1, uid: 0, gid: 0, groups: [], timeFlags: 0, timeSeconds: 0,
      timeNanoseconds: 0, lockOwner: new Uint8Array(4),
    });
    const target = { xid: 1, program: number, version, procedure: 3 };
    const request = { name: "", op: 3, input, extra: new Dictionary() };
    const socket = connect(this.file("shd.socket"));
    await once(socket, "connect");
    socket.write(encodeCall(target, credential, brickOperation.xlatorOp.encodeRequest(request)));
    await once(socket, "data");
    socket.destroy();
  }

  /** What of the brick must be as on the others, see heal-facts.py. */
  async facts(index: number): Promise<string[]> {
    const isArbiter = this.kind === "arbiter" && index === BRICKS - 1;
    const kind = this.kind === "disperse" ? "fragments" : isArbiter ? "names" : "whole";
    const { path, engine } = this.bricks[index]!;
    const text = await run("python3", [script("heal-facts.py"), kind, path, engine]);
    return text.split("\n").filter((line) => line !== "");
  }

  /** Until nothing is pending, and all bricks are alike. What differs when that takes too long. */
  async waitHealed(milliseconds = HEAL_MS_MAX): Promise<string[]> {
    const deadline = Date.now() + milliseconds;
    for (let second = 0; ; second++) {
      // Disperse looks by itself once a minute at most.
      if (second % ASK_EVERY === 0) await this.#ask(HEAL_INDEX);
      await delay(1000);
      const isPending = this.bricks.some((brick) => indexed(brick.path));
      if (isPending && Date.now() < deadline) continue;
      const differences = await this.differences();
      if (differences.length === 0 || Date.now() >= deadline) return differences;
    }
  }

  async differences(): Promise<string[]> {
    const all = await Promise.all([...this.bricks.keys()].map((index) => this.facts(index)));
    const found: string[] = [];
    for (const [index, lines] of all.entries()) {
      for (const line of lines) {
        if (line.startsWith("!")) found.push(`brick ${index} ${line}`);
      }
    }
    const base = new Set(all[0]);
    for (const [index, lines] of all.entries()) {
      const isArbiter = this.kind === "arbiter" && index === BRICKS - 1;
      const comparable = isArbiter ? new Set(all[0]!.map(withoutData)) : base;
      const own = new Set(lines);
      for (const line of comparable) {
        if (!line.startsWith("!") && !own.has(line)) found.push(`brick ${index} lacks ${line}`);
      }
      for (const line of own) {
        if (!line.startsWith("!") && !comparable.has(line)) found.push(`brick ${index} only: ${line}`);
      }
    }
    // Both sides of a difference beside each other.
    return found.toSorted((a, b) => key(a).localeCompare(key(b))).slice(0, DIFFERENCES_MAX);
  }

  /** Lines of a log that tell of a split brain. */
  splitBrains(): string[] {
    return ["client.log", "shd.log"].flatMap((name) =>
      this.log(name).split("\n").filter((line) => / E .*split.brain/i.test(line))).slice(0, 5);
  }

  log(name: string): string {
    return existsSync(this.file(name)) ? readFileSync(this.file(name), "utf8") : "";
  }

  async remove(): Promise<void> {
    await this.unmount().catch(() => undefined);
    await end(this.#daemon);
    for (const [index, brick] of this.bricks.entries()) {
      this.signal(index, "SIGCONT");
      await this.kill(index);
      await run("ip", ["netns", "del", brick.namespace]).catch(() => undefined);
    }
    await run("umount", [this.file("xfs")]).catch(() =>
      run("umount", ["-l", this.file("xfs")]).catch(() => undefined));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The path that a difference is about. */
function key(difference: string): string {
  return difference.replace(/^brick \d (lacks|only:) /, "");
}

/** A line of a whole brick as an arbiter has it. */
function withoutData(line: string): string {
  return line.replace(/; size \d+; [0-9a-f]{64}$/, "");
}

/** Something is pending, or a name may differ. */
function indexed(brick: string): boolean {
  return ["xattrop", "dirty"].some((kind) =>
    readdirSync(join(brick, ".glusterfs", "indices", kind))
      .some((name) => !name.startsWith(`${kind}-`)));
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** The load of heal-load.py: what it says when it is done. Rejects when a call failed. */
export function healLoad(
  volume: HealVolume, seconds: number, processes: number, seed: number,
): Promise<string> {
  return run("python3", [
    script("heal-load.py"), volume.mountPoint, String(seconds), String(processes), String(seed),
    volume.file("model"),
  ], seconds * 3 + 120);
}

export function healVerify(volume: HealVolume): Promise<string> {
  return run("python3", [
    script("heal-load.py"), "--verify", volume.mountPoint, volume.file("model"),
  ], 300);
}

export async function withHealVolume(
  kind: HealKind, engines: readonly Engine[], body: (volume: HealVolume) => Promise<void>,
): Promise<void> {
  const volume = new HealVolume(kind, engines);
  try {
    await volume.prepare();
    await volume.startAll();
    await volume.startDaemon();
    await volume.mount();
    await body(volume);
  } finally {
    await volume.remove();
  }
}
