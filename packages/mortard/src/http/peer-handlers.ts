/** What answers the routes of the pool of nodes. */
import type { Peer, PeerAcceptBody, PeerConfirmBody, PeerProbeBody, Result } from "@mortar/api";
import { CommandFailure, EffectError, errno } from "@mortar/cluster";
import { StoreError } from "@mortar/store";
import type { Handlers } from "./handlers.ts";
import { problemOfRefusal, type Refusal } from "./problem.ts";
import type { Reply } from "./reply.ts";

/** The pool, as far as routes need it. Failures are `CommandFailure`, `EffectError`, `StoreError`. */
export interface PoolControl {
  readonly glusterPort: number;
  peers(): Peer[];
  probe(host: string, token: string | undefined): Promise<{
    readonly outcome: Result<"peerProbe">["outcome"];
    readonly warnings: readonly string[];
  }>;
  /** Gives warnings. */
  detach(host: string, force: boolean): Promise<readonly string[]>;
  token(): { readonly token: string; readonly expiresAtMs: number };
  requests(): readonly {
    readonly code: string;
    readonly host: string;
    readonly address: string;
    readonly accepted: boolean;
    readonly expiresAtMs: number;
  }[];
  accept(code: string): boolean;
  readonly recovery: {
    recover(isConfirmed: boolean): Promise<{ readonly gone: string[] }>;
    leave(isConfirmed: boolean): Promise<void>;
  };
}

type PeerRoutes = Pick<
  Handlers,
  | "peerList" | "peerProbe" | "peerDetach" | "peerToken" | "peerRequests" | "peerAccept"
  | "peerRecover" | "peerLeave"
>;

export function peerHandlers(pool: () => PoolControl): PeerRoutes {
  return {
    peerList: async () => reply(pool().peers()),
    peerProbe: async ({ body }) => {
      const { host, token } = body as PeerProbeBody;
      return await attempt(async () => {
        const { outcome, warnings } = await pool().probe(host, token);
        return reply({ outcome, port: pool().glusterPort }, warnings);
      });
    },
    peerDetach: async ({ params, query }) => {
      const { force = false } = query as { force?: boolean };
      return await attempt(async () => reply({}, await pool().detach(params["host"] ?? "", force)));
    },
    peerToken: async () => {
      const { token, expiresAtMs } = pool().token();
      return reply({ token, expiresAt: Math.floor(expiresAtMs / 1000) });
    },
    peerRequests: async () =>
      reply(pool().requests().map(({ code, host, address, accepted, expiresAtMs }) => ({
        code, host, address, accepted, expiresAt: Math.floor(expiresAtMs / 1000),
      }))),
    peerRecover: async ({ body }) => {
      const { yes = false } = body as PeerConfirmBody;
      return await attempt(async () => reply(await pool().recovery.recover(yes)));
    },
    peerLeave: async ({ body }) => {
      const { yes = false } = body as PeerConfirmBody;
      return await attempt(async () => {
        await pool().recovery.leave(yes);
        return reply({});
      });
    },
    peerAccept: async ({ body }) => {
      const { code } = body as PeerAcceptBody;
      if (pool().accept(code)) return reply({});
      const sentence = `There is no request with the code ${code}, or no more`;
      const nextStep = "Probe this node again from the cluster, and compare the codes.";
      const details = [{ detail: "Requests are kept for ten minutes.", nextStep }];
      const refusal = { code: "bad-argument" as const, opErrno: errno.EINVAL, opErrstr: sentence };
      return { ok: false, problem: problemOfRefusal({ ok: false, ...refusal, details, warnings: [] }) };
    },
  };
}

function reply<T>(result: T, warnings: readonly string[] = []): Reply<T> {
  return { ok: true, result, warnings: [...warnings], details: [] };
}

async function attempt<T>(work: () => Promise<Reply<T>>): Promise<Reply<T>> {
  try {
    return await work();
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    return { ok: false, problem: problemOfRefusal(refusal) };
  }
}

function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof CommandFailure) {
    const { code, opErrno, message: opErrstr, details } = error;
    return { ok: false, code, opErrno, opErrstr, warnings: [], details: [...details] };
  }
  if (!(error instanceof EffectError || error instanceof StoreError)) return undefined;
  const isBusy = error.code === "busy";
  return {
    ok: false,
    code: isBusy ? "busy" : "no-majority",
    opErrno: isBusy ? errno.EG_ANOTRANS : errno.EG_INTRNL,
    opErrstr: isBusy
      ? "Another transaction is in progress. Please try again after some time."
      : "Cluster quorum is not met. Changing peers is not allowed in this state",
    warnings: [],
    details: [{ object: "state", detail: error.message }],
  };
}
