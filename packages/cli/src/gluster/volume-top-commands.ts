/** `gluster volume top|clear-locks`: what is asked about single files. */
import type { LockChoice, VolumeTop } from "@mortar/api";
import { element, type XmlElement } from "../xml.ts";
import { operationOutput, present, presentProblem } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";

const LIST_MAX = 100;
const NAME_WIDTH = 47;
const TIME_WIDTH = 26;

/** With stock's numbers of its XML. */
const operations = {
  open: 1, read: 2, write: 3, opendir: 4, readdir: 5, "read-perf": 6, "write-perf": 7,
} as const;
type Operation = keyof typeof operations;

export const volumeTopCommands: readonly GlusterCommand[] = [
  {
    words: ["volume", "clear-locks"],
    usage:
      "volume clear-locks <VOLNAME> <path> kind {blocked|granted|all}{inode [range]|entry " +
      "[basename]|posix [range]}",
    help: "Clear locks held on path",
    run: clearLocks,
  },
  {
    words: ["volume", "top"],
    usage:
      "volume top <VOLNAME> {open|read|write|opendir|readdir|clear} [nfs|brick <brick>] [list-cnt " +
      "<value>] | {read-perf|write-perf} [bs <size> count <count>] [brick <brick>] [list-cnt <value>]",
    help: "volume top operations",
    run: top,
  },
];

interface TopWords {
  readonly brick?: string;
  readonly limit: number;
  readonly blockBytes?: number;
  readonly count?: number;
}

async function top(session: Session, args: readonly string[]): Promise<number> {
  const [volume, word, ...words] = args;
  if (volume === undefined || word === undefined) throw new UsageError();
  const isClear = word === "clear";
  if (!isClear && !Object.hasOwn(operations, word)) throw new UsageError();
  const asked = wordsOf(words);
  const { brick, limit, blockBytes, count } = asked;
  const isSpeed = word.endsWith("-perf");
  if (!isSpeed && (blockBytes !== undefined || count !== undefined)) throw new UsageError();
  if ((blockBytes === undefined) !== (count === undefined)) {
    throw new UsageError("Need to give both 'bs' and 'count'");
  }
  const client = await session.client();
  const kind = word === "read-perf" ? "read" : "write";
  const answer = await client.volumeTop(volume, {
    ...(brick === undefined ? {} : { brick }),
    ...(isClear ? { clear: true } : {}),
    ...(blockBytes === undefined ? {} : { trial: { kind, blockBytes, count: count ?? 0 } }),
  });
  const operation = word as Operation;
  if (!answer.ok) {
    const opErrstr = `${answer.problem.opErrstr}\nvolume top unsuccessful`;
    return presentProblem(inText(session), { ...answer.problem, opErrstr }, { failed: "" });
  }
  return present(session, answer, {
    text: (it) => (isClear ? clearedText(it) : topText(it, operation, limit)),
    xml: (it) => (isClear ? [] : topXml(it, operation, limit)),
    failed: "",
  });
}

/** Stock has no document for it. */
function inText(session: Session): Session {
  return session.strict && session.format === "xml" ? { ...session, format: "text" } : session;
}

function wordsOf(words: readonly string[]): TopWords {
  let found: TopWords = { limit: LIST_MAX };
  for (let index = 0; index < words.length; index += 2) {
    const [word, value] = words.slice(index, index + 2);
    if (word === "nfs") {
      throw new UsageError("volume top: nfs is not supported by this version of Mortar.");
    }
    if (value === undefined) throw new UsageError();
    if (word === "brick") found = { ...found, brick: value };
    else if (word === "list-cnt") found = { ...found, limit: limitOf(value) };
    else if (word === "bs") found = { ...found, blockBytes: positive("block size", value) };
    else if (word === "count") found = { ...found, count: positive("count", value) };
    else throw new UsageError();
  }
  return found;
}

/** As in stock, 0 is no limit of one's own. */
function limitOf(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= LIST_MAX) return value === 0 ? LIST_MAX : value;
  throw new UsageError(`list-cnt should be between 0 to ${LIST_MAX}`);
}

function positive(what: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value > 0) return value;
  throw new UsageError(`${what} should be an integer greater than zero`);
}

interface Line {
  readonly path: string;
  readonly value: number;
  readonly timeMs?: number;
}

type TopBrick = VolumeTop["bricks"][number];

function linesOf({ top: it }: TopBrick, operation: Operation, limit: number): Line[] {
  if (it === undefined) return [];
  if (operation === "read-perf" || operation === "write-perf") {
    const found = operation === "read-perf" ? it.readSpeed : it.writeSpeed;
    return found.slice(0, limit).map(({ path, megabytes, timeMs }) => ({
      path, value: Math.floor(megabytes), timeMs,
    }));
  }
  return it.counts[operation].slice(0, limit).map(({ path, count }) => ({ path, value: count }));
}

function topText(it: VolumeTop, operation: Operation, limit: number): string {
  return it.bricks.map((brick) => brickText(brick, operation, limit)).join("");
}

