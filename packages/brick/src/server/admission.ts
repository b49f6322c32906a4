/**
 * Whether a client may come in. Two judges, as in GlusterFS, each of which accepts, refuses or does
 * not care; one refusal is enough to refuse, and somebody has to accept:
 *
 * | judge | accepts | refuses |
 * |---|---|---|
 * | address | one of allow | one of reject |
 * | login, without TLS | name and password | the name, with another password |
 * | login, with TLS | the certificate's common name is in the list, or there is none | all others |
 *
 * Patterns for a directory count for mounts of just that: "/d(10.0.*|10.1.*)". As soon as there is
 * one, a mount of the whole volume is of "/"; a mount of a directory that is not named is refused.
 */
import { addressMatches } from "./address-pattern.ts";
import type { BrickAuthentication } from "../spec.ts";

export interface Applicant {
  readonly address: string;
  readonly port: number;
  /** Of the verified certificate; undefined: no TLS. */
  readonly commonName?: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** "/" is the whole volume. */
  readonly directory: string;
}

type Verdict = "accept" | "refuse" | "indifferent";
const PRIVILEGED_PORT_MAX = 1023;

export function admits(
  rules: BrickAuthentication | undefined, allowsInsecurePorts: boolean, who: Applicant,
): boolean {
  if (!allowsInsecurePorts && who.port > PRIVILEGED_PORT_MAX && who.commonName === undefined) {
    return false;
  }
  const verdicts = [judgeAddress(rules ?? {}, who), judgeLogin(rules ?? {}, who)];
  return !verdicts.includes("refuse") && verdicts.includes("accept");
}

function judgeAddress(rules: BrickAuthentication, who: Applicant): Verdict {
  const fits = (pattern: string): boolean => addressMatches(pattern, who.address);
  if ((rules.reject ?? []).some(fits)) return "refuse";
  const allow = rules.allow ?? ["*"];
  const hasDirectories = allow.some((pattern) => pattern.startsWith("/"));
  const accepted = allow.some((pattern) => {
    if (!hasDirectories) return fits(pattern);
    const [, directory, addresses] = /^(\/[^(]*)\(([^)]*)\)$/.exec(pattern) ?? [];
    return directory === who.directory && (addresses ?? "").split("|").some(fits);
  });
  if (accepted) return "accept";
  // The login of a trusted node is good for every directory; a stranger's name is not.
  return "indifferent";
}

function judgeLogin(rules: BrickAuthentication, who: Applicant): Verdict {
  if (who.commonName !== undefined) {
    const names = rules.certificateNames ?? ["*"];
    const isListed = names.includes("*") || names.includes(who.commonName);
    return isListed ? "accept" : "refuse";
  }
  if (who.username === undefined || who.password === undefined) return "indifferent";
  const login = (rules.logins ?? []).find(({ username }) => username === who.username);
  if (login === undefined) return "indifferent";
  return login.password === who.password ? "accept" : "refuse";
}
