/** What programs of a node wrote to their logs: read from their end, by the name of the program. */
import { type Static, Type } from "./schema/schema.ts";
import { name, noBody, route } from "./route.ts";

export const LOG_LINES_MAX = 1_000;
const LINE_CHARACTERS_MAX = 8_192;

export const LogLevel = Type.Union([
  Type.Literal("debug"), Type.Literal("info"), Type.Literal("warning"), Type.Literal("error"),
]);
export type LogLevel = Static<typeof LogLevel>;

export const LogLine = Type.Object({
  atMs: Type.Optional(Type.Integer({ description: "UTC milliseconds; absent: it does not say" })),
  level: LogLevel,
  text: Type.String({ maxLength: LINE_CHARACTERS_MAX + 1 }),
});
export type LogLine = Static<typeof LogLine>;

export const LogUnit = Type.Object({
  unit: Type.String({ description: "mortard, etcd, brick:NAME, …" }),
  sizeBytes: Type.Integer({ minimum: 0 }),
  writtenAtMs: Type.Integer(),
});
export type LogUnit = Static<typeof LogUnit>;

export const LogQuery = Type.Object(
  {
    unit: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description: "default: mortard" })),
    since: Type.Optional(Type.Integer({ minimum: 0, description: "UTC milliseconds" })),
    level: Type.Optional(LogLevel),
    after: Type.Optional(
      Type.String({
        pattern: "^[0-9]{1,20}\\.[0-9]{1,16}$", description: "`next` of before: what came since",
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LOG_LINES_MAX })),
  },
  { additionalProperties: false, description: "level: this, and what is worse" },
);
export type LogQuery = Static<typeof LogQuery>;

export const LogsTold = Type.Object({
  node: Type.String({ description: "host" }),
  unit: Type.String(),
  units: Type.Array(LogUnit, { description: "whose logs there are" }),
  lines: Type.Array(LogLine, { maxItems: LOG_LINES_MAX, description: "the oldest first" }),
  next: Type.String({ description: "`after` of the next question" }),
  isCut: Type.Boolean({ description: "there was more than is told" }),
});
export type LogsTold = Static<typeof LogsTold>;

export const logRoutes = {
  nodeLogs: route({
    method: "GET", path: "/v1/nodes/:node/logs", tag: "node",
    summary: "The last lines of a program's log on a node, or those since the last question",
    params: Type.Object({ node: name }, { description: "uuid or host, or `self`" }),
    query: LogQuery, body: noBody, result: LogsTold,
  }),
} as const;
