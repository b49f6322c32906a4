/** Whom each request comes from, and the audit log's line about it. */
import type { AuditEntry, RouteName } from "@mortar/api";
import type { FastifyReply, FastifyRequest } from "fastify";
import { askedOf, type AuditLog } from "../access/audit-log.ts";
import type { Bearer } from "../access/tokens.ts";
import type { Log } from "../log.ts";
import { type Guard, Refused } from "./guard.ts";
import { loginOf } from "./operator.ts";

const PATH_CHARACTERS_MAX = 1024;

export class Callers {
  readonly #guard: Guard | undefined;
  readonly #audit: AuditLog;
  readonly #log: Log;
  readonly #bearers = new WeakMap<FastifyRequest, Bearer>();
  readonly #logins = new WeakMap<FastifyRequest, string>();

  /** Without a guard: those who can open the node's socket. */
  constructor(guard: Guard | undefined, audit: AuditLog, log: Log) {
    this.#guard = guard;
    this.#audit = audit;
    this.#log = log;
  }

  /** Throws `Refused`. */
  admit(route: RouteName, request: FastifyRequest): void {
    try {
      const bearer = this.#guard?.admit(route, request);
      if (bearer !== undefined) this.#bearers.set(request, bearer);
    } catch (error) {
      if (error instanceof Refused && error.bearer !== undefined) {
        this.#bearers.set(request, error.bearer);
      }
      throw error;
    }
  }

  bearerOf(request: FastifyRequest): Bearer | undefined {
    return this.#bearers.get(request);
  }

  /** Of the process at the other end of the socket, or the name of the token. */
  async loginOf(request: FastifyRequest): Promise<string | undefined> {
    if (this.#guard !== undefined) return this.#bearers.get(request)?.name;
    return await loginOf(request.raw.socket);
  }

  /** It is going to change something: once it has, its process may be gone. */
  async changes(request: FastifyRequest): Promise<void> {
    if (this.#guard !== undefined) return;
    this.#logins.set(request, (await this.loginOf(request)) ?? "root");
  }

  answered(route: RouteName, request: FastifyRequest, reply: FastifyReply): void {
    const bearer = this.#bearers.get(request);
    const asked = askedOf(request.body);
    const entry: AuditEntry = {
      timeMs: Date.now(),
      who: this.#logins.get(request) ?? bearer?.name ?? "nobody known",
      ...(bearer === undefined ? {} : { role: bearer.role }),
      from: this.#guard === undefined ? "socket" : request.ip,
      route,
      path: request.url.slice(0, PATH_CHARACTERS_MAX),
      ...(asked === undefined ? {} : { asked }),
      status: reply.statusCode,
      tookMs: Math.round(reply.elapsedTime),
    };
    try {
      this.#audit.write(entry);
    } catch (error) {
      // It was done, and is answered: the log of the daemon is where it is told now.
      this.#log.error({ err: error, entry }, "the audit log is not written");
    }
  }
}
