/** What the coordinator of commands is given: the store, and this node to perform its effects. */
import {
  type ClusterState,
  type Host,
  type NodeEffect,
  type SingleEffect,
  stateOf,
} from "@mortar/cluster";
import type { ClusterStore } from "@mortar/store";
import type { OwnNames } from "./effects/host-name.ts";
import { performLocal } from "./effects/local-performer.ts";
import type { NodePerformer } from "./effects/node-performer.ts";
import type { Log } from "./log.ts";

export interface CoordinatorHostOptions {
  readonly uuid: string;
  readonly store: ClusterStore;
  readonly performer: NodePerformer;
  readonly names: OwnNames;
  readonly log: Log;
  readonly volfileChanged: () => void;
}

export function hostOf(options: CoordinatorHostOptions): Host {
  const { uuid, store, performer } = options;
  return {
    load: async (): Promise<ClusterState> => {
      const entries = await store.list("");
      const documents = entries.map(({ key, value, revision }) => ({
        key,
        document: value,
        revision,
      }));
      return stateOf(uuid, documents);
    },
    commit: async (changes) => await store.transaction(changes),
    perform: async (effect) =>
      isNodeEffect(effect)
        ? await performer.perform(effect)
        : await performLocal(effect, options),
  };
}

function isNodeEffect(effect: SingleEffect): effect is NodeEffect {
  return "node" in effect;
}
