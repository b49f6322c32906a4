/**
 * Letting a node in, as the cluster's side does it: `peer probe`.
 *
 *     ask the newcomer  →  is it fit?  →  the state into etcd, where it is not  →  a certificate
 *     →  its document, by a command  →  it enters  →  members of etcd
 *
 * Whatever dies in between: a node whose document is there and which has not entered is
 * disconnected; the next probe of it goes on. A probe that reports a failure takes the document back.
 */
import { CommandFailure, type NodeDeclaration } from "@mortar/cluster";
import { type Authority, fingerprintOf, issue, parseToken, proofOf, TrustError } from "@mortar/trust";
import { judgeClocks, seconds, SKEW_MS_MAX } from "./clock-skew.ts";
import { type JoinAsk, joinCode, type JoinEnter, type JoinFacts, parseFacts } from "./join-wire.ts";
import { certificateHosts, type NodeTls } from "./node-tls.ts";
import type { PeerAddress, PeerClient } from "./peer-client.ts";
import { PeerError } from "./peer-error.ts";
import type { TrustedNetworks } from "./trusted-networks.ts";

const ASK_MS = 10_000;
const ENTER_MS = 60_000;
const ENOTCONN = 107;
const EG_INTRNL = 30_800;
/** Codes that were shown to the operator are asked about for so long. */
const SHOWN_MAX = 100;

export interface ProberOptions {
  readonly uuid: string;
  readonly host: () => string;
  readonly version: string;
  readonly tls: NodeTls;
  readonly client: PeerClient;
  readonly networks: TrustedNetworks;
}

/** A newcomer that may be let in. */
export interface Candidate {
  readonly facts: JoinFacts;
  readonly address: PeerAddress;
  /** Of its certificate. */
  readonly fingerprint: string;
  readonly warnings: readonly string[];
}

export class Prober {
  readonly #options: ProberOptions;
  /** Newcomers whose code was shown to our operator, by fingerprint. */
  readonly #shown = new Set<string>();

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Throws `CommandFailure` in stock's words. */
  async ask(
    address: PeerAddress, authority: Authority, tokenText: string | undefined,
  ): Promise<Candidate> {
    const token = tokenText === undefined ? undefined : parsedToken(tokenText);
    const { client, host, networks } = this.#options;
    const cluster = fingerprintOf(authority.certificate);
    const fingerprint = token?.fingerprint;
    const proof = token === undefined
      ? {}
      : { proof: proofOf(token.secret, { cluster, node: token.fingerprint }) };
    const body: JoinAsk = { cluster, host: host(), ...proof };
    try {
      const call = { path: "/v1/peer/join/ask", body, timeoutMs: ASK_MS };
      const answer = await client.call<unknown>(address, { fingerprint }, call);
      const isBelieved = token !== undefined || networks.has(address.host) ||
        this.#shown.has(answer.fingerprint);
      if (!isBelieved) throw this.#toBeConfirmed(address, answer.fingerprint);
      const facts = parseFacts(answer.body);
      return { facts, address, fingerprint: answer.fingerprint, warnings: this.#judge(address, facts) };
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      throw this.#asFailure(address, error);
    }
  }

  async admit(
    candidate: Candidate, authority: Authority, entry: Pick<JoinEnter, "cluster" | "endpoints" | "external">,
  ): Promise<void> {
    const { facts, address, fingerprint } = candidate;
    const { hostname, names, uuid, request } = facts;
    const hosts = certificateHosts([address.host, facts.address, hostname, ...names]);
    const { lifetimeMs } = this.#options.tls;
    const certificate = await issue(authority, request, { uuid, hosts }, Date.now(), lifetimeMs);
    const body: JoinEnter = { authority: authority.certificate, certificate, ...entry };
    try {
      const call = { path: "/v1/peer/join/enter", body, timeoutMs: ENTER_MS };
      await this.#options.client.call(address, { fingerprint }, call);
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      throw failure(`Failed to add peer information on ${address.host}`, EG_INTRNL, {
        node: address.host,
        detail: error.message,
        nextStep: `Probe it again: mortar peer probe ${address.host}`,
      });
    }
  }

  /** Throws `CommandFailure`; gives warnings. */
  #judge(address: PeerAddress, facts: JoinFacts): string[] {
    const { uuid, version } = this.#options;
    const { host } = address;
    if (facts.uuid === uuid) {
      throw failure(`Peer uuid (host ${host}) is same as local uuid`, EG_INTRNL, {
        node: host,
        detail: "The node's state directory is a copy of this one's.",
        nextStep: "Remove var/lib/mortar/node.json there, when it has no volumes, and start it anew.",
      });
    }
    if (facts.standing !== "fresh") {
      const sentence =
        `${host} is either already part of another cluster or having volumes configured`;
      throw failure(sentence, EG_INTRNL, { node: host, detail: standings[facts.standing] });
    }
    if (majorOf(facts.version) !== majorOf(version)) {
      throw failure(`Probe returned with Operation not supported`, EG_INTRNL, {
        node: host,
        detail: `It runs Mortar ${facts.version}, this node ${version}.`,
        nextStep: "Bring both to the same version: mortar upgrade",
      });
    }
    const skewMs = facts.nowMs - Date.now();
    if (Math.abs(skewMs) > SKEW_MS_MAX) {
      throw failure("Probe returned with Invalid argument", EG_INTRNL, {
        node: host,
        detail: `Its clock differs from this node's by ${seconds(skewMs)} s.`,
        nextStep: "Set both clocks by NTP, for instance: apt-get install chrony",
      });
    }
    return [...judgeClocks([{ host, skewMs }]).warnings];
  }

