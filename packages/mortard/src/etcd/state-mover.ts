/**
 * Moves the state of the cluster: into etcd when the first other node comes, back when the last one
 * has gone, and to another cluster's when this node joins or leaves.
 *
 * Each move prepares everything, then renames membership.json, which is its commit point, then
 * exchanges the store under the running daemon. What is prepared and not committed is taken away at
 * the next start, or by the next attempt. The store that was left is put aside, not removed.
 */
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type ClusterStore, EtcdStore, LmdbStore, StoreError } from "@mortar/store";
import { MEMBERS_KEY, type MembersDocument } from "../cluster-keys.ts";
import type { Log } from "../log.ts";
import { copyStore } from "./copy-store.ts";
import { type EtcdSpec, urlOf } from "./etcd-process.ts";
import { embedded } from "./membership-file.ts";
import {
  BEFORE_EMBEDDED, etcdAddress, type OpenState, putEmbeddedAside, type StatePlaces,
} from "./open-state.ts";

export interface StateMoverOptions {
  readonly uuid: string;
  readonly places: StatePlaces;
  readonly state: OpenState;
  readonly log: Log;
  /** After the exchange: everything is read anew. */
  readonly exchanged: () => Promise<void>;
}

/** Where members of etcd listen, and what others connect to. */
export interface MemberPlace {
  readonly host: string;
  readonly listen: string;
  readonly clientPort: number;
  readonly peerPort: number;
}

export interface ClusterAddress {
  readonly cluster: string;
  readonly endpoints: readonly string[];
}

const ETCD_START_MS_MAX = 30_000;
const RETRY_MS = 100;

export class StateMover {
  readonly #options: StateMoverOptions;

  constructor(options: StateMoverOptions) {
    this.#options = options;
  }

  /** Nobody changes the state meanwhile. Does nothing when it is there already. */
  async toEtcd(place: MemberPlace): Promise<void> {
    const { uuid, state, places, log } = this.#options;
    const { membership, etcd, store } = state;
    if (membership.membership.kind === "etcd") return;
    await etcd.end(undefined);
    const cluster = randomUUID();
    const endpoints = [urlOf(place.host, place.clientPort)];
    etcd.start({
      ...place,
      name: uuid,
      initialCluster: `${uuid}=${urlOf(place.host, place.peerPort)}`,
      initialState: "new",
      token: cluster,
    } satisfies EtcdSpec);
    let next: EtcdStore | undefined;
    try {
      next = await this.#openNew(endpoints);
      const count = await copyStore(store, next, () => true);
      const put: MembersDocument = { schema: 1, cluster, endpoints };
      await next.transaction([{ key: MEMBERS_KEY, expected: "absent", put }]);
      membership.write({ schema: 1, kind: "etcd", cluster, endpoints });
      log.info({ cluster, documents: count }, "the state is in etcd now");
    } catch (error) {
      await next?.close();
      await etcd.end(undefined);
      throw error;
    }
    await this.#exchange(next);
    putEmbeddedAside(places);
  }

  /** Nobody changes the state meanwhile. Does nothing when it is there already. */
  async toEmbedded(): Promise<void> {
    const { state, places, log } = this.#options;
    const { membership, etcd, store } = state;
    if (membership.membership.kind === "embedded") return;
    rmSync(places.storeDirectory, { recursive: true, force: true });
    const next = LmdbStore.open(places.storeDirectory);
    try {
      const count = await copyStore(store, next, (key) => key !== MEMBERS_KEY);
      membership.write(embedded);
      log.info({ documents: count }, "the state is on this node alone now");
    } catch (error) {
      await next.close();
      throw error;
    }
    await this.#exchange(next);
    await etcd.end(BEFORE_EMBEDDED);
  }

  /** This node has nothing that counts; its certificate is the cluster's. */
  async join({ cluster, endpoints }: ClusterAddress): Promise<void> {
    const { state, places } = this.#options;
    const next = await EtcdStore.open(etcdAddress(endpoints, state.tls));
    await state.etcd.end(BEFORE_EMBEDDED);
    state.membership.write({ schema: 1, kind: "etcd", cluster, endpoints });
    await this.#exchange(next);
    putEmbeddedAside(places);
  }

  /** This node was taken out: it begins anew, with nothing. */
  async leave(): Promise<void> {
    const { state, places, log } = this.#options;
    rmSync(places.storeDirectory, { recursive: true, force: true });
    const next = LmdbStore.open(places.storeDirectory);
    state.membership.write(embedded);
    // Before anybody is told: whoever probes this node from now on is to see its next certificate.
    await state.tls.forget();
    await this.#exchange(next);
    await state.etcd.end(BEFORE_EMBEDDED);
    log.info({}, "this node is in no cluster any more");
  }

  /** The same state, with the certificate that this node has now. */
  async reconnect(): Promise<void> {
    const { state } = this.#options;
    const { membership } = state.membership;
    if (membership.kind !== "etcd") return;
    const next = await EtcdStore.open(etcdAddress(membership.endpoints, state.tls));
    closeLater(state.store.exchange(next));
  }

  async #exchange(next: ClusterStore): Promise<void> {
    const former = this.#options.state.store.exchange(next);
    await this.#options.exchanged();
    closeLater(former);
  }

  async #openNew(endpoints: readonly string[]): Promise<EtcdStore> {
    const deadline = performance.now() + ETCD_START_MS_MAX;
    for (;;) {
      try {
        return await EtcdStore.open(etcdAddress(endpoints, this.#options.state.tls));
      } catch (error) {
        const isOver = performance.now() > deadline;
        if (!(error instanceof StoreError) || isOver) throw this.#notStarted(error as Error);
        await sleep(RETRY_MS);
      }
    }
  }

  #notStarted(cause: Error): Error {
    const { etcd } = this.#options.state;
    return new Error(`etcd does not start: ${cause.message} Read ${etcd.logFile}`, { cause });
  }
}

/** A turn that is held is given back first: whoever has it releases it after the exchange. */
function closeLater(former: ClusterStore): void {
  setTimeout(() => void former.close().catch(() => undefined), 1_000).unref();
}
