/** Between documents and the store: keys, reading all of it, and the effect of a transaction. */
import type { ClusterClockDocument } from "./nodes/cluster-clock.ts";
import type { ScheduleDocument } from "./schedules/schedule-document.ts";
import {
  type Change,
  type ClusterConfigDocument,
  type ClusterState,
  type IntentDocument,
  type NodeDocument,
  SCHEMA,
  type SnapshotConfigDocument,
  type SnapshotDocument,
  type StoredDocument,
  type Versioned,
  type VolumeDocument,
} from "./state.ts";
import type { BookmarkDocument } from "./transfer/bookmark-document.ts";
import type { ReceiveDocument } from "./transfer/transfer-document.ts";

export const keyOf = {
  node: (uuid: string) => `node/${uuid}`,
  volume: (name: string) => `volume/${name}`,
  snapshot: (name: string) => `snapshot/${name}`,
  intent: (id: string) => `intent/${id}`,
  snapshotConfig: "config/snapshot",
  clusterConfig: "config/cluster",
  schedule: (name: string) => `schedule/${name}`,
  clusterClock: "config/clock",
  receive: (volume: string) => `receive/${volume}`,
  bookmark: (name: string) => `bookmark/${name}`,
} as const;

export interface StoredEntry {
  readonly key: string;
  readonly document: unknown;
  readonly revision: number;
}

export type StateErrorCode = "unknown-schema" | "unknown-key";

