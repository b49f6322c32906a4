/** Performs what commands ask of the coordinator itself: time, uuids, names, news. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { LocalEffect, LocalEffectKind, LocalEffects } from "@mortar/cluster";
import type { Log } from "../log.ts";

export interface LocalPerformerOptions {
  /** The uuid of the node that a host name means. */
  readonly resolveHost: (host: string) => Promise<string | undefined>;
  /** Uuids of the nodes that answer, this one among them. */
  readonly connectedNodes: () => readonly string[];
  readonly log: Log;
  /** Clients are told of changed volfiles. */
  readonly volfileChanged: (volumes: readonly string[]) => void;
}

export async function performLocal(
  effect: LocalEffect,
  options: LocalPerformerOptions,
): Promise<unknown> {
  return await performers(options)[effect.kind](effect as never);
}

type Performers = {
  readonly [K in LocalEffectKind]: (args: LocalEffects[K]["args"]) => unknown;
};

function performers(options: LocalPerformerOptions): Performers {
  const { resolveHost, connectedNodes, log, volfileChanged } = options;
  return {
    connectedNodes: () => connectedNodes(),
    clock: () => ({ nowMs: Date.now(), monotonicMs: performance.now() }),
    pause: ({ ms }) => sleep(ms),
    uuids: ({ count }) => Array.from({ length: count }, () => randomUUID()),
    resolveHost: async ({ host }) => {
      const uuid = await resolveHost(host);
      return uuid === undefined ? {} : { uuid };
    },
    volfileChanged: ({ volumes }) => volfileChanged(volumes),
    event: ({ name, fields }) => log.info({ event: name, ...fields }, "event"),
  };
}
