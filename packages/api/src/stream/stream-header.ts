/** What a snapshot stream says of itself: its first frame, and its last. JSON in UTF-8. */
import { type Static, Type } from "../schema/schema.ts";
import type { TSchema } from "../schema/schema.ts";
import { conforms, firstMismatch } from "../check.ts";
import { damaged, type Frame } from "./stream-frame.ts";

const uuid = Type.String({ pattern: "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" });
const word = Type.String({ minLength: 1, maxLength: 1024 });
const count = Type.Integer({ minimum: 0, maximum: 65_535 });

/** A snapshot at one moment: activating it writes into it, which `state` counts. */
export const StreamPoint = Type.Object({
  name: word,
  id: uuid,
  state: Type.Integer({ minimum: 0 }),
});
export type StreamPoint = Static<typeof StreamPoint>;

export const StreamBrick = Type.Object({
  /** The brick's id in the volume that it is of: the same in all snapshots of it. */
  id: word,
  sizeBytes: Type.Integer({ minimum: 1, maximum: 2 ** 52 }),
  /** `delta`: `same` is what the base has there; `full`: there is no `same`. */
  kind: Type.Union([Type.Literal("full"), Type.Literal("delta")]),
  fsType: Type.String({ pattern: "^[a-z0-9]{1,16}$" }),
  mountOptions: Type.String({ maxLength: 4096 }),
  /** The brick directory below its mount point: empty, or with a slash in front. */
  below: Type.String({ maxLength: 4096, pattern: "^(/[^/\\u0000-\\u001f\"\\\\]+)*$" }),
});
export type StreamBrick = Static<typeof StreamBrick>;

export const StreamVolume = Type.Object({
  name: word,
  id: uuid,
  kind: Type.Union([
    Type.Literal("distribute"), Type.Literal("replicate"), Type.Literal("disperse"),
  ]),
  replicaCount: count,
  arbiterCount: count,
  disperseCount: count,
  redundancyCount: count,
  options: Type.Array(Type.Object({ name: word, value: Type.String({ maxLength: 65_536 }) })),
});
export type StreamVolume = Static<typeof StreamVolume>;

export const StreamPlace = Type.Object({ brick: count, offset: Type.Integer({ minimum: 0 }) });
/** Everything before it is there already. */
export type StreamPlace = Static<typeof StreamPlace>;

export const StreamHeader = Type.Object({
  snapshot: StreamPoint,
  description: Type.Optional(Type.String({ maxLength: 4096 })),
  createdAtMs: Type.Integer({ minimum: 0 }),
  /** What the receiver must have; absent: nothing. */
  base: Type.Optional(StreamPoint),
  /** The base has to be in this very state, since only what differs from it is sent. */
  isBaseExact: Type.Optional(Type.Boolean()),
  volume: StreamVolume,
  bricks: Type.Array(StreamBrick, { minItems: 1, maxItems: 65_535 }),
  /** Where it goes on; absent: at its beginning. */
  resume: Type.Optional(StreamPlace),
});
export type StreamHeader = Static<typeof StreamHeader>;

export const StreamEnd = Type.Object({
  frames: Type.Integer({ minimum: 0 }),
  dataBytes: Type.Integer({ minimum: 0 }),
  holeBytes: Type.Integer({ minimum: 0 }),
  sameBytes: Type.Integer({ minimum: 0 }),
  /** Of all bytes of the stream before this frame, in hexadecimal. */
  sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
});
export type StreamEnd = Static<typeof StreamEnd>;

/** Throws `StreamError`. */
export function headerOf(frame: Frame): StreamHeader {
  const header = textOf(StreamHeader, frame, "header");
  const { resume, bricks, base } = header;
  if (resume !== undefined && resume.offset > (bricks[resume.brick]?.sizeBytes ?? -1)) {
    throw damaged("it goes on at a place that no brick of it has");
  }
  if (base === undefined && bricks.some((it) => it.kind === "delta")) {
    throw damaged("it has differences, and nothing that they are to");
  }
  return header;
}

export function endOf(frame: Frame): StreamEnd {
  return textOf(StreamEnd, frame, "end");
}

function textOf<S extends TSchema>(schema: S, frame: Frame, what: string): Static<S> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(frame.payload));
  } catch (cause) {
    throw damaged(`its ${what} is not JSON`, { cause });
  }
  if (conforms(schema, value)) return value;
  throw damaged(`its ${what}: ${firstMismatch(schema, value) ?? "not of its schema"}`);
}
