/** `snapshot diff --files`: which files of the volume differ, told as they are found. */
import { once } from "node:events";
import { join } from "node:path";
import { ApiError, type FileChange, fileDiff, type FileDiffBody, type FileDiffDone } from "@mortar/api";
import { presentProblem } from "./answer.ts";
import { type Session, UsageError } from "./command.ts";
import { bytesText } from "./snapshot-space.ts";

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
  const shown = quoted(kind === "directory" && path !== "/" ? `${path}/` : path);
  const former = formerPath === undefined ? "" : `${quoted(formerPath)} -> `;
  const what = parts.map((it) =>
    it === "content" && formerSizeBytes !== undefined && formerSizeBytes !== sizeBytes
      ? `content ${bytesText(formerSizeBytes)} -> ${bytesText(sizeBytes)}`
      : it);
  return `${signs[change]} ${former}${shown}${what.length === 0 ? "" : `  (${what.join(", ")})`}\n`;
}

/** A name may have a line feed in it, and what a terminal takes for a command. */
function quoted(path: string): string {
  // oxlint-disable-next-line no-control-regex -- those are what is looked for
  return /[\u0000-\u001f\u007f-\u009f]/.test(path) ? JSON.stringify(path) : path;
}

function sumText({ added, removed, modified, renamed, directories, isCutOff }: FileDiffDone): string {
  const counts = `${added} added, ${removed} removed, ${modified} modified, ${renamed} renamed`;
  return `${counts}; ${directories} directories compared${isCutOff ? "; there may be more" : ""}\n`;
}
