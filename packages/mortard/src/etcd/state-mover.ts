/**
 * Moves the state of the cluster: into etcd when the first other node comes, back when the last one
 * has gone, to another cluster's when this node joins or leaves, and into a new etcd from what this
 * node has when the majority of the former one is lost for good.
 *
 * Each move prepares everything, then renames membership.json, which is its commit point, then
 * exchanges the store under the running daemon. What is prepared and not committed is taken away at
 * the next start, or by the next attempt. The store that was left is put aside, not removed.
 */
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type ClusterStore, type EtcdStore, LmdbStore, StoreError } from "@mortar/store";
import { AUTHORITY_KEY, MEMBERS_KEY, type MembersDocument } from "../cluster-keys.ts";
import type { Log } from "../log.ts";
import { clearStore, copyStore, type Mapping } from "./copy-store.ts";
import { type EtcdSpec, urlOf } from "./etcd-process.ts";
import { embedded } from "./membership-file.ts";
import { newestKnown } from "./newest-known.ts";
import { BEFORE_EMBEDDED, type OpenState, putEmbeddedAside, type StatePlaces } from "./open-state.ts";
import type { EtcdMembership } from "./state-connection.ts";

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
  readonly external?: boolean;
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
    const { state, places } = this.#options;
    if (state.membership.membership.kind === "etcd") return;
    await state.etcd.end(undefined);
    await this.#found(state.store, place, ({ value }) => value);
    putEmbeddedAside(places);
  }

  /**
   * The majority of the members will never come back: a new cluster of etcd, of one member, with
   * what this node knows. Its data of the former one is put aside. May be repeated.
   */
  async recover(place: MemberPlace, mapping: Mapping): Promise<void> {
    const { state, places, log } = this.#options;
    const { membership } = state.membership;
    if (membership.kind !== "etcd") throw new Error("The state is not in etcd");
    const { cluster } = membership;
    const spec = this.#firstMember(place, cluster);
    const source = await newestKnown({ places, state, spec, cluster, log });
    await this.#found(source, place, mapping);
  }

  /** Nobody changes the state meanwhile. Does nothing when it is there already. */
  async toEmbedded(): Promise<void> {
    const { state, places, log } = this.#options;
    const { membership, etcd, store } = state;
    if (membership.membership.kind === "embedded") return;
    rmSync(places.storeDirectory, { recursive: true, force: true });
    const next = LmdbStore.open(places.storeDirectory);
    try {
      // The next cluster has an authority of its own.
      const count = await copyStore(store, next, ({ key, value }) =>
        (key === MEMBERS_KEY || key === AUTHORITY_KEY ? undefined : value));
      membership.write(embedded);
      log.info({ documents: count }, "the state is on this node alone now");
    } catch (error) {
      await next.close();
      throw error;
    }
    const former = await this.#exchange(next);
    if (state.connection.external !== undefined) await clearStore(former).catch(() => undefined);
    await etcd.end(BEFORE_EMBEDDED);
  }

  /** This node has nothing that counts; its certificate is the cluster's. */
  async join({ cluster, endpoints, external }: ClusterAddress): Promise<void> {
    const { state, places } = this.#options;
    const membership: EtcdMembership = {
      schema: 1, kind: "etcd", cluster, endpoints, ...(external === true ? { external } : {}),
    };
    const next = await state.connection.open(membership);
    await state.etcd.end(BEFORE_EMBEDDED);
    state.membership.write(membership);
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

  /** The majority is there, after this node was started without: what it has counts from now on. */
  async majorityIsBack(next: EtcdStore): Promise<void> {
    await this.#exchange(next);
  }

  /** A new cluster, which has what the source has. No member of etcd runs here. */
  async #found(
    source: Pick<ClusterStore, "list">, place: MemberPlace, mapping: Mapping,
  ): Promise<void> {
    const { membership, etcd, connection } = this.#options.state;
    const { external } = connection;
    const cluster = randomUUID();
    const isOurs = external === undefined;
    const endpoints = isOurs ? [urlOf(place.host, place.clientPort)] : external.endpoints;
    const founded: EtcdMembership = {
      schema: 1, kind: "etcd", cluster, endpoints, ...(isOurs ? {} : { external: true }),
    };
    if (isOurs) etcd.start(this.#firstMember(place, cluster));
    let next: EtcdStore | undefined;
    try {
      next = await this.#openNew(founded);
      const count = await copyStore(source, next, (entry) =>
        (entry.key === MEMBERS_KEY ? undefined : mapping(entry)));
      const put: MembersDocument = { schema: 1, cluster, endpoints };
      await next.transaction([{ key: MEMBERS_KEY, expected: "absent", put }]);
      membership.write(founded);
      this.#options.log.info({ cluster, documents: count }, "the state is in etcd now");
    } catch (error) {
      await next?.close();
      await etcd.end(undefined);
      throw error;
    }
    await this.#exchange(next);
  }

  #firstMember(place: MemberPlace, cluster: string): EtcdSpec {
    const { uuid } = this.#options;
    const initialCluster = `${uuid}=${urlOf(place.host, place.peerPort)}`;
    return { ...place, name: uuid, initialCluster, initialState: "new", token: cluster };
  }

  async #exchange(next: ClusterStore): Promise<ClusterStore> {
    const former = this.#options.state.store.exchange(next);
    await this.#options.exchanged();
    closeLater(former);
    return former;
  }

  async #openNew(founded: EtcdMembership): Promise<EtcdStore> {
    const deadline = performance.now() + ETCD_START_MS_MAX;
    for (;;) {
      try {
        return await this.#options.state.connection.openNew(founded);
      } catch (error) {
        const isOver = performance.now() > deadline;
        if (!(error instanceof StoreError) || isOver) throw this.#notStarted(error as Error);
        await sleep(RETRY_MS);
      }
    }
  }

  #notStarted(cause: Error): Error {
    const { etcd, connection } = this.#options.state;
    const nextStep = connection.external === undefined
      ? `Read ${etcd.logFile}`
      : "Look at `etcdCluster` in mortar.json";
    return new Error(`The new cluster has no etcd: ${cause.message} ${nextStep}`, { cause });
  }
}

/** A turn that is held is given back first: whoever has it releases it after the exchange. */
function closeLater(former: ClusterStore): void {
  setTimeout(() => void former.close().catch(() => undefined), 1_000).unref();
}
