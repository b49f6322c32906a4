/** What other nodes' coordinators ask of this one; see effect-calls.ts for the wire. */
import {
  EFFECT_ROUTE, EFFECTS_ROUTE, type EffectReply, type EffectRequest, type EffectRequests,
} from "./effect-calls.ts";
import type { PeerRoutes } from "./peer-server.ts";
import type { RemotePerformer } from "./remote-performer.ts";

export interface EffectRoutesOptions {
  readonly performer: Pick<RemotePerformer, "answer">;
  /** Host name of this node, for errors. */
  readonly host: string;
  /** It had its first turn: see Fence. */
  readonly isServing: () => boolean;
}

export function effectRoutes(options: EffectRoutesOptions): PeerRoutes["members"] {
  const answer = async (request: EffectRequest): Promise<EffectReply> => {
    // A question is answered at any time.
    const isQuestion = request.stamp === undefined;
    if (options.isServing() || isQuestion) return await options.performer.answer(request);
    const where = { node: options.host, object: request.effect.kind };
    const error = { code: "unreachable" as const, message: "mortard is coming up here.", ...where };
    return { ok: false, error };
  };
  return {
    [EFFECT_ROUTE]: async (body) => await answer(body as EffectRequest),
    [EFFECTS_ROUTE]: async (body) => {
      const { requests } = body as EffectRequests;
      return { replies: await Promise.all(requests.map(answer)) };
    },
  };
}
