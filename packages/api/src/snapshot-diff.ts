/** Schemas of the difference of two snapshots. */
import { type Static, Type } from "./schema/schema.ts";
import { bytes, name } from "./route.ts";

export const SnapshotDiffBody = Type.Object(
  {
    from: name,
    to: name,
    ranges: Type.Optional(Type.Boolean({ description: "also list them, 10,000 a brick at most" })),
  },
  {
    additionalProperties: false,
    description: "from: a snapshot; to: a later one, `live`, or the volume's name",
  },
);

export const SnapshotDiff = Type.Object({
  from: Type.String(),
  to: Type.String(),
  bricks: Type.Array(
    Type.Object({
      volume: Type.String(),
      host: Type.String(),
      path: Type.String(),
      writtenBytes: bytes("whole chunks that were written"),
      discardedBytes: bytes("whole chunks that were given back"),
      rangeCount: Type.Integer({ minimum: 0 }),
      chunkBytes: bytes("chunk of its thin pool"),
      ranges: Type.Array(
        Type.Object({
          kind: Type.Union([Type.Literal("written"), Type.Literal("discarded")]),
          offset: bytes("in the brick's logical volume"),
          length: bytes("a multiple of the chunk"),
        }),
        { description: "empty unless asked for" },
      ),
    }),
  ),
  writtenBytes: bytes("of all bricks that could be compared"),
  discardedBytes: bytes("of all bricks that could be compared"),
  complete: Type.Boolean({ description: "false: details name the bricks that are missing" }),
});
export type SnapshotDiff = Static<typeof SnapshotDiff>;
