/**
 * What the operator carries from a node that wants to join to the cluster that takes it in.
 *
 *     mortar1.SECRET.FINGERPRINT      both base64url, 16 and 32 bytes
 *
 * FINGERPRINT is the SHA-256 of the certificate that the joining node shows: the cluster speaks to no
 * other one. Knowing SECRET is what lets the cluster take the node. It never travels: a proof of it
 * does, bound to the certificates of both ends.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { TrustError } from "./error.ts";

const WORD = "mortar1";
const SECRET_BYTES = 16;

export interface JoinToken {
  /** Hex. */
  readonly secret: string;
  /** Hex, see `fingerprintOf`. */
  readonly fingerprint: string;
}

export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString("hex");
}

export function formatToken({ secret, fingerprint }: JoinToken): string {
  const short = (hex: string): string => Buffer.from(hex, "hex").toString("base64url");
  return [WORD, short(secret), short(fingerprint)].join(".");
}

/** Throws `TrustError`. */
export function parseToken(text: string): JoinToken {
  const [word, secret = "", fingerprint = "", ...more] = text.trim().split(".");
  const bytes = [secret, fingerprint].map((it) => Buffer.from(it, "base64url"));
  const isWhole = bytes[0]!.length === SECRET_BYTES && bytes[1]!.length === 32;
  if (word !== WORD || more.length > 0 || !isWhole) {
    throw new TrustError("bad-token", "This is no token: `mortar peer token` on the new node prints one.");
  }
  return { secret: bytes[0]!.toString("hex"), fingerprint: bytes[1]!.toString("hex") };
}

/** Says that its maker knows the secret, to one node about one cluster. Hex. */
export function proofOf(secret: string, ends: ProofEnds): string {
  const hmac = createHmac("sha256", Buffer.from(secret, "hex"));
  return hmac.update(`${WORD} ${ends.cluster} ${ends.node}`).digest("hex");
}

/** Fingerprints of the cluster's authority and of the joining node's certificate. */
export interface ProofEnds {
  readonly cluster: string;
  readonly node: string;
}

export function isProof(proof: string, secret: string, ends: ProofEnds): boolean {
  const expected = Buffer.from(proofOf(secret, ends), "hex");
  const given = Buffer.from(proof, "hex");
  return given.length === expected.length && timingSafeEqual(given, expected);
}
