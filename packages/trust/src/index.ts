export {
  type Authority, certificateRequest, issue, newAuthority, NODE_LIFETIME_MS, type NodeNames,
} from "./authority.ts";
export {
  type CertificateFacts,
  certificateFacts,
  fingerprintOf,
  isDueForRenewal,
  isIssuedBy,
} from "./certificate.ts";
export { TrustError, type TrustErrorCode } from "./error.ts";
export {
  formatToken,
  isProof,
  type JoinToken,
  newSecret,
  parseToken,
  proofOf,
  type ProofEnds,
} from "./join-token.ts";
export { newKey } from "./key.ts";
