/**
 * What programs of this node wrote to their logs, from the end of the file on, or from where somebody
 * stopped reading: `INODE.OFFSET`, so that a file that was begun anew is read from its beginning.
 *
 * The name of a program is looked up among the files that there are: no path comes from a question.
 * One answer reads READ_BYTES_MAX at most, whatever the size of the file.
 */
import {
  closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync,
} from "node:fs";
import { basename, join } from "node:path";
import {
  conforms, type LogLine, LOG_LINES_MAX, LogQuery, type LogsTold, type LogUnit,
} from "@mortar/api";
import type { NodePaths } from "../paths.ts";
import { isAsBad, logLineOf } from "./log-line.ts";

const READ_BYTES_MAX = 1024 * 1024;
const LINES_DEFAULT = 200;
const NEWLINE = 10;
const DEFAULT_UNIT = "mortard";

export class LogMissing extends Error {
  override readonly name = "LogMissing";
}

export interface NodeLogsOptions {
  readonly paths: Pick<NodePaths, "logDirectory" | "brickLogDirectory" | "logFile">;
  readonly host: string;
}

interface Found extends LogUnit {
  readonly file: string;
}

export class NodeLogs {
  readonly #options: NodeLogsOptions;

  constructor(options: NodeLogsOptions) {
    this.#options = options;
  }

  /** Throws LogMissing. */
  read(query: LogQuery): LogsTold {
    const { unit = DEFAULT_UNIT, since = 0, level = "debug", after, limit = LINES_DEFAULT } = query;
    const found = this.#units();
    const wanted = found.find((it) => it.unit === unit);
    if (wanted === undefined) {
      throw new LogMissing(`${this.#options.host} has no log of ${unit}: ` +
        `there are ${found.map((it) => it.unit).join(", ")}`);
    }
    const isWanted = (line: LogLine): boolean =>
      isAsBad(line.level, level) && (since === 0 || (line.atMs ?? 0) >= since);
    const { lines, next, isCut } = readLines(wanted.file, { after, limit, isWanted });
    const units = found.map(({ file: _file, ...it }) => it);
    return { node: this.#options.host, unit, units, lines, next, isCut };
  }

  /** Of another node. Throws for what is no question, and LogMissing. */
  answerPeer(question: unknown): LogsTold {
    if (!conforms(LogQuery, question)) throw new Error("this is no question about logs");
    return this.read(question);
  }

  #units(): Found[] {
    const { logDirectory, brickLogDirectory, logFile } = this.#options.paths;
    return [
      ...unitOf(DEFAULT_UNIT, logFile),
      ...logsIn(logDirectory).filter((it) => it !== logFile).flatMap((it) => unitOf(wordOf(it), it)),
      ...logsIn(brickLogDirectory).flatMap((it) => unitOf(`brick:${wordOf(it)}`, it)),
    ];
  }
}

function logsIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter((it) => it.endsWith(".log")).sort()
      .map((it) => join(directory, it));
  } catch {
    return [];
  }
}

function wordOf(file: string): string {
  return basename(file, ".log");
}

/** A link is no log: it could lead anywhere. */
function unitOf(unit: string, file: string): Found[] {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) return [];
  return [{ unit, file, sizeBytes: stat.size, writtenAtMs: Math.round(stat.mtimeMs) }];
}

interface Reading {
  readonly after: string | undefined;
  readonly limit: number;
  readonly isWanted: (line: LogLine) => boolean;
}

type Lines = Pick<LogsTold, "lines" | "next" | "isCut">;

function readLines(file: string, { after, limit, isWanted }: Reading): Lines {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { ino, size } = fstatSync(fd);
    const [inode, offset] = (after ?? "").split(".").map(Number);
    const isOn = after !== undefined && inode === ino && offset! <= size;
    const from = after === undefined ? Math.max(0, size - READ_BYTES_MAX) : isOn ? offset! : 0;
    const bytes = Buffer.alloc(Math.min(READ_BYTES_MAX, size - from));
    const length = readSync(fd, bytes, 0, bytes.length, from);
    // A line that is being written is for the next question.
    const end = bytes.subarray(0, length).lastIndexOf(NEWLINE) + 1;
    const isTooLong = end === 0 && length === READ_BYTES_MAX;
    const begin = after === undefined && from > 0 ? bytes.indexOf(NEWLINE) + 1 : 0;
    const isOldest = after !== undefined;
    const { lines, consumed, isCut } =
      chosen(bytes.subarray(begin, end), Math.min(limit, LOG_LINES_MAX), isOldest, isWanted);
    const read = isOldest ? consumed : end;
    return {
      lines, next: `${ino}.${from + (isTooLong ? length : read)}`,
      isCut: isCut || (after === undefined ? from > 0 : from + end < size && length === READ_BYTES_MAX),
    };
  } finally {
    closeSync(fd);
  }
}

/** The oldest for who goes on reading, who comes again for the rest; else the newest. */
function chosen(
  bytes: Buffer, limit: number, isOldest: boolean, isWanted: (line: LogLine) => boolean,
): { lines: LogLine[]; consumed: number; isCut: boolean } {
  const lines: LogLine[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (isOldest && lines.length === limit) return { lines, consumed: at, isCut: true };
    const end = bytes.indexOf(NEWLINE, at);
    const text = bytes.toString("utf8", at, end);
    at = end + 1;
    const line = text === "" ? undefined : logLineOf(text);
    if (line !== undefined && isWanted(line)) lines.push(line);
  }
  const isCut = lines.length > limit;
  return { lines: isCut ? lines.slice(-limit) : lines, consumed: at, isCut };
}
