/** Routes of what bricks tell about single files. */
import { type Static, Type } from "./schema/schema.ts";
import { name, none, route, volume } from "./route.ts";

const TopEntry = Type.Object({
  path: Type.String({ description: "in the volume" }),
  count: Type.Integer({ minimum: 0 }),
});
const SpeedEntry = Type.Object({
  path: Type.String(),
  megabytes: Type.Number({ description: "MB/s of its fastest operation" }),
  timeMs: Type.Number({ description: "when that was, since 1970" }),
});

export const VolumeTop = Type.Object({
  name: Type.String(),
  bricks: Type.Array(
    Type.Object({
      host: Type.String(),
      path: Type.String(),
      top: Type.Optional(
        Type.Object({
          openNow: Type.Integer(),
          openMax: Type.Integer(),
          openMaxTimeMs: Type.Number({ description: "0: never" }),
          counts: Type.Object({
            open: Type.Array(TopEntry),
            read: Type.Array(TopEntry),
            write: Type.Array(TopEntry),
            opendir: Type.Array(TopEntry),
            readdir: Type.Array(TopEntry),
          }),
          readSpeed: Type.Array(SpeedEntry),
          writeSpeed: Type.Array(SpeedEntry),
        }),
      ),
      speed: Type.Optional(
        Type.Object({ megabytes: Type.Number(), microseconds: Type.Number() }),
      ),
    }),
  ),
});
export type VolumeTop = Static<typeof VolumeTop>;

export const VolumeTopBody = Type.Object(
  {
    brick: Type.Optional(Type.String({ maxLength: 4096, description: "HOST:/path" })),
    clear: Type.Optional(Type.Boolean({ description: "count anew" })),
    trial: Type.Optional(
      Type.Object(
        {
          kind: Type.Union([Type.Literal("read"), Type.Literal("write")]),
          blockBytes: Type.Integer({ minimum: 1, maximum: 64 * 1024 * 1024 }),
          count: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
        },
        { additionalProperties: false, description: "measure the brick's file system" },
      ),
    ),
  },
  { additionalProperties: false },
);

export const LockChoice = Type.Object(
  {
    path: Type.String({ minLength: 1, maxLength: 4096, pattern: "^/" }),
    which: Type.Union([Type.Literal("blocked"), Type.Literal("granted"), Type.Literal("all")]),
    kind: Type.Union([Type.Literal("inode"), Type.Literal("entry"), Type.Literal("posix")]),
    name: Type.Optional(name),
    range: Type.Optional(
      Type.Object(
        { start: Type.Integer({ minimum: 0 }), length: Type.Integer({ minimum: 0 }) },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
export type LockChoice = Static<typeof LockChoice>;

const ClearedLocks = Type.Object({
  name: Type.String(),
  bricks: Type.Array(
    Type.Object({
      host: Type.String(),
      path: Type.String(),
      blocked: Type.Integer({ minimum: 0 }),
      granted: Type.Integer({ minimum: 0 }),
    }),
  ),
});

export const volumeTopRoutes = {
  volumeTop: route({
    method: "POST", path: "/v1/volumes/:volume/top", tag: "volume",
    summary: "Which files are opened, read, written and listed most",
    params: volume, query: none, body: VolumeTopBody, result: VolumeTop,
  }),
  volumeClearLocks: route({
    method: "POST", path: "/v1/volumes/:volume/clear-locks", tag: "volume",
    summary: "Take locks away whose holders do not give them back",
    params: volume, query: none, body: LockChoice, result: ClearedLocks,
  }),
} as const;
