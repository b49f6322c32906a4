/** Schemas of who owns how much of a thin pool. */
import { type Static, Type } from "./schema/schema.ts";
import { bytes } from "./route.ts";

const volumeUse = {
  mappedBytes: bytes("whole chunks that the volume has data in"),
  exclusiveBytes: bytes("what removing this volume alone frees"),
  sharedBytes: bytes("the rest of what is mapped: other volumes have it as well"),
};

export const ReclaimableBody = Type.Object(
  {
    lvs: Type.Array(
      Type.Object(
        { vg: Type.String({ minLength: 1 }), lv: Type.String({ minLength: 1 }) },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 10_000, description: "thin volumes of active pools of this node" },
    ),
  },
  { additionalProperties: false },
);
export type ReclaimableBody = Static<typeof ReclaimableBody>;

export const PoolGain = Type.Object({
  host: Type.String(),
  vg: Type.String(),
  pool: Type.String(),
  lvs: Type.Array(
    Type.Object({ lv: Type.String(), ...volumeUse }),
  ),
  freedBytes: bytes("what removing all of `lvs`, and nothing else, frees"),
});
export type PoolGain = Static<typeof PoolGain>;

export const SnapshotReclaim = Type.Object({
  snapshots: Type.Array(Type.String()),
  pools: Type.Array(PoolGain),
  freedBytes: bytes("of all pools that could be asked; details name the others"),
});
export type SnapshotReclaim = Static<typeof SnapshotReclaim>;

export const SnapshotSpace = Type.Object({
  name: Type.String(),
  uuid: Type.String(),
  space: Type.Optional(
    Type.Object(
      {
        referencedBytes: bytes("all that it has, shared or not"),
        exclusiveBytes: bytes("what deleting it alone frees"),
        sharedBytes: bytes("what the volume or other snapshots have as well"),
      },
      { description: "absent: not all of its logical volumes could be asked about" },
    ),
  ),
});
export type SnapshotSpace = Static<typeof SnapshotSpace>;

const PlannedCommand = Type.Union([
  Type.Literal("snapshot delete"), Type.Literal("snapshot prune"),
  Type.Literal("snapshot deactivate"), Type.Literal("snapshot restore"),
  Type.Literal("volume stop"), Type.Literal("volume delete"),
  Type.Literal("volume remove-brick"), Type.Literal("volume replace-brick"),
  Type.Literal("volume reset-brick"), Type.Literal("peer detach"),
  Type.Literal("snapshot config"), Type.Literal("snapshot schedule delete"),
  Type.Literal("snapshot bookmark"),
]);

export const PlanBody = Type.Object(
  {
    command: PlannedCommand,
    snapshot: Type.Optional(Type.String()),
    volume: Type.Optional(Type.String()),
    all: Type.Optional(Type.Boolean()),
    safety: Type.Optional(Type.Boolean()),
    online: Type.Optional(Type.Boolean()),
    bricks: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), {
        minItems: 1, maxItems: 10_000,
        description: "HOST:/path; of replace-brick and reset-brick the former one and the new one",
      }),
    ),
    replica: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    action: Type.Optional(
      Type.Union(
        [
          Type.Literal("start"), Type.Literal("stop"), Type.Literal("status"),
          Type.Literal("commit"), Type.Literal("force"),
        ],
        { description: "of remove-brick and reset-brick" },
      ),
    ),
    host: Type.Optional(Type.String({ minLength: 1, description: "the node to be detached" })),
    name: Type.Optional(Type.String({ description: "of the schedule, or of the bookmark" })),
    autoDelete: Type.Optional(Type.String({ description: "as of snapshot config" })),
    hardLimit: Type.Optional(Type.Integer()),
    softLimitPercent: Type.Optional(Type.Integer()),
  },
  { additionalProperties: false },
);
export type PlanBody = Static<typeof PlanBody>;

export const Plan = Type.Object({
  command: PlannedCommand,
  steps: Type.Array(
    Type.Object({
      host: Type.Optional(Type.String()),
      action: Type.Union([
        Type.Literal("stop"), Type.Literal("unmount"), Type.Literal("remove"),
        Type.Literal("keep"), Type.Literal("replace"), Type.Literal("heal"),
        Type.Literal("move"), Type.Literal("lose"),
      ]),
      object: Type.String(),
      bytes: Type.Optional(bytes("what it holds, or is to get")),
    }),
  ),
  pools: Type.Array(PoolGain),
  freedBytes: bytes("of all pools that could be asked; details name the others"),
});
export type Plan = Static<typeof Plan>;

export const PoolReclaim = Type.Object({
  vg: Type.String(),
  pool: Type.String(),
  lvs: Type.Array(
    Type.Object({ lv: Type.String(), deviceId: Type.Integer({ minimum: 0 }), ...volumeUse }),
  ),
  freedBytes: bytes("what removing all of `lvs`, and nothing else, frees"),
});
export type PoolReclaim = Static<typeof PoolReclaim>;
