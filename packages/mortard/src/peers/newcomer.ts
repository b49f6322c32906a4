/**
 * The side of a node that is to be let into a cluster: whom it believes, and that it enters.
 *
 * It has tokens for an hour, until it has entered; a question that it does not believe is kept for ten
 * minutes, for its operator to say yes to.
 */
import {
  certificateFacts, fingerprintOf, formatToken, isIssuedBy, isProof, newSecret,
} from "@mortar/trust";
import type { Log } from "../log.ts";
import { type JoinAsk, joinCode, type JoinEnter, type JoinFacts, parseAsk, parseEnter } from "./join-wire.ts";
import type { NodeTls } from "./node-tls.ts";
import { PeerError } from "./peer-error.ts";
import type { Caller } from "./peer-server.ts";
import type { TrustedNetworks } from "./trusted-networks.ts";

const TOKEN_MS = 3_600_000;
const REQUEST_MS = 600_000;
const ENTER_MS = 300_000;
const REQUESTS_MAX = 20;

export interface JoinRequest {
  readonly code: string;
  readonly host: string;
  readonly address: string;
  readonly accepted: boolean;
  readonly expiresAtMs: number;
}

interface KeptRequest extends JoinRequest {
  readonly fingerprint: string;
}

export interface NewcomerOptions {
  readonly uuid: string;
  readonly tls: NodeTls;
  readonly networks: TrustedNetworks;
  readonly facts: () => Omit<JoinFacts, "request" | "nowMs">;
  /** Takes the state of the cluster over; it is a member when this resolves. */
  readonly enter: (entry: JoinEnter) => Promise<void>;
  readonly log: Log;
}

export class Newcomer {
  readonly #options: NewcomerOptions;
  /** Secrets and when they end. */
  readonly #tokens = new Map<string, number>();
  #requests: KeptRequest[] = [];
  /** Whom the last question was answered to. */
  #admitted: { readonly caller: string; readonly cluster: string; readonly untilMs: number } | undefined;

  constructor(options: NewcomerOptions) {
    this.#options = options;
  }

  token(): { readonly token: string; readonly expiresAtMs: number } {
    const secret = newSecret();
    const expiresAtMs = Date.now() + TOKEN_MS;
    this.#tokens.set(secret, expiresAtMs);
    return { token: formatToken({ secret, fingerprint: this.#options.tls.fingerprint }), expiresAtMs };
  }

  requests(): JoinRequest[] {
    const nowMs = Date.now();
    this.#requests = this.#requests.filter((it) => it.expiresAtMs > nowMs);
    return this.#requests.map(({ fingerprint: _hidden, ...shown }) => shown);
  }

  /** False: there is no such request, or no more. */
  accept(code: string): boolean {
    this.requests();
    const found = this.#requests.find((it) => it.code === code);
    if (found === undefined) return false;
    const accepted = { ...found, accepted: true, expiresAtMs: Date.now() + REQUEST_MS };
    this.#requests = this.#requests.map((it) => (it === found ? accepted : it));
    return true;
  }

  async ask(body: unknown, caller: Caller): Promise<JoinFacts> {
    const ask = parseAsk(body);
    if (!this.#believes(ask, caller)) {
      const code = this.#keep(ask, caller);
      const message = `This node waits for its operator's yes: mortar peer accept ${code}`;
      throw new PeerError("refused", message, "not-trusted");
    }
    const untilMs = Date.now() + ENTER_MS;
    this.#admitted = { caller: caller.fingerprint, cluster: ask.cluster, untilMs };
    const request = await this.#options.tls.request();
    return { ...this.#options.facts(), nowMs: Date.now(), request };
  }

  async enter(body: unknown, caller: Caller): Promise<object> {
    const entry = parseEnter(body);
    const admitted = this.#admitted;
    const { uuid, facts, enter, log } = this.#options;
    const isAdmitted = admitted !== undefined && admitted.caller === caller.fingerprint &&
      admitted.cluster === fingerprintOf(entry.authority) && admitted.untilMs > Date.now() &&
      isIssuedBy(caller.certificate, entry.authority, Date.now());
    if (!isAdmitted) {
      throw new PeerError("refused", "Nobody was asked to be let in.", "not-trusted");
    }
    this.#admitted = undefined;
    if (facts().standing !== "fresh") {
      throw new PeerError("refused", "This node is in use.", facts().standing);
    }
    const isOurs = isIssuedBy(entry.certificate, entry.authority, Date.now()) &&
      certificateFacts(entry.certificate).name === uuid;
    if (!isOurs) throw new PeerError("refused", "The certificate is of another node.", "malformed");
    log.info({ from: caller.address, cluster: entry.cluster }, "entering a cluster");
    await enter(entry);
    this.#tokens.clear();
    this.#requests = [];
    return {};
  }

  #believes(ask: JoinAsk, caller: Caller): boolean {
    const { networks } = this.#options;
    const ends = { cluster: ask.cluster, node: caller.shown };
    for (const [secret, expiresAtMs] of this.#tokens) {
      if (expiresAtMs < Date.now()) this.#tokens.delete(secret);
      else if (ask.proof !== undefined && isProof(ask.proof, secret, ends)) return true;
    }
    if (networks.has(caller.address)) return true;
    this.requests();
    return this.#requests.some((it) => it.accepted && it.fingerprint === caller.fingerprint);
  }

  #keep({ host }: JoinAsk, { address, fingerprint, shown }: Caller): string {
    const code = joinCode(fingerprint, shown);
    const expiresAtMs = Date.now() + REQUEST_MS;
    const others = this.#requests.filter((it) => it.fingerprint !== fingerprint);
    const request = { code, host, address, fingerprint, accepted: false, expiresAtMs };
    this.#requests = [request, ...others].slice(0, REQUESTS_MAX);
    return code;
  }
}
