/**
 * HTTP on a unix socket: the routes of @mortar/api, their checks, and OpenAPI.
 *
 * What comes in is checked against the schema, and so is what goes out: an answer that is not of
 * its schema is a defect of ours and goes out as a problem, never as it is.
 */
import { chmodSync, rmSync } from "node:fs";
import {
  Problem,
  type Route,
  type RouteName,
  conforms,
  firstMismatch,
  fromText,
  routes,
  successOf,
} from "@mortar/api";
import swagger from "@fastify/swagger";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { LockTimeout } from "../locks.ts";
import type { Log } from "../log.ts";
import { type Handlers, type NodeControl, handlersOf } from "./handlers.ts";
import { loginOf } from "./operator.ts";
import {
  PROBLEM_TYPE,
  problemOfBusy,
  problemOfRequest,
  problemOfSurprise,
} from "./problem.ts";

/** A volume with ten thousand bricks, each named with a long path. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;
/** Names may be up to 1024 characters, each percent-encoded. */
const PARAM_CHARACTERS_MAX = 4096;

export interface HttpServerOptions {
  readonly node: NodeControl;
  readonly version: string;
  readonly log: Log;
  /** Named in the next step of an unexpected failure. */
  readonly logFile: string;
}

/** Not listening yet: tests inject requests. */
export async function httpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const server = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    routerOptions: { maxParamLength: PARAM_CHARACTERS_MAX },
    forceCloseConnections: "idle",
  });
  await server.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Mortar", version: options.version },
      tags: [{ name: "node" }, { name: "volume" }, { name: "snapshot" }],
    },
  });
  server.setValidatorCompiler(({ schema, httpPart }) => {
    const checked = schema as Route["body"];
    return (data: unknown) => {
      // A request without a body is one with no fields: `curl -X POST` is enough.
      const value = httpPart === "body" ? (data ?? {}) : fromText(checked, data);
      const mismatch = firstMismatch(checked, value);
      return mismatch === undefined
        ? { value }
        : { error: new Error(`${httpPart ?? "request"}: ${mismatch}`) };
    };
  });
  server.setSerializerCompiler(() => (data) => JSON.stringify(data));
  setErrorAnswers(server, options);
  const handlers = handlersOf(options.node);
  for (const name of Object.keys(routes) as RouteName[]) register(server, name, handlers, options);
  server.get("/v1/openapi.json", { schema: { hide: true } }, () => server.swagger());
  await server.ready();
  return server;
}

/** Listens on the socket, for its owner only. What a dead daemon left there is replaced. */
export async function listen(server: FastifyInstance, socketPath: string): Promise<void> {
  rmSync(socketPath, { force: true });
  const before = process.umask(0o177);
  try {
    await server.listen({ path: socketPath });
  } finally {
    process.umask(before);
  }
  chmodSync(socketPath, 0o600);
}

function register(
  server: FastifyInstance,
  name: RouteName,
  handlers: Handlers,
  options: HttpServerOptions,
): void {
  const route: Route = routes[name];
  const hasBody = route.body["type"] !== "undefined";
  const success = successOf(route.result);
  server.route({
    method: route.method,
    url: route.path,
    schema: {
      operationId: name,
      summary: route.summary,
      tags: [route.tag],
      params: route.params,
      querystring: route.query,
      ...(hasBody ? { body: route.body } : {}),
      response: { 200: success, default: Problem },
    },
    handler: async (request, reply) => {
      const answer = await handlers[name]({
        params: request.params as Record<string, string>,
        query: request.query as object,
        body: request.body ?? {},
        askLogin: async () => await loginOf(request.raw.socket),
      });
      if (!answer.ok) return sendProblem(reply, answer.problem);
      const { result, warnings, details } = answer;
      const body = { result, warnings, details };
      if (conforms(success, body)) return body;
      const mismatch = firstMismatch(success, body) ?? "";
      options.log.error({ route: name, mismatch }, "an answer is not of its schema");
      return sendProblem(
        reply,
        problemOfSurprise(new Error(`The answer is not of its schema: ${mismatch}`), options.logFile),
      );
    },
  });
}

function setErrorAnswers(server: FastifyInstance, options: HttpServerOptions): void {
  const { log, logFile } = options;
  server.setNotFoundHandler((request: FastifyRequest, reply) => {
    const detail = `There is no route ${request.method} ${request.url.slice(0, 200)}`;
    return sendProblem(reply, problemOfRequest(404, detail));
  });
  server.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error instanceof LockTimeout) return sendProblem(reply, problemOfBusy(error));
    const status = error.statusCode ?? 500;
    if (status >= 400 && status < 500) {
      return sendProblem(reply, problemOfRequest(status, error.message));
    }
    log.error({ err: error, method: request.method, url: request.url }, "request failed");
    return sendProblem(reply, problemOfSurprise(error, logFile));
  });
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).type(PROBLEM_TYPE).serializer(JSON.stringify).send(problem);
}
