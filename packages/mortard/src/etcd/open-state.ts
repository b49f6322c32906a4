/** Opens the state of the cluster wherever this node has it. */
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type EtcdAddress, EtcdStore, LmdbStore, StoreError } from "@mortar/store";
import type { Log } from "../log.ts";
import type { NodeTls } from "../peers/node-tls.ts";
import { EtcdProcess } from "./etcd-process.ts";
import { type Membership, MembershipFile } from "./membership-file.ts";
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
}

export interface OpenStateOptions {
  readonly places: StatePlaces;
  readonly tls: NodeTls;
  readonly etcdProgram: string;
  readonly log: Log;
}

const RETRY_MS = 1_000;
/** The embedded store as it was before the state moved to etcd. */
export const BEFORE_ETCD = "cluster.before-etcd";
/** The data of etcd as it was before the state moved back. */
export const BEFORE_EMBEDDED = "etcd.before-embedded";

/** Waits for a majority of the members, where the state is there. */
export async function openState(options: OpenStateOptions): Promise<OpenState> {
  const { places, tls, etcdProgram, log } = options;
  const membership = new MembershipFile(places.stateDirectory);
  const etcd = new EtcdProcess({ ...places, tls: tls.files, program: etcdProgram, log });
  const now = membership.membership;
  if (now.kind === "embedded") {
    // What a move that was interrupted before its commit point has left.
    await etcd.end(BEFORE_EMBEDDED);
    return { store: new SwitchableStore(LmdbStore.open(places.storeDirectory)), membership, etcd, tls };
  }
  putEmbeddedAside(places);
  etcd.resume();
  const store = new SwitchableStore(await openEtcd(now, tls, log));
  return { store, membership, etcd, tls };
}

/** The embedded store does not count any more. */
export function putEmbeddedAside({ stateDirectory, storeDirectory }: StatePlaces): void {
  if (!existsSync(storeDirectory)) return;
  const target = join(stateDirectory, BEFORE_ETCD);
  rmSync(target, { recursive: true, force: true });
  renameSync(storeDirectory, target);
}

export function etcdAddress(endpoints: readonly string[], tls: NodeTls): EtcdAddress {
  const { key, certificate, authority = "" } = tls.material;
  return { endpoints, tls: { ca: authority, certificate, key } };
}

async function openEtcd(
  membership: Extract<Membership, { kind: "etcd" }>, tls: NodeTls, log: Log,
): Promise<EtcdStore> {
  const { endpoints } = membership;
  for (let attempt = 0; ; attempt++) {
    try {
      return await EtcdStore.open(etcdAddress(endpoints, tls));
    } catch (error) {
      if (!(error instanceof StoreError && error.code === "unavailable")) throw error;
      if (attempt % 30 === 0) log.error({ endpoints, err: error }, "waiting for the cluster's state");
      await sleep(RETRY_MS);
    }
  }
}
