/**
 * The routes of @mortar/api over HTTP, their checks, and OpenAPI: on the node's unix socket, for whoever
 * may open it, and behind a guard for everybody else (web-listener.ts).
 *
 * What comes in is checked against the schema, and so is what goes out: an answer that is not of
 * its schema is a defect of ours and goes out as a problem, never as it is.
 */
import { chmodSync, chownSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import {
  IDEMPOTENCY_HEADER,
  mayBeTask,
  PREFER_HEADER,
  prefersAsync,
  Problem,
  requestHeadersOf,
  RESPOND_ASYNC,
  roleOf,
  type Route,
  type RouteName,
  conforms,
  firstMismatch,
  fromText,
  routes,
  successOf,
  takesIdempotencyKey,
  Task,
} from "@mortar/api";
import swagger from "@fastify/swagger";
import {
  type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifySchema,
  type FastifyServerFactory, fastify,
} from "fastify";
import { ConfigError } from "../config.ts";
import { LockTimeout } from "../locks.ts";
import type { Log } from "../log.ts";
import { accessHandlers, type AccessServices } from "./access-handlers.ts";
import { Callers } from "./callers.ts";
import { type Guard, Refused, SESSION_COOKIE } from "./guard.ts";
import { type Handlers, type Input, type NodeControl, handlersOf } from "./handlers.ts";
import { registerEventStream, watchRefusals } from "./event-handlers.ts";
import { registerFileDiff } from "./file-diff-route.ts";
import { registerContent } from "./file-handlers.ts";
import { madeOrTask } from "./task-handlers.ts";
import { registerMetrics } from "./metrics-route.ts";
import type { Reply } from "./reply.ts";
import { registerTransfers } from "./transfer-routes.ts";
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

const ACCEPTED = 202;
const acceptedTask = successOf(Task);

export interface HttpServerOptions {
  readonly node: NodeControl;
  readonly version: string;
  readonly log: Log;
  /** Named in the next step of an unexpected failure. */
  readonly logFile: string;
  readonly access: AccessServices;
  /** Absent: whoever can connect may do everything. */
  readonly guard?: Guard;
  readonly serverFactory?: FastifyServerFactory;
  /** Somebody there asked with a wrong token. */
  readonly onRefused?: (address: string) => void;
  /** What has to be registered before the routes. */
  readonly before?: (server: FastifyInstance) => Promise<void>;
}

/** Over the network; on the node's socket nothing is asked for. */
const securitySchemes = {
  bearer: { type: "http", scheme: "bearer", description: "a token: mortar token create" },
  session: { type: "apiKey", in: "cookie", name: SESSION_COOKIE, description: "POST /v1/session" },
} as const;

const problemContent = {
  description: "Why not, where, and what to do now",
  content: { [PROBLEM_TYPE]: { schema: Problem } },
} as const;

/** Not listening yet: tests inject requests. */
export async function httpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const server = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    routerOptions: { maxParamLength: PARAM_CHARACTERS_MAX },
    forceCloseConnections: "idle",
    ...(options.serverFactory && { serverFactory: options.serverFactory }),
  });
  await options.before?.(server);
  await server.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Mortar", version: options.version },
      tags: [{ name: "node" }, { name: "volume" }, { name: "snapshot" }],
      components: { securitySchemes },
      security: Object.keys(securitySchemes).map((scheme) => ({ [scheme]: [] })),
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
  const handlers = {
    ...handlersOf(options.node), ...accessHandlers(options.access, options.guard),
  };
  const served = {
    ...options, callers: new Callers(options.guard, options.access.audit, options.log),
  };
  for (const name of Object.keys(routes) as RouteName[]) register(server, name, handlers, served);
  registerTransfers(server, {
    prefix: "/v1/transfer", transfers: () => options.node.transfers,
    admit: (request) => void options.guard?.require("admin", request),
  });
  registerContent(server, {
    node: options.node, admit: (request) => void options.guard?.require("operator", request),
  });
  registerFileDiff(server, {
    node: options.node, admit: (request) => void options.guard?.require("operator", request),
  });
  registerMetrics(server, {
    metrics: () => options.node.metrics,
    admit: (request) => void options.guard?.require("viewer", request),
  });
  registerEventStream(server, {
    node: options.node, admit: (request) => void options.guard?.require("viewer", request),
  });
  if (options.guard !== undefined) watchRefusals(server, options.onRefused ?? (() => undefined));
  server.get("/v1/openapi.json", { schema: { hide: true } }, (request) => {
    options.guard?.require("viewer", request);
    return server.swagger();
  });
  await server.ready();
  return server;
}

/**
 * Listens on the socket, for its owner, and for the members of `group`. What a dead daemon left there
 * is replaced. Throws when there is no such group.
 */
