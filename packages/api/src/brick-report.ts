/** Schemas of what bricks tell of themselves. */
import { type Static, Type } from "./schema/schema.ts";

export const BrickClient = Type.Object({
  address: Type.String({ description: "IP:PORT" }),
  identity: Type.String(),
  processName: Type.String({ description: "such as `fuse`; empty when it did not say" }),
  opVersion: Type.Integer(),
  bytesReceived: Type.Number(),
  bytesSent: Type.Number(),
  openFiles: Type.Integer(),
});
export type BrickClient = Static<typeof BrickClient>;

export const BrickDescriptors = Type.Object({
  identity: Type.String({ description: "of the client" }),
  open: Type.Array(
    Type.Object({
      number: Type.Integer({ description: "the client's number for it" }),
      gfid: Type.String(),
      flags: Type.Integer({ description: "of open(2)" }),
      isDirectory: Type.Boolean(),
    }),
  ),
});
export type BrickDescriptors = Static<typeof BrickDescriptors>;

export const BrickReport = Type.Object(
  {
    clients: Type.Optional(Type.Array(BrickClient)),
    descriptors: Type.Optional(Type.Array(BrickDescriptors)),
    calls: Type.Optional(
      Type.Object({
        queued: Type.Integer({ description: "requests that wait for the disk" }),
        held: Type.Integer({ description: "answers that a barrier holds back" }),
      }),
    ),
    inodes: Type.Optional(
      Type.Object({
        limit: Type.Integer({ description: "so many are kept in memory" }),
        active: Type.Integer({ description: "are open" }),
        known: Type.Integer({ description: "are in memory" }),
      }),
    ),
    memory: Type.Optional(Type.Record(Type.Number(), { description: "bytes" })),
  },
  { description: "what of it was asked for" },
);
export type BrickReport = Static<typeof BrickReport>;

export const ProfileBook = Type.Object({
  duration: Type.Number({ description: "milliseconds" }),
  bytesRead: Type.Number(),
  bytesWritten: Type.Number(),
  readSizes: Type.Array(Type.Number(), { description: "reads of 2^n bytes and more, at n" }),
  writeSizes: Type.Array(Type.Number()),
  fops: Type.Array(
    Type.Object({
      name: Type.String(),
      count: Type.Number(),
      least: Type.Number({ description: "microseconds" }),
      mean: Type.Number(),
      most: Type.Number(),
    }),
  ),
});
export type ProfileBook = Static<typeof ProfileBook>;

export const VolumeProfileBody = Type.Object(
  {
    action: Type.Union([Type.Literal("start"), Type.Literal("stop"), Type.Literal("info")]),
    part: Type.Optional(
      Type.Union(
        [Type.Literal("incremental"), Type.Literal("cumulative"), Type.Literal("clear")],
        { description: "of `info`; absent: both books; `clear` empties them" },
      ),
    ),
    peek: Type.Optional(Type.Boolean({ description: "looking does not end the interval" })),
  },
  { additionalProperties: false },
);
export type VolumeProfileBody = Static<typeof VolumeProfileBody>;

export const VolumeProfile = Type.Object({
  name: Type.String(),
  bricks: Type.Array(
    Type.Object({
      host: Type.String(),
      path: Type.String(),
      profile: Type.Optional(
        Type.Object({
          cumulative: ProfileBook,
          interval: ProfileBook,
          intervalNumber: Type.Integer(),
        }),
      ),
    }),
  ),
});
export type VolumeProfile = Static<typeof VolumeProfile>;

export const VolumeFiles = Type.Object({
  name: Type.String(),
  files: Type.Array(Type.Object({ host: Type.String(), file: Type.String() })),
});
export type VolumeFiles = Static<typeof VolumeFiles>;