  #asFailure(address: PeerAddress, error: PeerError): CommandFailure {
    const { host } = address;
    if (error.code === "unreachable") {
      const sentence = "Probe returned with Transport endpoint is not connected";
      return failure(sentence, ENOTCONN, {
        node: host,
        detail: error.message,
        nextStep: `Start mortard on ${host}: mortar up`,
      });
    }
    if (error.reason === "not-trusted" && error.fingerprint !== undefined) {
      return this.#toBeConfirmed(address, error.fingerprint);
    }
    return failure("Probe returned with Permission denied", EG_INTRNL, {
      node: host, detail: error.message,
    });
  }

  #toBeConfirmed(address: PeerAddress, fingerprint: string): CommandFailure {
    if (this.#shown.size >= SHOWN_MAX) this.#shown.clear();
    this.#shown.add(fingerprint);
    const code = joinCode(this.#options.tls.fingerprint, fingerprint);
    return failure("Probe returned with Permission denied", EG_INTRNL, {
      node: address.host,
      detail: `This node and ${address.host} do not know each other.`,
      // Never a code that the other end says: it is what proves that nobody is in between.
      nextStep: `On ${address.host}: mortar peer accept ${code}; then probe it again. Or there: ` +
        `mortar peer token; then here: mortar peer probe ${address.host} --token TOKEN`,
    });
  }
}

const standings = {
  "has-volumes": "It has volumes, or snapshots.",
  "in-a-cluster": "It is in a cluster already; from there: mortar peer detach",
} as const;

/** What the state is to know of a newcomer. */
export function declarationOf({ facts, address }: Candidate): NodeDeclaration {
  const { uuid, hostname, names, peerPort, snapMountRoot } = facts;
  return {
    uuid, hostname, address: facts.address, names, peerPort, snapMountRoot, contact: address.host,
  };
}

function parsedToken(text: string): ReturnType<typeof parseToken> {
  try {
    return parseToken(text);
  } catch (error) {
    if (error instanceof TrustError) throw failure(error.message, EG_INTRNL);
    throw error;
  }
}

function failure(
  sentence: string,
  opErrno: number,
  detail?: { readonly node: string; readonly detail: string; readonly nextStep?: string },
): CommandFailure {
  return new CommandFailure("node-unfit", opErrno, sentence, detail === undefined ? [] : [detail]);
}

function majorOf(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}
