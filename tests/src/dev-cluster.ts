/** Three nodes or four on this machine, made by `mortar dev` in a scratch directory, for tests. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Background, endProcess, LiveNode, type Ran, until } from "./live-node.ts";

export type NodeNumber = 1 | 2 | 3 | 4;
/** Those that volumes have bricks on. */
export const nodeNumbers = [1, 2, 3] as const satisfies readonly NodeNumber[];

/** Why tests with a cluster do not run here, or false. */
export const skipCluster = existsSync("/usr/bin/etcd")
  ? false : "etcd is not installed (apt-get install etcd-server)";

const WRITER = new URL("./verified-writer.js", import.meta.url).pathname;

export class DevCluster {
  readonly live = new LiveNode();
  readonly root = join(this.live.directory, "dev");
  readonly hosts: readonly string[];
  /** What names of volume groups begin with; the number of the node follows. */
  readonly group: string;

  /** `letter` tells the groups of several tests apart. */
  constructor(letter: string) {
    const network = `127.${150 + (process.pid % 50)}.${(process.pid >> 6) & 255}`;
    this.hosts = [1, 2, 3, 4].map((number) => `${network}.${number}`);
    this.group = `${letter}${(process.pid % 36 ** 4).toString(36)}n`;
  }

  async make(nodes: 3 | 4 = 3): Promise<void> {
    const network = this.hosts[0]!.replace(/\.1$/, "");
    const words = `--nodes ${nodes} --root ${this.root} --network ${network} --group ${this.group}`;
    await this.live.ok(`mortar dev ${words}`, { seconds: 400 });
  }

  async close(): Promise<void> {
    if (existsSync(this.root)) {
      for (const { point } of this.live.glusterMounts()) await this.live.run(`umount ${point}`);
      await this.live.run(`mortar dev --stop --root ${this.root}`, { seconds: 150 })
        .catch(() => undefined);
    }
    await this.live.close();
  }

  run(number: NodeNumber, line: string, seconds = 120): Promise<Ran> {
    return this.live.run(`export MORTAR_ROOT=${this.root}/n${number}; ${line}`, { seconds });
  }

  async ok(number: NodeNumber, line: string, seconds = 120): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(number, line, seconds);
    assert.equal(exitCode, 0, `${line}\n${stdout}${stderr}`);
    return stdout;
  }

  brick(number: NodeNumber, name: string): string {
    return `${this.root}/b${number}/${name}`;
  }

  /** `sets` bricks on each node, `NAME-0` on; started, and mounted at NAME. */
  async volume(name: string, layout: string, sets = 1): Promise<void> {
    const bricks = Array.from({ length: sets }, (_, set) =>
      nodeNumbers.map((it) => `${this.hosts[it - 1]}:${this.brick(it, `${name}-${set}`)}`)).flat();
    await this.ok(1, `gluster --mode=script volume create ${name} ${layout} ${bricks.join(" ")}`);
    await this.ok(1, `gluster volume start ${name} && mkdir ${name}`);
    const log = `-o log-file=${this.live.directory}/${name}.log`;
    await this.ok(1, `mount -t glusterfs ${log} ${this.hosts[0]}:/${name} ${name}`);
  }

  /** A verified load below the volume's mount, until `endLoad`. */
  load(name: string, seed: number): Background {
    return this.live.start(
      `mkdir -p ${name}/load-${seed} && exec node ${WRITER} ${name}/load-${seed} ${seed}`, { seconds: 900 },
    );
  }

  /** Gives how many operations there were. */
  async endLoad(load: Background): Promise<number> {
    assert.ok(load.isRunning(), "the load runs");
    for (const pid of childrenOf(load.pid)) process.kill(pid, "SIGTERM");
    const { exitCode, stdout, stderr } = await load.ended;
    assert.equal(exitCode, 0, `the load had an error: ${stdout}${stderr}`);
    const operations = Number(/^operations (\d+) /m.exec(stdout)?.[1]);
    assert.ok(operations > 0, "something was done");
    return operations;
  }

  /** Each process of the node but those of its disk: those would take the brick's bytes along. */
  processes(number: NodeNumber): number[] {
    const own = new RegExp(`${this.root}/n${number}(?:[/\\0]|$)`);
    return pids().filter((pid) => {
      const words = wordsOf(pid);
      return own.test(words) && !words.includes("/pools/") && !words.startsWith("timeout");
    });
  }

  /** As when its machine stops. */
  async kill(number: NodeNumber): Promise<void> {
    // The daemon first, and again what it or another has started meanwhile.
    endProcess(this.mortard(number));
    for (let looks = 0; looks < 3; looks += 1) {
      for (const pid of this.processes(number)) endProcess(pid);
      await until("they are gone", () => this.processes(number).length === 0);
    }
  }

  mortard(number: NodeNumber): number {
    return Number(readFileSync(`${this.root}/n${number}/run/mortar/mortard.pid`, "latin1"));
  }

  /** The command line of a process, its words parted by NUL. */
  wordsOf(pid: number): string {
    return wordsOf(pid);
  }

  /** By brick path, or name of a daemon. */
  servers(number: NodeNumber): Map<string, number> {
    const directory = `${this.root}/n${number}/run/mortar/bricks`;
    const found = readdirSync(directory).filter((it) => /^[0-9a-f]{16}\.json$/.test(it));
    return new Map(found.map((file) => {
      const { spec } = JSON.parse(readFileSync(join(directory, file), "utf8")) as {
        spec: { path: string };
      };
      return [spec.path, Number(readFileSync(join(directory, file.replace("json", "pid")), "latin1"))];
    }));
  }

  /** Waits until no brick of the volume is away, and none has anything to be healed. */
  async healed(name: string, from: NodeNumber = 1, seconds = 180): Promise<void> {
    let last = "";
    await until(`${name} is healed`, async () => {
      last = (await this.run(from, `gluster volume heal ${name} info summary`)).stdout;
      const counts = [...last.matchAll(/^Number of entries in (?:heal pending|split-brain): (.+)$/gm)];
      const isHealed = counts.length > 0 && counts.every((it) => it[1] === "0");
      // A daemon looks by itself every ten minutes only; it refuses while a brick is away.
      if (!isHealed) await this.run(from, `gluster volume heal ${name}`);
      return isHealed;
    }, seconds).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}\n${last}`);
    });
  }
}

function pids(): number[] {
  return readdirSync("/proc").map(Number).filter((it) => Number.isInteger(it));
}

function wordsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}

function childrenOf(pid: number): number[] {
  return pids().filter((it) => {
    try {
      const [, after = ""] = readFileSync(`/proc/${it}/stat`, "latin1").split(") ");
      return Number(after.split(" ")[1]) === pid;
    } catch {
      return false;
    }
  });
}