export class StateError extends Error {
  override readonly name = "StateError";
  readonly code: StateErrorCode;
  constructor(code: StateErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export function emptyState(self: string): ClusterState {
  return {
    self,
    nodes: new Map(),
    volumes: new Map(),
    snapshots: new Map(),
    intents: new Map(),
    schedules: new Map(),
    receives: new Map(),
    bookmarks: new Map(),
  };
}

/** Throws `StateError` at a key or a schema that this version does not know. */
export function stateOf(self: string, entries: Iterable<StoredEntry>): ClusterState {
  const draft = new Draft(emptyState(self));
  for (const { key, document, revision } of entries) {
    refuseOtherSchema(key, document);
    draft.put(key, document as StoredDocument, revision);
  }
  return draft.state;
}

function refuseOtherSchema(key: string, document: unknown): void {
  const schema = (document as { schema?: unknown } | null)?.schema;
  if (schema === SCHEMA) return;
  throw new StateError(
    "unknown-schema",
    `The document ${key} has schema ${String(schema)}, this version reads ${SCHEMA}. ` +
      "It was written by another version of Mortar: start that one, or upgrade.",
  );
}

/** The state after a transaction that was committed with this revision. */
export function applyChanges(
  state: ClusterState,
  changes: readonly Change[],
  revision: number,
): ClusterState {
  const draft = new Draft(state);
  for (const change of changes) {
    if ("put" in change) draft.put(change.key, change.put, revision);
    else draft.delete(change.key);
  }
  return draft.state;
}

/** One change as watchers of the store are told of it; without `value` the key is gone. */
export interface ToldChange {
  readonly key: string;
  readonly value?: object;
}

/** The state after a transaction that somebody else committed. Throws `StateError`. */
export function applyTold(
  state: ClusterState,
  changes: readonly ToldChange[],
  revision: number,
): ClusterState {
  const draft = new Draft(state);
  for (const { key, value } of changes) {
    if (value === undefined) {
      draft.delete(key);
      continue;
    }
    refuseOtherSchema(key, value);
    draft.put(key, value as StoredDocument, revision);
  }
  return draft.state;
}

/** The highest revision of any document; 0 of none. */
export function newestRevision(state: ClusterState): number {
  const singles = [state.snapshotConfig, state.clusterConfig, state.clusterClock];
  let newest = Math.max(...singles.map((it) => it?.revision ?? 0));
  const { nodes, volumes, snapshots, intents, schedules, receives, bookmarks } = state;
  for (const map of [nodes, volumes, snapshots, intents, schedules, receives, bookmarks]) {
    for (const { revision } of map.values()) newest = Math.max(newest, revision);
  }
  return newest;
}

type Maps =
  "nodes" | "volumes" | "snapshots" | "intents" | "schedules" | "receives" | "bookmarks";

const mapOfPrefix: Readonly<Record<string, Maps>> = {
  node: "nodes",
  volume: "volumes",
  snapshot: "snapshots",
  intent: "intents",
  schedule: "schedules",
  receive: "receives",
  bookmark: "bookmarks",
};

/** Copies each map at its first change; what is handed out before stays as it was. */
class Draft {
  #state: ClusterState;
  readonly #copied = new Set<Maps>();

  constructor(state: ClusterState) {
    this.#state = state;
  }

  get state(): ClusterState {
    return this.#state;
  }

  put(key: string, document: StoredDocument, revision: number): void {
    if (key === keyOf.snapshotConfig) {
      const value = { document: document as SnapshotConfigDocument, revision };
      this.#state = { ...this.#state, snapshotConfig: value };
    } else if (key === keyOf.clusterConfig) {
      const value = { document: document as ClusterConfigDocument, revision };
      this.#state = { ...this.#state, clusterConfig: value };
    } else if (key === keyOf.clusterClock) {
      const value = { document: document as ClusterClockDocument, revision };
      this.#state = { ...this.#state, clusterClock: value };
    } else {
      const { map, name } = this.#mapOf(key);
      map.set(name, { document, revision });
    }
  }

  delete(key: string): void {
    if (key === keyOf.snapshotConfig) {
      const { snapshotConfig: _gone, ...rest } = this.#state;
      this.#state = rest;
    } else if (key === keyOf.clusterConfig) {
      const { clusterConfig: _gone, ...rest } = this.#state;
      this.#state = rest;
    } else if (key === keyOf.clusterClock) {
      const { clusterClock: _gone, ...rest } = this.#state;
      this.#state = rest;
    } else {
      const { map, name } = this.#mapOf(key);
      map.delete(name);
    }
  }

  #mapOf(key: string): { map: Map<string, Versioned<StoredDocument>>; name: string } {
    const slash = key.indexOf("/");
    const which = mapOfPrefix[key.slice(0, slash)];
    if (which === undefined) {
      throw new StateError("unknown-key", `The store has a key ${key} that is not Mortar's.`);
    }
    if (!this.#copied.has(which)) {
      this.#copied.add(which);
      this.#state = { ...this.#state, [which]: new Map<string, unknown>(this.#state[which]) };
    }
    const map = this.#state[which] as Map<string, Versioned<StoredDocument>>;
    return { map, name: key.slice(slash + 1) };
  }
}

/** Changes that name the revision the state has. */
export const changeOf = {
  volume(state: ClusterState, volume: VolumeDocument): Change {
    return put(keyOf.volume(volume.name), state.volumes.get(volume.name), volume);
  },
  volumeGone(state: ClusterState, name: string): Change {
    return gone(keyOf.volume(name), state.volumes.get(name));
  },
  snapshot(state: ClusterState, snapshot: SnapshotDocument): Change {
    return put(keyOf.snapshot(snapshot.name), state.snapshots.get(snapshot.name), snapshot);
  },
  snapshotGone(state: ClusterState, name: string): Change {
    return gone(keyOf.snapshot(name), state.snapshots.get(name));
  },
  node(state: ClusterState, node: NodeDocument): Change {
    return put(keyOf.node(node.uuid), state.nodes.get(node.uuid), node);
  },
  nodeGone(state: ClusterState, uuid: string): Change {
    return gone(keyOf.node(uuid), state.nodes.get(uuid));
  },
  intent(state: ClusterState, intent: IntentDocument): Change {
    return put(keyOf.intent(intent.id), state.intents.get(intent.id), intent);
  },
  intentGone(state: ClusterState, id: string): Change {
    return gone(keyOf.intent(id), state.intents.get(id));
  },
  snapshotConfig(state: ClusterState, config: SnapshotConfigDocument): Change {
    return put(keyOf.snapshotConfig, state.snapshotConfig, config);
  },
  clusterConfig(state: ClusterState, config: ClusterConfigDocument): Change {
    return put(keyOf.clusterConfig, state.clusterConfig, config);
  },
  schedule(state: ClusterState, schedule: ScheduleDocument): Change {
    return put(keyOf.schedule(schedule.name), state.schedules.get(schedule.name), schedule);
  },
  scheduleGone(state: ClusterState, name: string): Change {
    return gone(keyOf.schedule(name), state.schedules.get(name));
  },
  receive(state: ClusterState, receive: ReceiveDocument): Change {
    return put(keyOf.receive(receive.volume), state.receives.get(receive.volume), receive);
  },
  receiveGone(state: ClusterState, volume: string): Change {
    return gone(keyOf.receive(volume), state.receives.get(volume));
  },
  bookmark(state: ClusterState, bookmark: BookmarkDocument): Change {
    return put(keyOf.bookmark(bookmark.name), state.bookmarks.get(bookmark.name), bookmark);
  },
  bookmarkGone(state: ClusterState, name: string): Change {
    return gone(keyOf.bookmark(name), state.bookmarks.get(name));
  },
  clusterClock(state: ClusterState, clock: ClusterClockDocument): Change {
    return put(keyOf.clusterClock, state.clusterClock, clock);
  },
} as const;

/** The revision that a key has now. */
export function revisionOf(state: ClusterState, key: string): number | "absent" {
  if (key === keyOf.snapshotConfig) return state.snapshotConfig?.revision ?? "absent";
  if (key === keyOf.clusterConfig) return state.clusterConfig?.revision ?? "absent";
  if (key === keyOf.clusterClock) return state.clusterClock?.revision ?? "absent";
  const slash = key.indexOf("/");
  const which = mapOfPrefix[key.slice(0, slash)];
  const entry = which === undefined ? undefined : state[which].get(key.slice(slash + 1));
  return entry?.revision ?? "absent";
}

function put(key: string, old: Versioned<unknown> | undefined, document: StoredDocument): Change {
  return { key, expected: old?.revision ?? "absent", put: document };
}

function gone(key: string, old: Versioned<unknown> | undefined): Change {
  return { key, expected: old?.revision ?? "absent", delete: true };
}
