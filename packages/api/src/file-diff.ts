/**
 * Which files differ between two snapshots: `POST /v1/snapshot-diff/files`. No route of JSON, since
 * there may be millions: the answer is lines of JSON, `FileDiffLine`, of which the last one is `done`.
 */
import type { IncomingMessage } from "node:http";
import { type Static, Type } from "./schema/schema.ts";
import type { Problem } from "./answer.ts";
import { conforms } from "./check.ts";
import { ApiError, type MortarPlace } from "./http-exchange.ts";
import { bytes, name } from "./route.ts";
import { parsedJson, streamedAnswer } from "./streamed-answer.ts";

export const FILE_DIFF_PATH = "/v1/snapshot-diff/files";

export const FileDiffBody = Type.Object(
  {
    from: name,
    to: name,
    volume: Type.Optional(name),
    limit: Type.Optional(Type.Integer({ minimum: 1, description: "how many; absent: all" })),
  },
  {
    additionalProperties: false,
    description: "from: a snapshot; to: another one, `live`, or the volume's name",
  },
);
export type FileDiffBody = Static<typeof FileDiffBody>;

export const FileChange = Type.Object({
  change: Type.Union([
    Type.Literal("added"), Type.Literal("removed"), Type.Literal("modified"), Type.Literal("renamed"),
  ]),
  path: Type.String({ description: "in the later one; of what was removed, in the earlier one" }),
  pathBase64: Type.Optional(Type.String({ description: "when it is not UTF-8" })),
  formerPath: Type.Optional(Type.String({ description: "of what was renamed" })),
  kind: Type.Union([
    Type.Literal("file"), Type.Literal("directory"), Type.Literal("link"), Type.Literal("other"),
  ]),
  parts: Type.Array(
    Type.Union([
      Type.Literal("content"), Type.Literal("mode"), Type.Literal("owner"), Type.Literal("links"),
      Type.Literal("device"), Type.Literal("xattr"), Type.Literal("times"),
    ]),
    { description: "of what was modified or renamed" },
  ),
  sizeBytes: bytes("of a file's content"),
  formerSizeBytes: Type.Optional(bytes("of a file's content, before")),
});
export type FileChange = Static<typeof FileChange>;

const count = Type.Integer({ minimum: 0 });

export const FileDiffDone = Type.Object({
  added: count,
  removed: count,
  modified: count,
  renamed: count,
  directories: Type.Integer({ minimum: 0, description: "that were listed" }),
  entries: Type.Integer({ minimum: 0, description: "of the later one that were looked at" }),
  isCutOff: Type.Boolean({ description: "there may be more than the limit" }),
});
export type FileDiffDone = Static<typeof FileDiffDone>;

export const FileDiffLine = Type.Union([
  FileChange, Type.Object({ done: FileDiffDone }), Type.Object({ error: Type.String() }),
]);
export type FileDiffLine = Static<typeof FileDiffLine>;

const LINE_CHARACTERS_MAX = 64 * 1024;

export type FileDiffAnswer =
  | { readonly ok: true; readonly lines: AsyncGenerator<FileChange | { done: FileDiffDone }> }
  | { readonly ok: false; readonly problem: Problem };

/** Throws `ApiError`, the lines too: when they end without `done`, and with what they say went wrong. */
export async function fileDiff(place: MortarPlace, asked: FileDiffBody): Promise<FileDiffAnswer> {
  const answer = await streamedAnswer(place, { path: FILE_DIFF_PATH, body: asked });
  return answer.ok ? { ok: true, lines: linesOf(answer.incoming) } : answer;
}

async function* linesOf(incoming: IncomingMessage): AsyncGenerator<FileChange | { done: FileDiffDone }> {
  incoming.setEncoding("utf8");
  let text = "";
  for await (const part of incoming) {
    const lines = (text + String(part)).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      const told = parsedJson(line);
      if (!conforms(FileDiffLine, told)) throw new ApiError("bad-answer", "A line of the answer is none");
      if ("error" in told) throw new ApiError("bad-answer", told.error);
      yield told;
      if ("done" in told) return;
    }
    if (text.length > LINE_CHARACTERS_MAX) {
      throw new ApiError("bad-answer", "A line of the answer is too long");
    }
  }
  throw new ApiError("connection-failed", "The comparison was cut off: the log of mortard says why");
}
