/** The cluster's authority, kept with its state: any node can let another one in. */
import { randomUUID } from "node:crypto";
import type { ClusterStore } from "@mortar/store";
import {
  type Authority, certificateFacts, isDueForRenewal, isIssuedBy, issue, newAuthority,
} from "@mortar/trust";
import { AUTHORITY_KEY, type AuthorityDocument } from "../cluster-keys.ts";
import type { NodeTls } from "./node-tls.ts";

export async function authorityOf(store: ClusterStore): Promise<Authority | undefined> {
  const entry = await store.get(AUTHORITY_KEY);
  if (entry === undefined) return undefined;
  const { certificate, key } = entry.value as AuthorityDocument;
  return { certificate, key };
}

/** Makes it, should there be none; two at once end with the same. */
export async function ensureAuthority(store: ClusterStore): Promise<Authority> {
  const known = await authorityOf(store);
  if (known !== undefined) return known;
  const { certificate, key } = await newAuthority(`Mortar ${randomUUID()}`, Date.now());
  const put: AuthorityDocument = { schema: 1, certificate, key };
  await store.transaction([{ key: AUTHORITY_KEY, expected: "absent", put }]);
  return (await authorityOf(store))!;
}

/** This node's own certificate, anew when it is of another authority or grows old. */
export async function ensureCertificate(
  tls: NodeTls, authority: Authority, uuid: string, hosts: readonly string[],
): Promise<void> {
  const { certificate } = tls.material;
  const nowMs = Date.now();
  const isGood = tls.material.authority === authority.certificate &&
    isIssuedBy(certificate, authority.certificate, nowMs) && !isDueForRenewal(certificate, nowMs);
  if (isGood) return;
  await install(tls, authority, uuid, hosts);
}

/** This node's own certificate, for another time, without asking anybody. */
export async function prolongCertificate(tls: NodeTls, authority: Authority): Promise<void> {
  const { name, hosts } = certificateFacts(tls.material.certificate);
  await install(tls, authority, name, hosts);
}

async function install(
  tls: NodeTls, authority: Authority, uuid: string, hosts: readonly string[],
): Promise<void> {
  const names = { uuid, hosts };
  const renewed = await issue(authority, await tls.request(), names, Date.now(), tls.lifetimeMs);
  tls.install(authority.certificate, renewed);
}
