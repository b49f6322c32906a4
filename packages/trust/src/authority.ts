/**
 * The authority of a cluster: the key that signs the certificates of its nodes.
 *
 * Its first node makes it; all nodes have it, kept with the cluster's state, so any of them can let
 * another one in. A certificate is for both ends of a connection: a node is server and client, and so
 * is a member of etcd. Who a node is, is its uuid, the certificate's common name; the names and
 * addresses beside it are for programs which want to see the one they connected to.
 */
import "reflect-metadata";
import { randomBytes, type webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { isIP } from "node:net";
import { TrustError } from "./error.ts";
import { algorithm, keyPair, newKey } from "./key.ts";

const DAY_MS = 24 * 3600 * 1000;
const AUTHORITY_DAYS = 20 * 365;
/** Of a node's certificate, unless something else is asked for. */
export const NODE_LIFETIME_MS = 365 * DAY_MS;
/** Clocks of nodes differ. */
const BACKDATED_MS = DAY_MS;

/** PEM texts; the key is a secret. */
export interface Authority {
  readonly certificate: string;
  readonly key: string;
}

/** `name` is shown by whoever looks at a certificate. Words without `,+"\<>;=#`. */
export async function newAuthority(name: string, nowMs: number): Promise<Authority> {
  const key = await newKey();
  const keys = await keyPair(key);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${plainWords(name)}`,
    serialNumber: serialNumber(),
    notBefore: new Date(nowMs - BACKDATED_MS),
    notAfter: new Date(nowMs + AUTHORITY_DAYS * DAY_MS),
    signingAlgorithm: algorithm,
    keys: keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString("pem"), key };
}

/** What a node sends to be given a certificate for its key (RFC 2986). */
export async function certificateRequest(keyPem: string, uuid: string): Promise<string> {
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: `CN=${plainWords(uuid)}`,
    keys: await keyPair(keyPem),
    signingAlgorithm: algorithm,
  });
  return request.toString("pem");
}

export interface NodeNames {
  readonly uuid: string;
  /** Host names and IP addresses that the node is reached under. */
  readonly hosts: readonly string[];
}

/**
 * A certificate for the key of a request. What it says is from `names` alone. Throws `TrustError`
 * when the request is not signed with the key that it carries.
 */
export async function issue(
  authority: Authority, requestPem: string, names: NodeNames, nowMs: number,
  lifetimeMs = NODE_LIFETIME_MS,
): Promise<string> {
  const publicKey = await keyOfRequest(requestPem);
  const signing = await keyPair(authority.key);
  const ours = new X509Certificate(authority.certificate);
  const certificate = await X509CertificateGenerator.create({
    issuer: ours.subject,
    subject: `CN=${plainWords(names.uuid)}`,
    serialNumber: serialNumber(),
    notBefore: new Date(nowMs - Math.min(BACKDATED_MS, lifetimeMs / 10)),
    notAfter: new Date(nowMs + lifetimeMs),
    signingAlgorithm: algorithm,
    publicKey,
    signingKey: signing.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      await AuthorityKeyIdentifierExtension.create(ours.publicKey),
      await SubjectKeyIdentifierExtension.create(publicKey),
      new SubjectAlternativeNameExtension(
        names.hosts.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value })),
      ),
    ],
  });
  return certificate.toString("pem");
}

async function keyOfRequest(requestPem: string): Promise<webcrypto.CryptoKey> {
  try {
    const request = new Pkcs10CertificateRequest(requestPem);
    if (await request.verify()) return await request.publicKey.export();
  } catch (cause) {
    throw new TrustError("bad-request", "This is no request for a certificate.", { cause });
  }
  throw new TrustError("bad-request", "The request is not signed with its own key.");
}

/** What may stand in a distinguished name without quoting. */
function plainWords(text: string): string {
  if (/^[A-Za-z0-9 ._-]{1,64}$/.test(text)) return text;
  throw new TrustError("bad-request", `${JSON.stringify(text)} cannot be a certificate's name.`);
}

/** 16 random bytes; the first bit is 0, the second 1: a positive number without leading zeros. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString("hex");
}
