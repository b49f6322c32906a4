/**
 * Effects: what a command asks of the world, as plain data.
 *
 * Contract of whoever performs them:
 * - A failure is thrown as `EffectError`; anything else thrown ends the command as if the
 *   coordinator had died, and its intent is left for `recover`.
 * - An effect that failed may have happened nevertheless (a reply can be lost).
 * - Effects marked *idempotent* succeed when what they ask for is already so; undoing and
 *   recovering rest upon it.
 * - Effects must survive being stored as JSON: intents keep them.
 */
import type { BrickEffects } from "./bricks/brick-effects.ts";
import type { StorageEffects } from "./bricks/storage-effects.ts";
import type { HealEffects } from "./heal/heal-effects.ts";
import type { HoldEffects } from "./snapshots/hold-effects.ts";
import type { Change } from "./state.ts";
import type { RebalanceEffects } from "./volumes/rebalance-effects.ts";

/** What nodes can be asked for: arguments and result of each kind. */
export interface NodeEffects
  extends BrickEffects, HealEffects, RebalanceEffects, HoldEffects, StorageEffects {}

export type NodeEffectKind = keyof NodeEffects;

/** An effect on one node, `node` being its uuid. */
export type NodeEffect<Kind extends NodeEffectKind = NodeEffectKind> = {
  [K in Kind]: { readonly kind: K; readonly node: string } & NodeEffects[K]["args"];
}[Kind];

export type NodeEffectResult<Kind extends NodeEffectKind> = NodeEffects[Kind]["result"];

/** What is asked of the coordinator itself. */
export interface LocalEffects {
  /** Wall clock, and a clock that only ever goes forward. */
  clock: { args: object; result: { readonly nowMs: number; readonly monotonicMs: number } };
  /** Others go on meanwhile. */
  pause: { args: { readonly ms: number }; result: void };
  /** Random uuids, version 4, with dashes. */
  uuids: { args: { readonly count: number }; result: readonly string[] };
  /** The node that a host name means, by resolving it; no uuid: none of this cluster. */
  resolveHost: { args: { readonly host: string }; result: { readonly uuid?: string } };
  /** Uuids of the nodes whose daemons answer this one, which is among them. */
  connectedNodes: { args: object; result: readonly string[] };
  /** Clients (and bricks) of these volumes are told to fetch their volfiles again. */
  volfileChanged: { args: { readonly volumes: readonly string[] }; result: void };
  /** For the log and for event listeners; must not fail. */
  event: {
    args: { readonly name: string; readonly fields: Readonly<Record<string, string>> };
    result: void;
  };
}

export type LocalEffectKind = keyof LocalEffects;
export type LocalEffect<Kind extends LocalEffectKind = LocalEffectKind> = {
  [K in Kind]: { readonly kind: K } & LocalEffects[K]["args"];
}[Kind];

/** What the host performs; `all` and `commit` are the driver's. */
export type SingleEffect = NodeEffect | LocalEffect;

export type Effect =
  | SingleEffect
  /** In parallel; gives one `Outcome` for each, in order, and does not fail itself. */
  | { readonly kind: "all"; readonly effects: readonly SingleEffect[] }
  /** One transaction; gives the new state. A conflict is an `EffectError` with code `conflict`. */
  | { readonly kind: "commit"; readonly changes: readonly Change[] };

export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: EffectError };

export type EffectErrorCode =
  /** The node answered: it cannot. */
  | "failed"
  /** In use: unmount or removal can succeed later. */
  | "busy"
  /** The node did not answer (in time); the effect may have happened. */
  | "unreachable"
  /** A document was changed by somebody else meanwhile. */
  | "conflict"
  /** The store did not take the transaction. */
  | "store";

export class EffectError extends Error {
  override readonly name = "EffectError";
  readonly code: EffectErrorCode;
  /** Host name of the node, for people. */
  readonly node: string;
  /** Brick, device, mount point or LV. */
  readonly object: string;
  /** `ENOSPC`, when the failure has one. */
  readonly errno: string | undefined;
  readonly nextStep: string | undefined;
  constructor(
    code: EffectErrorCode,
    message: string,
    where: {
      readonly node: string;
      readonly object: string;
      readonly errno?: string;
      readonly nextStep?: string;
      readonly cause?: unknown;
    },
  ) {
    super(message, where.cause === undefined ? undefined : { cause: where.cause });
    this.code = code;
    this.node = where.node;
    this.object = where.object;
    this.errno = where.errno;
    this.nextStep = where.nextStep;
  }
}
