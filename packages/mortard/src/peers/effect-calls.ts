/**
 * Effects over the peer port. Those that are asked of a node at the same moment go in one call and
 * are answered in one, when the last of them is done: whoever asks at once waits for all anyway,
 * and a snapshot of many bricks holds writers back for as many calls as it has steps, not bricks.
 *
 *     POST /v1/peer/effect     { effect, stamp }                  EffectReply
 *     POST /v1/peer/effects    { requests: [{ effect, stamp }] }  { replies: [EffectReply] }
 *
 * A node of a version that knows only the first is asked one by one. Questions go alone: they
 * are of other commands, which need not wait for each other.
 */
import type { EffectErrorCode, NodeEffect, NodeEffectKind, Stamp } from "@mortar/cluster";
import type { PeerAddress, PeerClient } from "./peer-client.ts";
import { NO_ROUTE, PeerError } from "./peer-error.ts";

export const EFFECT_ROUTE = "/v1/peer/effect";
export const EFFECTS_ROUTE = "/v1/peer/effects";

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

export interface EffectRequests {
  readonly requests: readonly EffectRequest[];
}

export interface EffectReplies {
  readonly replies: readonly EffectReply[];
}

interface Waiting {
  readonly request: EffectRequest;
  readonly resolve: (reply: EffectReply) => void;
  readonly reject: (error: unknown) => void;
}

interface Batch {
  readonly address: PeerAddress;
  readonly waiting: Waiting[];
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
  cut: 60_000,
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
/** Of a call's length, in effects. */
const BATCH_MAX = 64;

export class EffectCalls {
  readonly #client: PeerClient;
  readonly #batches = new Map<string, Batch>();
  readonly #oneByOne = new Set<string>();

  constructor(client: PeerClient) {
    this.#client = client;
  }

  /** Rejects with `PeerError`. */
  async ask(node: string, address: PeerAddress, request: EffectRequest): Promise<EffectReply> {
    if (request.stamp === undefined || this.#oneByOne.has(node)) {
      return await this.#askOne(node, address, request);
    }
    return await new Promise((resolve, reject) => {
      const waiting = { request, resolve, reject };
      const batch = this.#batches.get(node);
      if (batch !== undefined && batch.waiting.length < BATCH_MAX) batch.waiting.push(waiting);
      else this.#begin(node, { address, waiting: [waiting] });
    });
  }

  /** It is sent when whoever asks has asked for all. */
  #begin(node: string, batch: Batch): void {
    this.#batches.set(node, batch);
    queueMicrotask(() => {
      if (this.#batches.get(node) === batch) this.#batches.delete(node);
      void this.#send(node, batch);
    });
  }

  async #send(node: string, { address, waiting }: Batch): Promise<void> {
    try {
      const replies = await this.#askAll(node, address, waiting.map((it) => it.request));
      waiting.forEach(({ resolve }, index) => resolve(replies[index]!));
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }

  async #askAll(
    node: string, address: PeerAddress, requests: readonly EffectRequest[],
  ): Promise<readonly EffectReply[]> {
    const oneByOne = async () =>
      await Promise.all(requests.map((it) => this.#askOne(node, address, it)));
    if (requests.length === 1) return await oneByOne();
    const call = {
      path: EFFECTS_ROUTE,
      body: { requests } satisfies EffectRequests,
      timeoutMs: Math.max(...requests.map(limitOf)),
    };
    try {
      const { body } = await this.#client.call<EffectReplies>(address, { uuid: node }, call);
      if (body.replies.length === requests.length) return body.replies;
      throw new PeerError("unreachable", "It did not answer all that it was asked.");
    } catch (error) {
      if (!(error instanceof PeerError) || error.message !== NO_ROUTE) throw error;
      this.#oneByOne.add(node);
      return await oneByOne();
    }
  }

  async #askOne(node: string, address: PeerAddress, request: EffectRequest): Promise<EffectReply> {
    const call = { path: EFFECT_ROUTE, body: request, timeoutMs: limitOf(request) };
    return (await this.#client.call<EffectReply>(address, { uuid: node }, call)).body;
  }
}

function limitOf({ effect }: EffectRequest): number {
  return limitsMs[effect.kind] ?? LIMIT_MS_DEFAULT;
}
