/** Files of snapshots: listed, and brought back into the live volume. Their content: see the docs. */
import { type Static, Type } from "./schema/schema.ts";
import { bytes, name, noBody, none, route, snapshot } from "./route.ts";

const path = Type.String({ minLength: 1, maxLength: 4096, description: "from the root, `/a/b`" });
const count = (description: string) => Type.Integer({ minimum: 0, description });

export const SnapshotFile = Type.Object({
  name: Type.String(),
  kind: Type.Union([
    Type.Literal("file"), Type.Literal("directory"), Type.Literal("link"), Type.Literal("other"),
  ]),
  sizeBytes: bytes("of a file's content"),
  modifiedMs: Type.Integer({ description: "UTC milliseconds" }),
  mode: Type.Integer({ description: "permission bits" }),
  uid: Type.Integer(),
  gid: Type.Integer(),
  target: Type.Optional(Type.String({ description: "of a symbolic link" })),
});
export type SnapshotFile = Static<typeof SnapshotFile>;

export const SnapshotFiles = Type.Object({
  self: SnapshotFile,
  entries: Type.Array(SnapshotFile, { description: "of a directory, in its own order" }),
  nextOffset: Type.Optional(Type.Integer({ description: "absent: there are no more" })),
});
export type SnapshotFiles = Static<typeof SnapshotFiles>;

export const FileRestoreBody = Type.Object(
  {
    path,
    volume: Type.Optional(name),
    target: Type.Optional(path),
    replace: Type.Optional(Type.Boolean({ description: "files that are there; default false" })),
    dryRun: Type.Optional(Type.Boolean({ description: "only count" })),
  },
  { additionalProperties: false, description: "target: in the live volume; default: `path`" },
);
export type FileRestoreBody = Static<typeof FileRestoreBody>;

export const FileRestored = Type.Object({
  target: Type.String(),
  files: count("files, and what is neither directory nor link"),
  directories: count("made, or likened to those of the snapshot"),
  links: count("symbolic links"),
  bytes: bytes("content of the files"),
  replaced: count("files and links that were there"),
  skipped: Type.Array(Type.String(), { description: "what cannot be brought back" }),
});
export type FileRestored = Static<typeof FileRestored>;

export const snapshotFileRoutes = {
  snapshotFiles: route({
    method: "GET", path: "/v1/snapshots/:snapshot/files", tag: "snapshot",
    summary: "What a directory of a snapshot holds; the snapshot is activated while it is looked at",
    params: snapshot,
    query: Type.Object(
      {
        path: Type.Optional(path),
        volume: Type.Optional(name),
        offset: Type.Optional(Type.Integer({ minimum: 0 })),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 5_000 })),
      },
      { additionalProperties: false, description: "volume: of a snapshot of several, which one" },
    ),
    body: noBody, result: SnapshotFiles,
  }),
  snapshotFileRestore: route({
    method: "POST", path: "/v1/snapshots/:snapshot/files", tag: "snapshot",
    summary: "Bring a file or a directory of a snapshot back into the live volume",
    params: snapshot, query: none, body: FileRestoreBody, result: FileRestored,
  }),
} as const;

/** Of `GET /v1/snapshots/:snapshot/content`: the bytes of a file, with ranges. */
export const SnapshotContentQuery = Type.Object(
  {
    path, volume: Type.Optional(name),
    download: Type.Optional(Type.Boolean({ description: "to be saved, not shown" })),
  },
  { additionalProperties: false },
);
export type SnapshotContentQuery = Static<typeof SnapshotContentQuery>;
