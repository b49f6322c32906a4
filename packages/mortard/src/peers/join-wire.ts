/**
 * What a cluster and a newcomer say to each other.
 *
 *     POST /v1/peer/join/ask      who are you, and may I take you in?
 *     POST /v1/peer/join/enter    here is your certificate, and where the state is
 *
 * Both ends show a certificate; the newcomer answers `ask` to those that it believes: with a proof
 * of its token, in a network that it trusts, or by its operator's yes. `enter` must come from whom
 * `ask` was answered to.
 */
import { createHash } from "node:crypto";
import { PeerError } from "./peer-error.ts";

export interface JoinAsk {
  /** Fingerprint of the cluster's authority. */
  readonly cluster: string;
  /** Who asks, in words. */
  readonly host: string;
  /** See `proofOf` of @mortar/trust. */
  readonly proof?: string;
}

export interface JoinFacts {
  readonly uuid: string;
  readonly hostname: string;
  readonly address: string;
  readonly names: readonly string[];
  readonly peerPort: number;
  readonly snapMountRoot: string;
  readonly version: string;
  readonly nowMs: number;
  /** `fresh`: it may be taken in. */
  readonly standing: "fresh" | "has-volumes" | "in-a-cluster";
  /** PEM, for a certificate. */
  readonly request: string;
}

export interface JoinEnter {
  /** PEM. */
  readonly authority: string;
  readonly certificate: string;
  readonly cluster: string;
  readonly endpoints: readonly string[];
  /** The etcd is somebody else's: the newcomer's mortar.json has to say how to reach it. */
  readonly external?: boolean;
}

/** What both operators see, and nobody between them can arrange. 12 hex digits. */
export function joinCode(asker: string, newcomer: string): string {
  return createHash("sha256").update(`mortar ${asker} ${newcomer}`).digest("hex").slice(0, 12);
}

/** Throws `PeerError`: strangers may send anything. */
export function parseAsk(body: unknown): JoinAsk {
  const { cluster, host, proof } = fieldsOf(body);
  if (!isText(cluster, 128) || !isText(host, 256)) throw malformed();
  if (proof === undefined) return { cluster, host };
  if (!isText(proof, 128)) throw malformed();
  return { cluster, host, proof };
}

export function parseEnter(body: unknown): JoinEnter {
  const { authority, certificate, cluster, endpoints, external } = fieldsOf(body);
  const isWhole = isText(authority, 8192) && isText(certificate, 16_384) && isText(cluster, 128);
  if (!isWhole || !Array.isArray(endpoints) || endpoints.length === 0) throw malformed();
  if (!endpoints.every((it) => isText(it, 512) && URL.canParse(it))) throw malformed();
  const entry = { authority, certificate, cluster, endpoints: endpoints as string[] };
  return external === true ? { ...entry, external } : entry;
}

export function parseFacts(body: unknown): JoinFacts {
  const facts = fieldsOf(body);
  const texts = ["uuid", "hostname", "address", "snapMountRoot", "version", "standing", "request"];
  const isWhole = texts.every((name) => isText(facts[name], 16_384)) &&
    Number.isSafeInteger(facts["nowMs"]) && Number.isSafeInteger(facts["peerPort"]) &&
    Array.isArray(facts["names"]) && facts["names"].every((it) => isText(it, 256)) &&
    /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(String(facts["uuid"]));
  if (!isWhole) throw malformed();
  return facts as unknown as JoinFacts;
}

function fieldsOf(body: unknown): Record<string, unknown> {
  if (typeof body === "object" && body !== null) return body as Record<string, unknown>;
  throw malformed();
}

function isText(value: unknown, max: number): value is string {
  return typeof value === "string" && value !== "" && value.length <= max;
}

function malformed(): PeerError {
  return new PeerError("refused", "This is not what nodes say to each other.", "malformed");
}
