/**
 * Who asks over the network, and whether they may.
 *
 * A token comes with each request, as `Authorization: Bearer`, or in a cookie that a browser was given
 * for it. A cookie is sent by the browser whoever made the request: SameSite keeps other sites out,
 * and changes need a header besides, which a form of another site cannot set.
 */
import { isEnough, type Problem, type Role, roleOf, type RouteName } from "@mortar/api";
import type { FastifyRequest } from "fastify";
import type { AccessTokens, Bearer } from "../access/tokens.ts";
import { problemOfAccess } from "./problem.ts";

export const SESSION_COOKIE = "mortar-session";
const COOKIE_SECONDS = 30 * 24 * 3600;
/** The page sends it with all that it asks. */
const OWN_REQUEST_HEADER = "x-mortar-request";

export class Refused extends Error {
  override readonly name = "Refused";
  readonly problem: Problem;
  /** Who it was, if that is known. */
  readonly bearer: Bearer | undefined;
  constructor(problem: Problem, bearer?: Bearer) {
    super(problem.detail);
    this.problem = problem;
    this.bearer = bearer;
  }
}

export class Guard {
  readonly #tokens: AccessTokens;
  readonly #isSecure: boolean;

  /** `isSecure`: the connection is encrypted, so cookies are sent over such ones only. */
  constructor(tokens: AccessTokens, isSecure: boolean) {
    this.#tokens = tokens;
    this.#isSecure = isSecure;
  }

  /** Undefined for a route that is for everybody. Throws `Refused`. */
  admit(route: RouteName, request: FastifyRequest): Bearer | undefined {
    const needed = roleOf(route);
    return needed === undefined ? undefined : this.require(needed, request);
  }

  /** Throws `Refused`. */
  require(needed: Role, request: FastifyRequest): Bearer {
    const bearer = this.#bearerOf(request);
    if (!isEnough(bearer.role, needed)) {
      const detail = `${bearer.name} is ${article(bearer.role)}, and this takes ${article(needed)}.`;
      throw new Refused(problemOfAccess(403, detail), bearer);
    }
    return bearer;
  }

  /** For a browser that signs in; with `""`, for one that signs out. */
  cookieFor(token: string): { readonly cookie: string } {
    const seconds = token === "" ? 0 : COOKIE_SECONDS;
    const secure = this.#isSecure ? "; Secure" : "";
    const cookie =
      `${SESSION_COOKIE}=${token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`;
    return { cookie };
  }

  #bearerOf(request: FastifyRequest): Bearer {
    const header = request.headers.authorization;
    const given = header === undefined ? undefined : /^Bearer +(\S+)$/i.exec(header)?.[1];
    const cookie = given === undefined ? cookieOf(request.headers.cookie) : undefined;
    const bearer = this.#tokens.bearerOf(given ?? cookie ?? "");
    if (bearer === undefined) {
      const what = given ?? cookie;
      const detail = what === undefined ? "No token came with the request." : "The token is nobody's.";
      throw new Refused(problemOfAccess(401, detail));
    }
    const isOwn = request.method === "GET" || request.headers[OWN_REQUEST_HEADER] !== undefined;
    if (cookie === undefined || isOwn) return bearer;
    const detail = `With a cookie, a change needs the header ${OWN_REQUEST_HEADER}.`;
    throw new Refused(problemOfAccess(403, detail), bearer);
  }
}

function cookieOf(header: string | undefined): string | undefined {
  for (const part of header?.split(";") ?? []) {
    const [name, value] = part.trim().split("=", 2);
    if (name === SESSION_COOKIE && value !== undefined && value !== "") return value;
  }
  return undefined;
}

function article(role: Role): string {
  return role === "viewer" ? "a viewer" : `an ${role}`;
}
