/** Schemas of who owns how much of a thin pool. */
import { type Static, Type } from "@sinclair/typebox";

const bytes = (description: string) => Type.Integer({ minimum: 0, description });

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

export const PoolReclaim = Type.Object({
  vg: Type.String(),
  pool: Type.String(),
  lvs: Type.Array(
    Type.Object({
      lv: Type.String(),
      deviceId: Type.Integer({ minimum: 0 }),
      mappedBytes: bytes("whole chunks that the volume has data in"),
      exclusiveBytes: bytes("what removing this volume alone frees"),
      sharedBytes: bytes("the rest of what is mapped: other volumes have it as well"),
    }),
  ),
  freedBytes: bytes("what removing all of `lvs`, and nothing else, frees"),
});
export type PoolReclaim = Static<typeof PoolReclaim>;
