/** Keys of the store that are mortard's own, beside those of the cluster's commands. */

/** `AuthorityDocument`: who signs the certificates of this cluster's nodes. */
export const AUTHORITY_KEY = "pool/authority";
/** `MembersDocument`: which nodes run members of etcd. */
export const MEMBERS_KEY = "pool/members";
export const POOL_PREFIX = "pool/";

export interface AuthorityDocument {
  readonly schema: 1;
  /** PEM; the key is a secret of the nodes of this cluster. */
  readonly certificate: string;
  readonly key: string;
}

export interface MembersDocument {
  readonly schema: 1;
  readonly cluster: string;
  /** URLs for clients. */
  readonly endpoints: readonly string[];
}

/** Whether a key is of a document that commands know. */
export function isClusterKey(key: string): boolean {
  return !key.startsWith(POOL_PREFIX);
}
