/**
 * Performs effects on whichever node they name: on this one behind its fence, on others over their
 * peer port. An effect without an answer counts as one that may still happen: what this turn asks
 * of the node next has a higher stamp.
 */
import { EffectError, type Fence, type NodeEffect, type Stamp, Stamps } from "@mortar/cluster";
import { EffectCalls, type EffectReply, type EffectRequest } from "./effect-calls.ts";
import type { PeerAddress, PeerClient } from "./peer-client.ts";
import { PeerError } from "./peer-error.ts";

export interface LocalEffectPerformer {
  perform(effect: NodeEffect): Promise<unknown>;
}

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
  readonly #calls: EffectCalls;

  constructor(options: RemotePerformerOptions) {
    this.#options = options;
    this.#calls = new EffectCalls(options.client);
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
    const { addressOf, heard, lost } = this.#options;
    const address = addressOf(effect.node);
    if (address === undefined) throw unreachable(effect.node, effect, "It is not in the cluster.");
    const request = { effect, ...(stamp === undefined ? {} : { stamp }) };
    let reply: EffectReply;
    try {
      reply = await this.#calls.ask(effect.node, address, request);
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
