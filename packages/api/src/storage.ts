/** Schemas of the storage of bricks: made, placed, listed, and why it takes no snapshot. */
import { type Static, Type } from "./schema/schema.ts";

const text = Type.String({ minLength: 1, maxLength: 1024 });
const bytes = Type.Integer({ minimum: 1 });
const closed = { additionalProperties: false };

export const BrickCreateBody = Type.Object(
  {
    brick: Type.String({ maxLength: 1024, description: "HOST:/mount/point/directory" }),
    sizeBytes: bytes,
    vg: Type.Optional(text),
    device: Type.Optional(text),
    file: Type.Optional(text),
    pool: Type.Optional(text),
    poolSizeBytes: Type.Optional(bytes),
    name: Type.Optional(text),
    dryRun: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type BrickCreateBody = Static<typeof BrickCreateBody>;

export const BrickPlan = Type.Object({
  brick: Type.String({ description: "HOST:PATH" }),
  node: Type.String(),
  mountPoint: Type.String(),
  vg: Type.String(),
  pool: Type.String(),
  lv: Type.String(),
  sizeBytes: Type.Integer(),
  steps: Type.Array(Type.String(), { description: "as one would type them" }),
});
export type BrickPlan = Static<typeof BrickPlan>;

export const BrickPlaceBody = Type.Object(
  {
    volume: text,
    sizeBytes: bytes,
    setSize: Type.Integer({ minimum: 1, maximum: 64, description: "bricks of one set" }),
    setCount: Type.Optional(Type.Integer({ minimum: 1, maximum: 1024 })),
    nodes: Type.Optional(Type.Array(text, { maxItems: 1024 })),
    vg: Type.Optional(text),
    force: Type.Optional(Type.Boolean({ description: "promise more than the pools have" })),
    dryRun: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type BrickPlaceBody = Static<typeof BrickPlaceBody>;

export const MadeBrickInfo = Type.Object({
  brick: Type.String(),
  node: Type.String(),
  mountPoint: Type.String(),
  vg: Type.String(),
  pool: Type.String(),
  lv: Type.String(),
  sizeBytes: Type.Integer(),
  usedBy: Type.Array(Type.String(), { description: "`volume V`, `snapshot S`" }),
  dataPercent: Type.Optional(Type.String({ description: "how much is written, as lvs prints it" })),
});
export type MadeBrickInfo = Static<typeof MadeBrickInfo>;

export const BrickReadiness = Type.Object({
  volume: Type.String(),
  brick: Type.String(),
  node: Type.String(),
  obstacles: Type.Array(Type.Object({ detail: Type.String(), nextStep: Type.String() })),
  notes: Type.Array(Type.String()),
});
export type BrickReadiness = Static<typeof BrickReadiness>;

export const NodeLabel = Type.Object({ uuid: Type.String(), zone: Type.String() });
export const NodeLabelBody = Type.Object(
  { zone: Type.String({ maxLength: 64, description: "failure domain; empty: none" }) },
  closed,
);
