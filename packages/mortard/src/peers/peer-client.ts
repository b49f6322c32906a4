/**
 * Calls to the other nodes' peer port: JSON over HTTPS, each end knowing the other by its
 * certificate. Connections are kept for the next call.
 */
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { fingerprintOf } from "@mortar/trust";
import type { NodeTls } from "./node-tls.ts";
import { PeerError } from "./peer-error.ts";

export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

/** Whom the other end has to be. */
export type Expected =
  | { readonly uuid: string }
  /** Before there is an authority of both: the SHA-256 of its certificate, where it is known. */
  | { readonly fingerprint: string | undefined };

export interface PeerCall {
  readonly path: string;
  readonly body: object;
  readonly timeoutMs: number;
}

/** Of a call to a node of the same cluster: which one that is. */
export const CLUSTER_HEADER = "mortar-cluster";

export interface PeerAnswer<Answer> {
  readonly body: Answer;
  /** Of the certificate that the other end showed. */
  readonly fingerprint: string;
}

const CONNECT_MS_MAX = 3_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
const SOCKETS_PER_NODE_MAX = 64;

export class PeerClient {
  readonly #tls: NodeTls;
  readonly #localAddress: string | undefined;
  readonly #cluster: () => string | undefined;
  #agent: Agent | undefined;

  /** `localAddress`: what other nodes see calls come from. */
  constructor(
    tls: NodeTls, localAddress: string | undefined, cluster: () => string | undefined,
  ) {
    this.#tls = tls;
    this.#localAddress = localAddress;
    this.#cluster = cluster;
  }

  /** Throws `PeerError`. */
  call<Answer>(
    address: PeerAddress, expected: Expected, call: PeerCall,
  ): Promise<PeerAnswer<Answer>> {
    const { path, body: asked, timeoutMs } = call;
    const { key, certificate: cert, authority } = this.#tls.material;
    const isMember = "uuid" in expected;
    const cluster = isMember ? this.#cluster() : undefined;
    const payload = JSON.stringify(asked);
    return new Promise((resolve, reject) => {
      const place = `${address.host}:${address.port}`;
      let fingerprint = "";
      const fail = (error: Error): void => {
        clearTimeout(timer);
        outgoing.destroy();
        reject(error instanceof PeerError ? error : unreachable(place, error.message));
      };
      const late = (): void => fail(unreachable(place, `no answer within ${timeoutMs / 1000} s`));
      const timer = setTimeout(late, timeoutMs);
      const outgoing = request({
        ...address, path, method: "POST", key, cert, minVersion: "TLSv1.2",
        ...(this.#localAddress === undefined ? {} : { localAddress: this.#localAddress }),
        ...(isMember ? { ca: authority ?? [], agent: this.#keptOpen() } : { agent: false }),
        rejectUnauthorized: isMember,
        checkServerIdentity: (_host, shown) => identityError(expected, shown),
        headers: {
          "content-type": "application/json", "content-length": Buffer.byteLength(payload),
          ...(cluster === undefined ? {} : { [CLUSTER_HEADER]: cluster }),
        },
      }, (incoming) => {
        collect(incoming, fail, (text) => {
          clearTimeout(timer);
          try {
            const body = answerOf({ place, fingerprint }, incoming.statusCode ?? 0, text);
            resolve({ body: body as Answer, fingerprint });
          } catch (error) {
            reject(error);
          }
        });
      });
      outgoing.on("error", fail);
      outgoing.on("socket", (socket) => {
        socket.setKeepAlive(true, 2_000);
        const begin = (): void => {
          // Nothing is said to a node that is not the expected one.
          const shown = shownBy(socket as TLSSocket);
          if (shown === undefined) return fail(unreachable(place, "it shows no certificate"));
          fingerprint = fingerprintOf(shown.raw.toString("base64"));
          const wrong = isMember ? undefined : identityError(expected, shown);
          if (wrong === undefined) outgoing.end(payload);
          else fail(wrong);
        };
        if (!socket.connecting) return begin();
        const slow = (): void => fail(unreachable(place, "no connection"));
        const connecting = setTimeout(slow, CONNECT_MS_MAX);
        socket.once("close", () => clearTimeout(connecting));
        socket.once("secureConnect", () => {
          clearTimeout(connecting);
          begin();
        });
      });
    });
  }

  /** Connections with a former certificate are not used again; calls on them come to their end. */
  reset(): void {
    const former = this.#agent;
    this.#agent = undefined;
    if (former === undefined) return;
    former.maxFreeSockets = 0;
    for (const sockets of Object.values(former.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy();
    }
  }

  close(): void {
    this.#agent?.destroy();
    this.#agent = undefined;
  }

  #keptOpen(): Agent {
    // Without resumed sessions: in those the other end shows no certificate.
    const whole = { maxCachedSessions: 0, maxSockets: SOCKETS_PER_NODE_MAX };
    this.#agent ??= new Agent({ keepAlive: true, ...whole });
    return this.#agent;
  }
}

/** Undefined of a connection that is closed already. */
function shownBy(socket: TLSSocket): PeerCertificate | undefined {
  const shown = socket.getPeerCertificate() as Partial<PeerCertificate> | undefined;
  return shown?.raw === undefined ? undefined : (shown as PeerCertificate);
}

export function identityError(expected: Expected, shown: PeerCertificate): PeerError | undefined {
  if ("uuid" in expected) {
    const name = String(shown.subject?.CN ?? "nobody");
    if (name === expected.uuid) return undefined;
    return new PeerError("stranger", `It is ${name}, not ${expected.uuid}.`);
  }
  const { fingerprint } = expected;
  if (fingerprint === undefined) return undefined;
  if (fingerprintOf(shown.raw.toString("base64")) === fingerprint) return undefined;
  return new PeerError("stranger", "Its certificate is not the one that the token is of.");
}

function unreachable(place: string, reason: string): PeerError {
  return new PeerError("unreachable", `${place} does not answer: ${reason}`);
}

function answerOf(
  { place, fingerprint }: { readonly place: string; readonly fingerprint: string },
  status: number,
  text: string,
): unknown {
  let body: { readonly message?: string; readonly reason?: string };
  try {
    body = JSON.parse(text) as typeof body;
  } catch {
    throw unreachable(place, `its answer (HTTP ${status}) is not JSON`);
  }
  if (status === 200) return body;
  throw new PeerError("refused", body.message ?? `HTTP ${status}`, body.reason, fingerprint);
}

function collect(
  incoming: IncomingMessage, fail: (error: Error) => void, done: (text: string) => void,
): void {
  const parts: Buffer[] = [];
  let lengthBytes = 0;
  incoming.on("data", (part: Buffer) => {
    lengthBytes += part.length;
    if (lengthBytes > ANSWER_BYTES_MAX) fail(new Error("its answer is too long"));
    else parts.push(part);
  });
  incoming.on("end", () => done(Buffer.concat(parts).toString("utf8")));
  incoming.on("error", fail);
}
