/** `snapshot diff --files`: which files of the volume differ, told as they are found. */
import { once } from "node:events";
import { join } from "node:path";
import { ApiError, type FileChange, fileDiff, type FileDiffBody, type FileDiffDone } from "@mortar/api";
import { shownSize } from "../shown-size.ts";
import { presentProblem } from "./answer.ts";
import { type Session, UsageError } from "./command.ts";
import { quotedPath } from "./quoted-path.ts";

const signs: Readonly<Record<FileChange["change"], string>> = {
  added: "+", removed: "-", modified: "M", renamed: "R",
};

export async function printFileDiff(session: Session, asked: FileDiffBody): Promise<number> {
  if (session.format === "xml") throw new UsageError("With --files there is text, or --json.");
  const place = { socketPath: join(session.root, "run/mortar/mortard.sock") };
  try {
    const answer = await fileDiff(place, asked);
    if (!answer.ok) {
      return presentProblem(session, answer.problem, { failed: "snapshot diff: failed: " });
    }
    for await (const line of answer.lines) await write(session, line);
    return 0;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (session.format === "json") throw error;
    session.io.stderr.write(`snapshot diff: failed: ${error.message}\n`);
    return 1;
  }
}

/** A line of JSON each: there may be millions. */
async function write(session: Session, line: FileChange | { done: FileDiffDone }): Promise<void> {
  const { stdout } = session.io;
  const text = session.format === "json"
    ? `${JSON.stringify(line)}\n`
    : "done" in line ? sumText(line.done) : changeText(line);
  const hasRoom: unknown = stdout.write(text);
  if (hasRoom === false && "once" in stdout) await once(stdout as NodeJS.WriteStream, "drain");
}

function changeText(told: FileChange): string {
  const { change, path, formerPath, kind, parts, sizeBytes, formerSizeBytes } = told;
  const shown = quotedPath(kind === "directory" && path !== "/" ? `${path}/` : path);
  const former = formerPath === undefined ? "" : `${quotedPath(formerPath)} -> `;
  const what = parts.map((it) =>
    it === "content" && formerSizeBytes !== undefined && formerSizeBytes !== sizeBytes
      ? `content ${shownSize(formerSizeBytes)} -> ${shownSize(sizeBytes)}`
      : it);
  return `${signs[change]} ${former}${shown}${what.length === 0 ? "" : `  (${what.join(", ")})`}\n`;
}

function sumText({ added, removed, modified, renamed, directories, isCutOff }: FileDiffDone): string {
  const counts = `${added} added, ${removed} removed, ${modified} modified, ${renamed} renamed`;
  return `${counts}; ${directories} directories compared${isCutOff ? "; there may be more" : ""}\n`;
}
