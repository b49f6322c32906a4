/** Real etcd members for tests, on loopback addresses and tmpfs, without TLS. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type EtcdAddress, EtcdClient } from "./etcd-client.ts";

const PROGRAM = ["/usr/bin/etcd", "/usr/local/bin/etcd"].find((it) => existsSync(it));

/** For `skip` of a test: false where etcd is installed. */
export const withoutEtcd: string | false =
  PROGRAM === undefined ? "etcd is not installed (apt-get install etcd-server)" : false;

let clusters = 0;

export class EtcdCluster {
  readonly endpoints: readonly string[];
  readonly #directory = mkdtempSync(`/dev/shm/mortar-etcd-${process.pid}-`);
  readonly #processes: (ChildProcess | undefined)[] = [];
  readonly #addresses: readonly string[];

  /** Starts nothing yet. */
  constructor(members: number) {
    const cluster = ++clusters;
    const net = `127.${90 + (process.pid % 100)}.${(process.pid >> 7) & 0xff}`;
    this.#addresses = Array.from({ length: members }, (_, n) => `${net}.${cluster * 8 + n + 1}`);
    this.endpoints = this.#addresses.map((address) => `http://${address}:2379`);
  }

  static async start(members: number): Promise<EtcdCluster> {
    const cluster = new EtcdCluster(members);
    await Promise.all(cluster.endpoints.map((_, n) => cluster.startMember(n)));
    return cluster;
  }

  /** Starts a member, also after it was killed, and waits until it answers with a leader. */
  async startMember(index: number, login?: EtcdAddress["login"]): Promise<void> {
    const address = this.#addresses[index]!;
    const peer = (it: string): string => `http://${it}:2380`;
    const all = this.#addresses.map((it, n) => `m${n}=${peer(it)}`).join(",");
    const client = `http://${address}:2379`;
    this.#processes[index] = spawn(PROGRAM!, [
      "--name", `m${index}`, "--data-dir", join(this.#directory, `m${index}`),
      "--listen-client-urls", client, "--advertise-client-urls", client,
      "--listen-peer-urls", peer(address), "--initial-advertise-peer-urls", peer(address),
      "--initial-cluster", all, "--initial-cluster-token", this.#directory,
      "--heartbeat-interval", "50", "--election-timeout", "500", "--log-level", "error",
      "--max-request-bytes", String(8 * 1024 * 1024),
    ], { stdio: "ignore" });
    const asks = new EtcdClient({ endpoints: [client], ...(login === undefined ? {} : { login }) });
    for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 50) {
      try {
        await asks.call("/v3/kv/range", { key: "AA==" }, "repeatable", { timeoutMs: 1000 });
        return;
      } catch {
        await sleep(50);
      }
    }
    throw new Error(`etcd ${client} does not answer`);
  }

  signal(index: number, name: NodeJS.Signals): void {
    this.#processes[index]?.kill(name);
  }

  async kill(index: number): Promise<void> {
    const child = this.#processes[index];
    this.#processes[index] = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#processes.map((_, n) => this.kill(n)));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
