/** Reading certificates. */
import { X509Certificate } from "node:crypto";
import { TrustError } from "./error.ts";

export interface CertificateFacts {
  /** The common name: of a node its uuid. */
  readonly name: string;
  readonly hosts: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SHA-256 of the certificate, 64 hex digits. */
  readonly fingerprint: string;
}

/** Throws `TrustError`. */
export function certificateFacts(pem: string): CertificateFacts {
  const certificate = read(pem);
  const name = /^CN=(.*)$/m.exec(certificate.subject)?.[1];
  if (name === undefined) throw new TrustError("bad-certificate", "The certificate has no name.");
  const alternatives = certificate.subjectAltName?.split(", ") ?? [];
  return {
    name,
    hosts: alternatives.map((it) => it.replace(/^(DNS|IP Address):/, "")),
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
    fingerprint: fingerprintOf(certificate.raw.toString("base64")),
  };
}

/** Of a certificate in PEM, or of its bytes in base64. */
export function fingerprintOf(pem: string): string {
  const text = pem.includes("BEGIN") ? pem : wrap(pem);
  return read(text).fingerprint256.replaceAll(":", "").toLowerCase();
}

/** Whether the authority has signed it, and it is valid at this time. */
export function isIssuedBy(pem: string, authorityPem: string, nowMs: number): boolean {
  const certificate = read(pem);
  const authority = read(authorityPem);
  const { notBeforeMs, notAfterMs } = certificateFacts(pem);
  if (nowMs < notBeforeMs || nowMs > notAfterMs) return false;
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

/** True once two thirds of its time are over. */
export function isDueForRenewal(pem: string, nowMs: number): boolean {
  const { notBeforeMs, notAfterMs } = certificateFacts(pem);
  return nowMs > notBeforeMs + ((notAfterMs - notBeforeMs) * 2) / 3;
}

function read(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new TrustError("bad-certificate", "This is no certificate.", { cause });
  }
}

function wrap(base64: string): string {
  return `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
}
