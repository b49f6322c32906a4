/**
 * Performs effects on whichever node they name: on this one behind its fence, on others over their
 * peer port. An effect without an answer counts as one that may still happen: what this turn asks
 * of the node next has a higher stamp.
 */
import {
  EffectError, type EffectErrorCode, type Fence, type NodeEffect, type NodeEffectKind, type Stamp,
  Stamps,
} from "@mortar/cluster";
import type { PeerAddress, PeerClient } from "./peer-client.ts";
import { PeerError } from "./peer-error.ts";

export interface LocalEffectPerformer {
  perform(effect: NodeEffect): Promise<unknown>;
}

/** As it goes over the wire. */
export interface EffectRequest {
  readonly effect: NodeEffect;
  /** Absent: a question, which anybody may ask at any time. */
  readonly stamp?: Stamp;
}

export type EffectReply =
  | { readonly ok: true; readonly value?: unknown }
  | { readonly ok: false; readonly error: EffectFailure };

interface EffectFailure {
  readonly code: EffectErrorCode;
  readonly message: string;
  readonly node: string;
  readonly object: string;
  readonly errno?: string | undefined;
  readonly nextStep?: string | undefined;
}

/** Longer than what the node gives itself. */
const limitsMs: Partial<Record<NodeEffectKind, number>> = {
  startBrick: 150_000,
  stopBrick: 60_000,
  healIndex: 60_000,
  hooksBefore: 60_000,
  hooksAfter: 60_000,
  syncFileSystem: 120_000,
  prepareSnapshotLv: 60_000,
  settleSnapshotLv: 60_000,
  abandonSnapshotLv: 60_000,
  createSnapshotLv: 60_000,
  activateLv: 60_000,
  removeLv: 120_000,
  lvDelta: 110_000,
  mountBrick: 60_000,
  unmountLv: 60_000,
  makeBareLv: 60_000,
  makeBrickStorage: 300_000,
  removeBrickStorage: 180_000,
};
const LIMIT_MS_DEFAULT = 25_000;

export interface RemotePerformerOptions {
  readonly uuid: string;
  readonly local: LocalEffectPerformer;
  readonly client: PeerClient;
  readonly fence: () => Fence;
  /** Undefined: no node of the cluster. */
  readonly addressOf: (uuid: string) => PeerAddress | undefined;
  readonly heard: (uuid: string) => void;
  readonly lost: (uuid: string) => void;
}

export class RemotePerformer {
  readonly #options: RemotePerformerOptions;
  readonly #stamps = new Stamps();

  constructor(options: RemotePerformerOptions) {
    this.#options = options;
  }

  /** Rejects with `EffectError`. */
  async perform(effect: NodeEffect, token: number | undefined): Promise<unknown> {
    const stamp = token === undefined ? undefined : this.#stamps.of(effect.node, token);
    if (effect.node === this.#options.uuid) return await this.#here(effect, stamp);
    return await this.#there(effect, stamp);
  }

  /** What another node asks of this one. */
  async answer({ effect, stamp }: EffectRequest): Promise<EffectReply> {
    try {
      return { ok: true, value: await this.#here(effect, stamp) };
    } catch (error) {
      if (!(error instanceof EffectError)) throw error;
      const { code, message, node, object, errno, nextStep } = error;
      return { ok: false, error: { code, message, node, object, errno, nextStep } };
    }
  }

  async #here(effect: NodeEffect, stamp: Stamp | undefined): Promise<unknown> {
    const { local, fence, uuid } = this.#options;
    if (stamp === undefined) return await local.perform(effect);
    const entry = await fence().enter(stamp, () => local.perform(effect));
    if (entry.entered) return entry.value;
    throw new EffectError("failed", "It comes too late: another command has its turn now.", {
      node: uuid,
      object: effect.kind,
      nextStep: "Repeat the command.",
    });
  }

  async #there(effect: NodeEffect, stamp: Stamp | undefined): Promise<unknown> {
    const { client, addressOf, heard, lost } = this.#options;
    const address = addressOf(effect.node);
    if (address === undefined) throw unreachable(effect.node, effect, "It is not in the cluster.");
    const call = {
      path: "/v1/peer/effect",
      body: { effect, ...(stamp === undefined ? {} : { stamp }) } satisfies EffectRequest,
      timeoutMs: limitsMs[effect.kind] ?? LIMIT_MS_DEFAULT,
    };
    let reply: EffectReply;
    try {
      reply = (await client.call<EffectReply>(address, { uuid: effect.node }, call)).body;
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      if (stamp !== undefined) this.#stamps.gaveUp(effect.node, stamp);
      if (error.code === "unreachable") lost(effect.node);
      throw unreachable(address.host, effect, error.message);
    }
    heard(effect.node);
    if (reply.ok) return reply.value;
    const { code, message, node, object, errno, nextStep } = reply.error;
    throw new EffectError(code, message, {
      node,
      object,
      ...(errno === undefined ? {} : { errno }),
      ...(nextStep === undefined ? {} : { nextStep }),
    });
  }
}

function unreachable(host: string, effect: NodeEffect, reason: string): EffectError {
  return new EffectError("unreachable", `The node ${host} is not reachable. ${reason}`, {
    node: host,
    object: effect.kind,
    nextStep: `Look at mortard on ${host}: mortar status, mortar up`,
  });
}