export async function listen(
  server: FastifyInstance, socketPath: string, group?: string,
): Promise<void> {
  const gid = group === undefined ? undefined : groupId(group);
  rmSync(socketPath, { force: true });
  const before = process.umask(0o177);
  try {
    await server.listen({ path: socketPath });
  } finally {
    process.umask(before);
  }
  if (gid === undefined) {
    chmodSync(socketPath, 0o600);
    return;
  }
  const directory = dirname(socketPath);
  chownSync(directory, process.getuid!(), gid);
  chmodSync(directory, 0o710);
  chownSync(socketPath, process.getuid!(), gid);
  chmodSync(socketPath, 0o660);
}

function groupId(name: string): number {
  const line = readFileSync("/etc/group", "utf8").split("\n").find((it) => it.startsWith(`${name}:`));
  const id = Number(line?.split(":")[2]);
  if (line !== undefined && Number.isInteger(id)) return id;
  throw new ConfigError(`socketGroup: there is no group ${name}: groupadd --system ${name}`);
}

function register(
  server: FastifyInstance,
  name: RouteName,
  handlers: Handlers,
  options: HttpServerOptions & { readonly callers: Callers },
): void {
  const { callers, node } = options;
  const route: Route = routes[name];
  const success = successOf(route.result);
  const isChange = route.method !== "GET";
  const takesKey = takesIdempotencyKey(name);
  const isTaskable = mayBeTask(name);
  server.route({
    method: route.method,
    url: route.path,
    schema: schemaOf(name, success),
    onRequest: (request, _reply, done) => {
      callers.admit(name, request);
      done();
    },
    onResponse: async (request, reply) => {
      const isRefused = reply.statusCode === 401 || reply.statusCode === 403;
      if (isChange || isRefused) callers.answered(name, request, reply);
    },
    handler: async (request, reply) => {
      if (isChange) await callers.changes(request);
      const input: Input = {
        params: request.params as Record<string, string>,
        query: request.query as Record<string, unknown>,
        body: request.body ?? {},
        caller: callers.bearerOf(request),
        askLogin: async () => await callers.loginOf(request),
      };
      const isAsync = isTaskable && prefersAsync(String(request.headers[PREFER_HEADER] ?? ""));
      const make = async (): Promise<Reply<unknown>> => await madeOrTask(
        node, { name, path: request.url, input, isAsync }, () => handlers[name](input),
      );
      const key = takesKey ? request.headers[IDEMPOTENCY_HEADER] : undefined;
      const { answer, isRepeated } = typeof key !== "string"
        ? { answer: await make(), isRepeated: false }
        : await node.answers.once({
            key, who: (await callers.loginOf(request)) ?? "root", path: request.url,
            body: request.body,
          }, make);
      if (isRepeated) void reply.header("idempotent-replayed", "true");
      if (!answer.ok) return sendProblem(reply, answer.problem);
      if (answer.cookie !== undefined) void reply.header("set-cookie", answer.cookie);
      const { result, warnings, details, next, task, isAccepted = false } = answer;
      if (task !== undefined) void reply.header("location", `/v1/tasks/${task}`);
      if (isAccepted) void reply.code(ACCEPTED).header("preference-applied", RESPOND_ASYNC);
      const body = { result, warnings, details, ...(next === undefined ? {} : { next }) };
      const schema = isAccepted ? acceptedTask : success;
      if (conforms(schema, body)) return body;
      const mismatch = firstMismatch(schema, body) ?? "";
      options.log.error({ route: name, mismatch }, "an answer is not of its schema");
      return sendProblem(
        reply,
        problemOfSurprise(new Error(`The answer is not of its schema: ${mismatch}`), options.logFile),
      );
    },
  });
}

/** What OpenAPI tells of a route, and what requests are checked against. */
function schemaOf(name: RouteName, success: object): FastifySchema {
  const { summary, tag, params, query, body }: Route = routes[name];
  const headers = requestHeadersOf(name);
  return {
    operationId: name,
    summary,
    tags: [tag],
    params,
    querystring: query,
    ...(body["type"] === "undefined" ? {} : { body }),
    ...(headers === undefined ? {} : { headers }),
    ...(roleOf(name) === undefined ? { security: [] } : {}),
    response: {
      200: success, ...(mayBeTask(name) ? { 202: acceptedTask } : {}), default: problemContent,
    },
  };
}

function setErrorAnswers(server: FastifyInstance, options: HttpServerOptions): void {
  const { log, logFile } = options;
  server.setNotFoundHandler((request: FastifyRequest, reply) => {
    const detail = `There is no route ${request.method} ${request.url.slice(0, 200)}`;
    return sendProblem(reply, problemOfRequest(404, detail));
  });
  server.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error instanceof Refused) return sendProblem(reply, error.problem);
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
