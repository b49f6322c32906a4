/**
 * What this node knows of a cluster whose majority is lost: the data of its own member, or the copy
 * on its disk, whichever is newer. A node without a member has the copy alone; a member heard on
 * while mortard was not running.
 *
 * The data of the member is put aside as `etcd.of-CLUSTER` and read there, by an etcd that takes it
 * for a cluster of one. It stays, to be looked at.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterStore, EtcdStore, StoreEntry } from "@mortar/store";
import type { Log } from "../log.ts";
import { type EtcdSpec, etcdEnvironment, urlOf, wordsOf } from "./etcd-process.ts";
import type { OpenState, StatePlaces } from "./open-state.ts";

export interface NewestKnownOptions {
  readonly places: StatePlaces;
  readonly state: OpenState;
  /** How this node's member is started, alone. */
  readonly spec: EtcdSpec;
  readonly cluster: string;
  readonly log: Log;
}

interface Known {
  readonly entries: readonly StoreEntry[];
  readonly revision: number;
}

const START_MS_MAX = 30_000;
const RETRY_MS = 200;

/** Ends this node's member of etcd. Throws when nothing is known. */
export async function newestKnown(options: NewestKnownOptions): Promise<Pick<ClusterStore, "list">> {
  const { state, cluster, log } = options;
  const mark = await state.copy.mark();
  const copy: Known | undefined = mark?.cluster === cluster
    ? { entries: await state.copy.list(""), revision: mark.revision }
    : undefined;
  const member = await ofMember(options).catch((error: unknown) => {
    log.error({ err: error }, "the data of this node's member of etcd cannot be read");
    return undefined;
  });
  const isMember = member !== undefined && member.revision >= (copy?.revision ?? 0);
  const newest = isMember ? member : copy;
  if (newest === undefined) {
    throw new Error("This node has no copy of the state, and no member of etcd that has one.");
  }
  const revisions = { member: member?.revision, copy: copy?.revision };
  log.warn({ ...revisions, documents: newest.entries.length }, "the state is recovered");
  return { list: async () => newest.entries };
}

async function ofMember({ places, state, spec, cluster }: NewestKnownOptions): Promise<Known | undefined> {
  const { etcd } = state;
  const archive = `etcd.of-${cluster}`;
  const directory = join(places.stateDirectory, archive);
  // After an attempt that was interrupted, what runs here now is a half-made new one.
  await etcd.end(existsSync(directory) ? undefined : archive);
  if (!existsSync(directory)) return undefined;
  const child = spawn(
    etcd.program,
    [...wordsOf(spec, directory, state.tls.files), "--force-new-cluster"],
    { cwd: "/", stdio: "ignore", env: etcdEnvironment() },
  );
  const ended = once(child, "exit").catch(() => undefined);
  try {
    return await read(state, spec, cluster);
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}

async function read({ connection }: OpenState, spec: EtcdSpec, cluster: string): Promise<Known> {
  const endpoints = [urlOf(spec.host, spec.clientPort)];
  const deadline = performance.now() + START_MS_MAX;
  for (;;) {
    let store: EtcdStore | undefined;
    try {
      store = await connection.open({ schema: 1, kind: "etcd", cluster, endpoints });
      return { entries: await store.list(""), revision: store.revision };
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(RETRY_MS);
    } finally {
      await store?.close();
    }
  }
}
