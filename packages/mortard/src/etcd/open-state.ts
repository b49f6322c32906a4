/**
 * Opens the state of the cluster wherever this node has it.
 *
 * While the majority of etcd's members is away, it is the copy on this node's disk: everything is
 * as it was known last, and cannot be changed, until `LastKnown` ends (peers/pool.ts).
 */
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type EtcdStore, LastKnownStore, LmdbStore, StateCopy, StoreError } from "@mortar/store";
import { AUTHORITY_KEY, type AuthorityDocument } from "../cluster-keys.ts";
import type { Log } from "../log.ts";
import { prolongCertificate } from "../peers/authority.ts";
import type { NodeTls } from "../peers/node-tls.ts";
import { EtcdProcess } from "./etcd-process.ts";
import type { ExternalEtcd } from "./external-etcd.ts";
import { MembershipFile } from "./membership-file.ts";
import { type EtcdMembership, StateConnection } from "./state-connection.ts";
import { SwitchableStore } from "./switchable-store.ts";

export interface StatePlaces {
  readonly stateDirectory: string;
  readonly storeDirectory: string;
  readonly runDirectory: string;
  readonly logDirectory: string;
}

export interface OpenState {
  readonly store: SwitchableStore;
  readonly membership: MembershipFile;
  readonly etcd: EtcdProcess;
  readonly tls: NodeTls;
  readonly connection: StateConnection;
  /** Of what is in etcd. */
  readonly copy: StateCopy;
}

export interface OpenStateOptions {
  readonly places: StatePlaces;
  readonly tls: NodeTls;
  readonly etcdProgram: string;
  readonly external: ExternalEtcd | undefined;
  readonly log: Log;
}

const RETRY_MS = 500;
/** Members that start together have found each other by then. */
const PATIENCE_MS = 8_000;
const COMPLAIN_EVERY_MS = 30_000;
/** The embedded store as it was before the state moved to etcd. */
export const BEFORE_ETCD = "cluster.before-etcd";
/** The data of etcd as it was before the state moved back. */
export const BEFORE_EMBEDDED = "etcd.before-embedded";

export async function openState(options: OpenStateOptions): Promise<OpenState> {
  const { places, tls, etcdProgram, external, log } = options;
  const membership = new MembershipFile(places.stateDirectory);
  const etcd = new EtcdProcess({ ...places, tls: tls.files, program: etcdProgram, log });
  const copy = openCopy(join(places.stateDirectory, "cluster.copy"), log);
  const connection = new StateConnection(tls, external);
  const parts = { membership, etcd, tls, connection, copy };
  const now = membership.membership;
  if (now.kind === "embedded") {
    // What a move that was interrupted before its commit point has left.
    await etcd.end(BEFORE_EMBEDDED);
    await copy.clear();
    return { ...parts, store: new SwitchableStore(LmdbStore.open(places.storeDirectory)) };
  }
  putEmbeddedAside(places);
  await renewFromCopy(copy, tls);
  // What a recovery that was interrupted before its commit point has left.
  if (etcd.spec !== undefined && etcd.spec.token !== now.cluster) await etcd.end(undefined);
  etcd.resume();
  const body = await openEtcd(now, parts, log);
  const store = new SwitchableStore(body);
  if (!store.isLastKnown) void copy.follow(store, now.cluster);
  return { ...parts, store };
}

/** The embedded store does not count any more. */
export function putEmbeddedAside({ stateDirectory, storeDirectory }: StatePlaces): void {
  if (!existsSync(storeDirectory)) return;
  const target = join(stateDirectory, BEFORE_ETCD);
  rmSync(target, { recursive: true, force: true });
  renameSync(storeDirectory, target);
}

/** One that cannot be read is made anew: what it is a copy of is elsewhere. */
function openCopy(directory: string, log: Log): StateCopy {
  const onFailure = (error: Error): void =>
    log.error({ err: error }, "the copy of the cluster's state on this node is behind");
  try {
    return StateCopy.open(directory, onFailure);
  } catch (error) {
    log.error({ err: error }, "the copy of the cluster's state is made anew");
    rmSync(directory, { recursive: true, force: true });
    return StateCopy.open(directory, onFailure);
  }
}

/** A node that was away until its certificate was over would be let in by nobody. */
async function renewFromCopy(copy: StateCopy, tls: NodeTls): Promise<void> {
  const entry = await copy.get(AUTHORITY_KEY);
  if (entry === undefined || tls.isValid) return;
  const { certificate, key } = entry.value as AuthorityDocument;
  if (certificate === tls.material.authority) await prolongCertificate(tls, { certificate, key });
}

async function openEtcd(
  membership: EtcdMembership, { connection, copy }: Pick<OpenState, "connection" | "copy">, log: Log,
): Promise<EtcdStore | LastKnownStore> {
  const startMs = performance.now();
  let complainAtMs = startMs + PATIENCE_MS;
  for (;;) {
    try {
      return await connection.open(membership);
    } catch (error) {
      if (!isAway(error)) throw error;
      const nowMs = performance.now();
      if (nowMs >= complainAtMs) {
        complainAtMs = nowMs + COMPLAIN_EVERY_MS;
        const known = await lastKnown(copy, membership.cluster);
        const { endpoints } = membership;
        log.error({ endpoints, err: error }, "the majority of the cluster's state is away");
        known?.notReached((error as Error).message);
        if (known !== undefined) return known;
      }
      await sleep(RETRY_MS);
    }
  }
}

/** Whether it may be there later. */
export function isAway(error: unknown): boolean {
  return error instanceof StoreError && error.code === "unavailable";
}

async function lastKnown(copy: StateCopy, cluster: string): Promise<LastKnownStore | undefined> {
  const mark = await copy.mark();
  return mark?.cluster === cluster ? new LastKnownStore(copy, mark.atMs) : undefined;
}
