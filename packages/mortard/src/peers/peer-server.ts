/**
 * The peer port: what nodes ask of each other, over TLS.
 *
 * Every connection shows a certificate. But for the routes of joining, a caller must have one of
 * the cluster's authority, and be a node in the state: whoever was taken out is a stranger again.
 * The joining routes judge by themselves whom they believe (peers/newcomer.ts).
 */
import type { PeerCertificate, TLSSocket } from "node:tls";
import { certificateFacts, fingerprintOf, isIssuedBy } from "@mortar/trust";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { registerTransfers } from "../http/transfer-routes.ts";
import type { Log } from "../log.ts";
import type { Transfers } from "../transfer/transfers.ts";
import type { NodeTls } from "./node-tls.ts";
import { CLUSTER_HEADER } from "./peer-client.ts";
import { NO_ROUTE, PeerError } from "./peer-error.ts";

/** Who calls: its certificate was shown with the proof of having its key. */
export interface Caller {
  readonly address: string;
  readonly fingerprint: string;
  /** PEM. */
  readonly certificate: string;
  /** Fingerprint of what this end has shown, which may have got another certificate since. */
  readonly shown: string;
}

export interface PeerRoutes {
  /** By path; for the nodes of this cluster. */
  readonly members: Readonly<Record<string, (body: unknown, uuid: string) => Promise<object>>>;
  /** By path; for anybody. */
  readonly strangers: Readonly<Record<string, (body: unknown, caller: Caller) => Promise<object>>>;
}

export interface PeerServerOptions {
  readonly tls: NodeTls;
  readonly routes: PeerRoutes;
  /** Data of snapshots, for the nodes of this cluster. */
  readonly transfers: () => Transfers;
  /** Which cluster this node is in, if it is in one. */
  readonly cluster: () => string | undefined;
  /** Whether a uuid is of a node of this cluster. */
  readonly isNode: (uuid: string) => boolean;
  readonly log: Log;
}

/** An intent of a snapshot of very many bricks is far below. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;
const STRANGERS_BODY_BYTES_MAX = 64 * 1024;

export class PeerServer {
  readonly #options: PeerServerOptions;
  readonly #server: FastifyInstance;

  constructor(options: PeerServerOptions) {
    this.#options = options;
    const { tls, routes } = options;
    this.#server = fastify({
      logger: false,
      bodyLimit: BODY_BYTES_MAX,
      forceCloseConnections: true,
      https: { ...contextOf(tls), requestCert: true, rejectUnauthorized: false },
    });
    for (const [path, answer] of Object.entries(routes.members)) {
      this.#server.post(path, async (request, reply) =>
        await this.#answer(request, reply, (caller) =>
          answer(request.body, this.#member(caller, request.headers[CLUSTER_HEADER]))));
    }
    for (const [path, answer] of Object.entries(routes.strangers)) {
      this.#server.post(path, { bodyLimit: STRANGERS_BODY_BYTES_MAX }, async (request, reply) =>
        await this.#answer(request, reply, (caller) => answer(request.body, caller)));
    }
    registerTransfers(this.#server, {
      prefix: "/v1/peer/transfer",
      transfers: options.transfers,
      admit: ({ raw, headers }) =>
        void this.#member(callerOf(raw.socket as TLSSocket), headers[CLUSTER_HEADER]),
    });
    this.#server.setErrorHandler(async (error: Error & { statusCode?: number }, _request, reply) =>
      await reply.code(error.statusCode ?? 500).send({ message: error.message }));
    this.#server.setNotFoundHandler(async (_request, reply) =>
      await reply.code(404).send({ message: NO_ROUTE }));
  }

  async listen(host: string, port: number): Promise<void> {
    await this.#server.listen({ host, port });
  }

  /** After the certificate was exchanged. */
  renew(): void {
    const { server } = this.#server;
    (server as typeof server & { setSecureContext(context: object): void })
      .setSecureContext(contextOf(this.#options.tls));
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  async #answer(
    request: FastifyRequest,
    reply: FastifyReply,
    work: (caller: Caller) => Promise<object>,
  ): Promise<unknown> {
    try {
      return await work(callerOf(request.raw.socket as TLSSocket));
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      const from = request.ip;
      this.#options.log.warn({ from, route: request.url, reason: error.message }, "peer refused");
      return await reply.code(403).send({ message: error.message, reason: error.reason });
    }
  }

  /** The uuid of the node that calls. Throws `PeerError` when it is none of ours. */
  #member({ certificate }: Caller, theirs: string | string[] | undefined): string {
    const { tls, isNode, cluster } = this.#options;
    const { authority } = tls.material;
    if (authority === undefined || !isIssuedBy(certificate, authority, Date.now())) {
      throw new PeerError("refused", "This is not a node of the same cluster.", "stranger");
    }
    const ours = cluster();
    if (ours !== undefined && theirs !== undefined && ours !== theirs) {
      const message = "The two nodes are of different clusters since one was recovered without the other.";
      throw new PeerError("refused", message, "other-cluster");
    }
    const { name } = certificateFacts(certificate);
    if (isNode(name)) return name;
    throw new PeerError("refused", `The node ${name} is not in this cluster.`, "stranger");
  }
}

function callerOf(socket: TLSSocket): Caller {
  const theirs = socket.getPeerCertificate();
  const raw = (theirs as { raw?: Buffer } | undefined)?.raw;
  if (raw === undefined) throw new PeerError("refused", "A certificate is needed.", "stranger");
  const body = raw.toString("base64").replaceAll(/.{64}/g, "$&\n").trimEnd();
  const certificate = `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
  const { fingerprint } = certificateFacts(certificate);
  const ours = socket.getCertificate() as PeerCertificate | null;
  const shown = ours?.raw === undefined ? "" : fingerprintOf(ours.raw.toString("base64"));
  return { address: plainAddress(socket.remoteAddress ?? ""), fingerprint, certificate, shown };
}

/** Without what IPv6 sockets put before addresses of IPv4. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:/, "");
}

function contextOf({ material }: NodeTls): { key: string; cert: string; minVersion: "TLSv1.2" } {
  return { key: material.key, cert: material.certificate, minVersion: "TLSv1.2" };
}