function brickText(brick: TopBrick, operation: Operation, limit: number): string {
  const lines = linesOf(brick, operation, limit);
  let text = `Brick: ${brick.host}:${brick.path}\n`;
  if (operation === "open" && brick.top !== undefined) {
    const { openNow, openMax, openMaxTimeMs } = brick.top;
    text += `Current open fds: ${openNow}, Max open fds: ${openMax}, ` +
      `Max openfd time: ${openMaxTimeMs === 0 ? "N/A" : timeText(openMaxTimeMs)}\n`;
  }
  if (brick.speed !== undefined) {
    const { megabytes, microseconds } = brick.speed;
    text += `Throughput ${megabytes.toFixed(2)} MBps time ${(microseconds / 1e6).toFixed(4)} secs\n`;
  }
  if (lines.length === 0) return text;
  const isSpeed = lines[0]?.timeMs !== undefined;
  text += isSpeed
    ? row("MBps", "Filename", "Time") + row("====", "========", "====")
    : "Count\t\tfilename\n=======================\n";
  const lineText = ({ path, value, timeMs }: Line) =>
    timeMs === undefined
      ? `${value}\t\t${path}\n` : row(String(value), shortened(path), rowTime(timeMs));
  return text + lines.map(lineText).join("");
}

function row(speed: string, name: string, time: string): string {
  return `${speed.padStart(4)} ${name.padEnd(NAME_WIDTH)} ${time.padEnd(TIME_WIDTH)}\n`;
}

/** The end of a long name tells more than its beginning. */
function shortened(path: string): string {
  return path.length <= NAME_WIDTH ? path : `...${path.slice(3 - NAME_WIDTH)}`;
}

/** `2026-11-22 15:34:08 +0000.123000`: so stock's rows have it, without zeros in front. */
function rowTime(timeMs: number): string {
  const iso = new Date(timeMs).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} +0000.${Math.round((timeMs % 1000) * 1000)}`;
}

/** `2026-11-22 15:34:08.123000 +0000` */
function timeText(timeMs: number): string {
  const iso = new Date(timeMs).toISOString();
  const micro = String(Math.round((timeMs % 1000) * 1000)).padStart(6, "0");
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}.${micro} +0000`;
}

function clearedText({ bricks }: VolumeTop): string {
  return bricks.map(({ host, path }) => `Cleared stats for brick ${host}:${path}\n`).join("");
}

function topXml(it: VolumeTop, operation: Operation, limit: number): XmlElement[] {
  const bricks = it.bricks.map((brick) => brickXml(brick, operation, limit));
  return [
    element("volTop", [
      element("brickCount", bricks.length), element("topOp", operations[operation]), ...bricks,
    ]),
  ];
}

function brickXml(brick: TopBrick, operation: Operation, limit: number): XmlElement {
  const lines = linesOf(brick, operation, limit);
  const { top: counts, speed } = brick;
  const parts = [
    element("name", `${brick.host}:${brick.path}`), element("members", lines.length),
  ];
  if (operation === "open" && counts !== undefined) {
    const { openNow, openMax, openMaxTimeMs } = counts;
    const time = openMaxTimeMs === 0 ? "N/A" : timeText(openMaxTimeMs);
    parts.push(
      element("currentOpen", openNow), element("maxOpen", openMax), element("maxOpenTime", time),
    );
  }
  if (speed !== undefined) {
    parts.push(
      element("throughput", speed.megabytes.toFixed(6)),
      element("timeTaken", speed.microseconds.toFixed(6)),
    );
  }
  const files = lines.map(({ path, value, timeMs }) =>
    element("file", [
      element("filename", path),
      element("count", value),
      ...(timeMs === undefined ? [] : [element("time", timeText(timeMs))]),
    ]));
  return element("brick", [...parts, ...files]);
}

async function clearLocks(session: Session, args: readonly string[]): Promise<number> {
  const [volume, path, word, which, kind, detail, ...more] = args;
  if (volume === undefined || path === undefined || kind === undefined || more.length > 0) {
    throw new UsageError();
  }
  if (word !== "kind") throw new UsageError("Error parsing options", "stdout");
  const choice = choiceOf(which, kind, detail);
  const asText = inText(session);
  if (choice === undefined) {
    session.io.stderr.write(
      "Volume clear-locks unsuccessful\n" +
      "clear-locks getxattr command failed. Reason: Invalid argument\n",
    );
    return 1;
  }
  const locks = { path: path.startsWith("/") ? path : `/${path}`, ...choice };
  const client = await session.client();
  const done = "Volume clear-locks successful\n";
  return present(asText, await client.volumeClearLocks(volume, locks), {
    text: ({ bricks }) => {
      const lines = bricks
        .filter(({ blocked, granted }) => blocked + granted > 0)
        .map(({ host, path: brick, blocked, granted }) =>
          `${host}:${brick}/: ${kind} blocked locks=${blocked} granted locks=${granted}\n`);
      return done + (lines.length === 0 ? "No locks cleared.\n" : lines.join(""));
    },
    xml: () => operationOutput("volClearLocks", "Volume clear-locks successful"),
    failed: "Volume clear-locks unsuccessful\n",
  });
}

/** `undefined`: a range that is none. */
function choiceOf(
  which: string | undefined,
  kind: string,
  detail: string | undefined,
): Omit<LockChoice, "path"> | undefined {
  const isWhich = which === "blocked" || which === "granted" || which === "all";
  const isKind = kind === "inode" || kind === "entry" || kind === "posix";
  if (!isWhich || !isKind) throw new UsageError("Error parsing options", "stdout");
  if (detail === undefined) return { which, kind };
  if (kind === "entry") return { which, kind, name: detail };
  const range = /^\d+,(\d+)-(\d+)$/.exec(detail);
  if (range === null) return undefined;
  return { which, kind, range: { start: Number(range[1]), length: Number(range[2]) } };
}
