/** Thin pools that bricks are on: how full they are, and how they came to it. */
import { type Static, Type } from "./schema/schema.ts";
import { bytes, noBody, none, route } from "./route.ts";

export const PoolState = Type.Union([
  Type.Literal("ok"), Type.Literal("read-only"), Type.Literal("out-of-data"),
  Type.Literal("needs-check"), Type.Literal("failed"), Type.Literal("inactive"),
]);

export const PoolUse = Type.Object({
  host: Type.String(),
  vg: Type.String(),
  pool: Type.String(),
  state: PoolState,
  sizeBytes: bytes("what it can hold"),
  usedBytes: bytes("whole chunks that something has data in"),
  metadataPercent: Type.Number({ minimum: 0 }),
  history: Type.Array(
    Type.Object({
      atMs: Type.Integer({ description: "UTC milliseconds" }),
      bytes: bytes("used then"),
    }),
    { description: "as the node that answers has seen it, at most a week; farther back fewer" },
  ),
});
export type PoolUse = Static<typeof PoolUse>;

export const poolRoutes = {
  poolList: route({
    method: "GET", path: "/v1/pools", tag: "node",
    summary: "Thin pools that bricks are on, of the nodes that answer, and how they filled up",
    params: none, query: none, body: noBody, result: Type.Array(PoolUse),
  }),
} as const;
