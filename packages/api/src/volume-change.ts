/** Schemas of commands that change a volume's bricks, and of rebalance. */
import { type Static, Type } from "./schema/schema.ts";

const BRICKS_MAX = 10_000;
const bricks = Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), {
  minItems: 1, maxItems: BRICKS_MAX, description: "HOST:/absolute/path",
});
const closed = { additionalProperties: false };

const brick = Type.String({
  minLength: 1, maxLength: 4096, description: "HOST:/absolute/path",
});
const copies = Type.Integer({
  minimum: 1, maximum: 1000, description: "copies of each file from then on",
});

export const AddBrickBody = Type.Object(
  {
    bricks,
    replica: Type.Optional(copies),
    arbiter: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 1, description: "1: the last copy has names only" }),
    ),
    force: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type AddBrickBody = Static<typeof AddBrickBody>;

export const RemoveBrickBody = Type.Object(
  {
    bricks,
    action: Type.Union([
      Type.Literal("start"), Type.Literal("status"), Type.Literal("stop"),
      Type.Literal("commit"), Type.Literal("force"),
    ]),
    replica: Type.Optional(copies),
  },
  closed,
);
export type RemoveBrickBody = Static<typeof RemoveBrickBody>;

export const ReplaceBrickBody = Type.Object({ source: brick, target: brick }, closed);
export type ReplaceBrickBody = Static<typeof ReplaceBrickBody>;

export const ResetBrickBody = Type.Object(
  {
    source: brick,
    action: Type.Union([Type.Literal("start"), Type.Literal("commit"), Type.Literal("force")]),
    target: Type.Optional(brick),
  },
  closed,
);
export type ResetBrickBody = Static<typeof ResetBrickBody>;

export const RebalanceBody = Type.Object(
  {
    action: Type.Union([
      Type.Literal("start"), Type.Literal("force"), Type.Literal("fix-layout"),
      Type.Literal("stop"), Type.Literal("status"),
    ]),
  },
  closed,
);
export type RebalanceBody = Static<typeof RebalanceBody>;

/** In stock's words. */
const TaskStatus = Type.Union([
  Type.Literal("not started"), Type.Literal("in progress"), Type.Literal("stopped"),
  Type.Literal("completed"), Type.Literal("failed"), Type.Literal("fix-layout in progress"),
  Type.Literal("fix-layout stopped"), Type.Literal("fix-layout completed"),
  Type.Literal("fix-layout failed"),
]);

export const TaskProgress = Type.Object({
  host: Type.String({ description: "`localhost` for the node that was asked" }),
  peerId: Type.String({ description: "uuid of the node" }),
  status: TaskStatus,
  files: Type.Number(),
  sizeBytes: Type.Number(),
  lookups: Type.Number(),
  failures: Type.Number(),
  skipped: Type.Number(),
  seconds: Type.Number(),
});
export type TaskProgress = Static<typeof TaskProgress>;

export const VolumeTaskReport = Type.Object({
  name: Type.String(),
  id: Type.Optional(Type.String()),
  fixLayout: Type.Boolean(),
  status: TaskStatus,
  nodes: Type.Array(TaskProgress),
});
export type VolumeTaskReport = Static<typeof VolumeTaskReport>;
