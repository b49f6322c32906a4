/** The record of a stream that is kept in parts: `stream.json`. docs/formats/snapshot-stream.md */
import { type Static, Type } from "../schema/schema.ts";
import { StreamPoint } from "./stream-header.ts";

export const KeptStream = Type.Object({
  schema: Type.Literal(1),
  snapshot: StreamPoint,
  base: Type.Optional(StreamPoint),
  volume: Type.String(),
  createdAtMs: Type.Integer({ minimum: 0 }),
  /** In order; the digest is in hexadecimal. */
  parts: Type.Array(
    Type.Object({
      bytes: Type.Integer({ minimum: 1 }), sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
    }),
    { minItems: 1, maxItems: 1_000_000 },
  ),
});
export type KeptStream = Static<typeof KeptStream>;
