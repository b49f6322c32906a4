/** What the coordinator of commands is given: the store, and the nodes to perform its effects. */
import {
  type ClusterState,
  EffectError,
  type Host,
  type NodeEffect,
  type SingleEffect,
  stateOf,
  type Turn,
} from "@mortar/cluster";
import { type ClusterStore, StoreError, type StoreLock } from "@mortar/store";
import { type LocalPerformerOptions, performLocal } from "./effects/local-performer.ts";
import { isClusterKey } from "./cluster-keys.ts";

export interface CoordinatorHostOptions extends LocalPerformerOptions {
  readonly uuid: string;
  /** Host name of this node: who has the turn, and for errors. */
  readonly host: string;
  readonly store: ClusterStore;
  /** How long a command waits for its turn. */
  readonly waitMs: number;
  /** This node has a turn: effects of all turns before are over. */
  readonly onTurn: (token: number) => void;
  /** Performs an effect on the node that it names; rejects with `EffectError`. */
  readonly perform: (effect: NodeEffect, token: number | undefined) => Promise<unknown>;
}

interface LockedTurn extends Turn {
  readonly lock: StoreLock;
}

const TURN = "turn";

export function hostOf(options: CoordinatorHostOptions): Host {
  const { uuid, store, perform } = options;
  return {
    load: async (): Promise<ClusterState> => {
      const entries = await store.list("");
      const documents = entries.filter(({ key }) => isClusterKey(key));
      return stateOf(uuid, documents.map(({ key, value, revision }) => ({
        key,
        document: value,
        revision,
      })));
    },
    catchUp: async () => {
      await store.get(`node/${uuid}`);
    },
    turn: async () => await takeTurn(options),
    commit: async (changes, turn) => await store.transaction(changes, (turn as LockedTurn).lock),
    perform: async (effect, token) =>
      isNodeEffect(effect) ? await perform(effect, token) : await performLocal(effect, options),
  };
}

async function takeTurn({ store, host, waitMs, onTurn }: CoordinatorHostOptions): Promise<LockedTurn> {
  try {
    const lock = await store.lock(TURN, { owner: host, waitMs });
    onTurn(lock.token);
    const isLost = (): boolean => lock.lost.aborted;
    return { lock, token: lock.token, isLost, release: () => lock.release() };
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause;
    const where = { node: host, object: "state", cause };
    if (cause.code !== "lock-timeout") throw new EffectError("store", cause.message, where);
    throw new EffectError("busy", cause.message, {
      ...where,
      nextStep: "Repeat the command when the other one has ended",
    });
  }
}

function isNodeEffect(effect: SingleEffect): effect is NodeEffect {
  return "node" in effect;
}
