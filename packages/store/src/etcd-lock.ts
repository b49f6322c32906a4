/**
 * A lock kept in etcd: a key with a lease, made by its lock service, in the order of asking.
 *
 * The lease is renewed every third of its time. When that has not succeeded for the whole of it,
 * counted from before the last renewal was sent, the lock is taken for lost: by etcd's clock it is
 * lost later, never earlier.
 */
import { type LockRequest, StoreError, type StoreLock } from "./cluster-store.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { base64, endOfPrefix } from "./etcd-mirror.ts";

const LEASE_S = 12;
const RENEW_MS = (LEASE_S * 1000) / 3;

interface KeyAnswer {
  readonly kvs?: readonly { readonly create_revision?: string; readonly value?: string }[];
}

export class EtcdLock implements StoreLock {
  readonly name: string;
  /** In etcd. */
  readonly key: string;
  readonly token: number;
  readonly #lease: Lease;

  private constructor(lease: Lease, name: string, key: string, token: number) {
    this.#lease = lease;
    this.name = name;
    this.key = key;
    this.token = token;
  }

  /** `path` is what its keys begin with, in etcd. */
  static async take(
    client: EtcdClient, path: string, name: string, { owner, waitMs }: LockRequest,
  ): Promise<EtcdLock> {
    const lease = await Lease.grant(client);
    try {
      const key = await client.call<{ key?: string }>(
        "/v3/lock/lock",
        { name: base64(path), lease: lease.id },
        "once",
        { timeoutMs: waitMs, signal: lease.lost },
      );
      const lock = Buffer.from(key.key ?? "", "base64").toString();
      const { kvs = [] } = await client.call<KeyAnswer>("/v3/kv/range", { key: key.key });
      const token = Number(kvs[0]?.create_revision ?? 0);
      if (!(token > 0)) throw new StoreError("unavailable", `The lock ${name} was lost at once.`);
      // Who holds it, for those who wait.
      await client.call("/v3/kv/txn", {
        compare: [{ key: key.key, target: "CREATE", result: "GREATER", create_revision: "0" }],
        success: [{ request_put: { key: key.key, value: base64(owner), ignore_lease: true } }],
      });
      return new EtcdLock(lease, name, lock, token);
    } catch (error) {
      await lease.revoke();
      throw (await heldBy(client, path, name)) ?? error;
    }
  }

  get lost(): AbortSignal {
    return this.#lease.lost;
  }

  lose(): void {
    this.#lease.lose();
  }

  async release(): Promise<void> {
    await this.#lease.revoke();
  }
}

/** The error that says who has the lock; undefined when nobody has, or nobody can be asked. */
async function heldBy(
  client: EtcdClient, path: string, name: string,
): Promise<StoreError | undefined> {
  const range = { key: base64(`${path}/`), range_end: base64(endOfPrefix(`${path}/`)) };
  const first = { ...range, limit: 1, sort_order: "ASCEND", sort_target: "CREATE" };
  try {
    const { kvs = [] } = await client.call<KeyAnswer>("/v3/kv/range", first);
    if (kvs.length === 0) return undefined;
    const owner = Buffer.from(kvs[0]?.value ?? "", "base64").toString() || "another node";
    return new StoreError("lock-timeout", `${owner} holds the lock ${name}.`);
  } catch {
    return undefined;
  }
}

class Lease {
  readonly id: string;
  readonly #client: EtcdClient;
  readonly #controller = new AbortController();
  /** By performance.now(), when it ends unless it is renewed. */
  #endsAtMs: number;
  #timer: NodeJS.Timeout | undefined;

  private constructor(client: EtcdClient, id: string, endsAtMs: number) {
    this.#client = client;
    this.id = id;
    this.#endsAtMs = endsAtMs;
    this.#schedule();
  }

  static async grant(client: EtcdClient): Promise<Lease> {
    const askedMs = performance.now();
    const { ID } = await client.call<{ ID?: string }>("/v3/lease/grant", { TTL: LEASE_S });
    if (ID === undefined) throw new StoreError("unavailable", "etcd gave no lease.");
    return new Lease(client, ID, askedMs + LEASE_S * 1000);
  }

  get lost(): AbortSignal {
    return this.#controller.signal;
  }

  lose(): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }

  /** What is not reached is left to its time limit. */
  async revoke(): Promise<void> {
    this.lose();
    await this.#client.call("/v3/lease/revoke", { ID: this.id }).catch(() => undefined);
  }

  #schedule(): void {
    const restMs = this.#endsAtMs - performance.now();
    if (restMs <= 0) return this.lose();
    this.#timer = setTimeout(() => void this.#renew(), Math.min(RENEW_MS, restMs));
    this.#timer.unref();
  }

  async #renew(): Promise<void> {
    const askedMs = performance.now();
    const timeoutMs = Math.max(1, Math.min(RENEW_MS, this.#endsAtMs - askedMs));
    try {
      const { result } = await this.#client.call<{ result?: { TTL?: string } }>(
        "/v3/lease/keepalive", { ID: this.id }, "repeatable", { timeoutMs });
      if (Number(result?.TTL ?? 0) <= 0) return this.lose();
      this.#endsAtMs = askedMs + LEASE_S * 1000;
    } catch {
      // Tried again until it has ended.
    }
    if (!this.#controller.signal.aborted) this.#schedule();
  }
}
