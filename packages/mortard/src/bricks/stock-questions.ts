/**
 * What glusterfsd tells of itself over its unix socket, as Mortar's own bricks tell it. N counts
 * from 0, FOP is GlusterFS's internal number, BOOK -1 for all since the start, or the interval's:
 *
 * | procedure | question | keys of the answer |
 * |---|---|---|
 * | XLATOR_INFO | info-op 1, peek | interval, BOOK-duration (s), BOOK-total-read, -total-write |
 * | | | BOOK-read-BYTES, BOOK-write-BYTES: counts, by power of two |
 * | | | BOOK-FOP-hits, -avglatency, -minlatency, -maxlatency (ns) |
 * | | top-op 1 to 7, list-cnt | members, filename-N, value-N from 1 on, time-sec-N, time-usec-N |
 * | | | of top-op 1: current-open, max-open, max-openfd-time |
 * | STATUS | cmd, brick-name | clientcount, clientN.…; conn0.itable.…; callpool.count; mallinfo.… |
 * | | | conncount |
 *
 * The intervals end when they are read without `peek`.
 */
import type {
  BrickProfile, BrickProfileBook, BrickQuestion, BrickReport, BrickTop, TopKind,
} from "@mortar/cluster";
import {
  type BrickReply, Dictionary, type DictionaryInput, STATUS_COMMAND, brickOperation, statusRequest,
} from "@mortar/gluster";
import { type BrickAddress, exchange } from "./brick-client.ts";
import { BrickError } from "./brick-error.ts";

const INFO_ALL = 1;
const INFO_CLEAR = 4;
const CUMULATIVE = -1;
const LIST_MAX = 100;
const CLIENTS_MAX = 10_000;
const SIZES = 32;
const TOP_OPERATION = {
  open: 1, read: 2, write: 3, opendir: 4, readdir: 5,
} as const satisfies Record<TopKind, number>;
const READ_SPEED = 6;
const WRITE_SPEED = 7;

/** By internal number. */
const FOPS = (
  "NULL STAT READLINK MKNOD MKDIR UNLINK RMDIR SYMLINK RENAME LINK TRUNCATE OPEN READ WRITE " +
  "STATFS FLUSH FSYNC SETXATTR GETXATTR REMOVEXATTR OPENDIR FSYNCDIR ACCESS CREATE " +
  "FTRUNCATE FSTAT LK LOOKUP READDIR INODELK FINODELK ENTRYLK FENTRYLK XATTROP FXATTROP " +
  "FGETXATTR FSETXATTR RCHECKSUM SETATTR FSETATTR READDIRP FORGET RELEASE RELEASEDIR " +
  "GETSPEC FREMOVEXATTR FALLOCATE DISCARD ZEROFILL IPC SEEK LEASE COMPOUND GETACTIVELK " +
  "SETACTIVELK PUT ICREATE NAMELINK COPY_FILE_RANGE"
).split(" ");

/** Throws BrickError, of what glusterfsd does not tell, too. */
export async function askStock(
  brick: BrickAddress, path: string, question: BrickQuestion,
): Promise<object | null> {
  const info = async (input: Readonly<Record<string, DictionaryInput>>): Promise<Dictionary> => {
    const request = { name: path, op: 0, input: Dictionary.of(input), extra: new Dictionary() };
    return toldBy(brick, await exchange(brick, brickOperation.xlatorInfo, request));
  };
  const status = async (command: number): Promise<Dictionary> =>
    toldBy(brick, await exchange(brick, brickOperation.status, statusRequest(path, command)));
  switch (question) {
    case "profile": return stockProfile(await info({ "info-op": INFO_ALL, peek: "true" }));
    case "profile-next": return (await info({ "info-op": INFO_ALL }), null);
    case "profile-clear": return (await info({ "info-op": INFO_CLEAR }), null);
    case "top":
      return await topOf((operation) => info({ "top-op": operation, "list-cnt": LIST_MAX }));
    case "top-clear": return (await info({ "clear-stats": "true" }), null);
    case "clients": return clientsOf(await status(STATUS_COMMAND.clients));
    case "memory": return memoryOf(await status(STATUS_COMMAND.memory));
    case "inodes": return inodesOf(await status(STATUS_COMMAND.inodes));
    // It answers with a count of connections that is always 0, and no table of any.
    case "descriptors": return (await status(STATUS_COMMAND.fds), []);
    case "calls": {
      const queued = numberIn(await status(STATUS_COMMAND.callPool), "callpool.count");
      return { queued, held: 0 };
    }
    default:
      throw new BrickError(
        "not-supported",
        `The brick ${brick.name} is served by glusterfsd, which is not asked for its ${question}.`,
        { nextStep: "Set mortar.brick-engine to builtin, and start the volume again" },
      );
  }
}

function toldBy(brick: BrickAddress, { opRet, opErrno, opErrstr, output }: BrickReply): Dictionary {
  if (opRet === 0) return output;
  const reason = opErrstr === "" ? `errno ${opErrno}` : opErrstr;
  throw new BrickError("refused", `The brick ${brick.name} tells nothing of itself: ${reason}`);
}

function stockProfile(told: Dictionary): BrickProfile {
  const intervalNumber = numberIn(told, "interval");
  return {
    cumulative: bookOf(told, CUMULATIVE), interval: bookOf(told, intervalNumber), intervalNumber,
  };
}

function bookOf(told: Dictionary, book: number): BrickProfileBook {
  const sizes = (kind: string): number[] =>
    Array.from({ length: SIZES }, (_, power) => numberIn(told, `${book}-${kind}-${2 ** power}`));
  const time = (fop: number, kind: string): number =>
    numberIn(told, `${book}-${fop}-${kind}latency`) / 1000;
  const fops = FOPS.flatMap((name, fop) => {
    const count = numberIn(told, `${book}-${fop}-hits`);
    if (count === 0) return [];
    const [least, mean, most] = [time(fop, "min"), time(fop, "avg"), time(fop, "max")];
    return [{ name, count, least, mean, most }];
  });
  return {
    duration: numberIn(told, `${book}-duration`) * 1000,
    bytesRead: numberIn(told, `${book}-total-read`),
    bytesWritten: numberIn(told, `${book}-total-write`),
    readSizes: sizes("read"),
    writeSizes: sizes("write"),
    fops,
  };
}

async function topOf(ask: (operation: number) => Promise<Dictionary>): Promise<BrickTop> {
  const counts: Record<TopKind, { path: string; count: number }[]> = {
    open: [], read: [], write: [], opendir: [], readdir: [],
  };
  for (const kind of Object.keys(TOP_OPERATION) as TopKind[]) {
    const told = await ask(TOP_OPERATION[kind]);
    counts[kind] = listed(told).map(({ path, value }) => ({ path, count: value }));
  }
  const opened = await ask(TOP_OPERATION.open);
  const speeds = async (operation: number): Promise<BrickTop["readSpeed"]> => {
    const told = await ask(operation);
    return listed(told).map(({ path, value, place }) => ({
      path,
      megabytes: value,
      timeMs: numberIn(told, `time-sec-${place}`) * 1000 +
        Math.floor(numberIn(told, `time-usec-${place}`) / 1000),
    }));
  };
  return {
    openNow: numberIn(opened, "current-open"),
    openMax: numberIn(opened, "max-open"),
    openMaxTimeMs: timeOf(opened.text("max-openfd-time")),
    counts,
    readSpeed: await speeds(READ_SPEED),
    writeSpeed: await speeds(WRITE_SPEED),
  };
}

function listed(told: Dictionary): { path: string; value: number; place: number }[] {
  const length = Math.min(numberIn(told, "members"), LIST_MAX);
  return Array.from({ length }, (_, index) => index + 1).map((place) => ({
    path: told.text(`filename-${place}`) ?? "",
    value: numberIn(told, `value-${place}`),
    place,
  }));
}

/** `2026-11-22 15:34:08.123456 +0000`; 0 for what is none. */
function timeOf(text = ""): number {
  const found = /^(\S+) (\d\d:\d\d:\d\d\.\d{3})\d* \+0000$/.exec(text);
  return found === null ? 0 : Date.parse(`${found[1]}T${found[2]}Z`);
}

function clientsOf(told: Dictionary): NonNullable<BrickReport["clients"]> {
  const length = Math.min(numberIn(told, "clientcount"), CLIENTS_MAX);
  return Array.from({ length }, (_, index) => ({
    address: told.text(`client${index}.hostname`) ?? "",
    identity: "",
    processName: told.text(`client${index}.name`) ?? "",
    opVersion: numberIn(told, `client${index}.opversion`),
    bytesReceived: numberIn(told, `client${index}.bytesread`),
    bytesSent: numberIn(told, `client${index}.byteswrite`),
    openFiles: 0,
  }));
}

function inodesOf(told: Dictionary): NonNullable<BrickReport["inodes"]> {
  const of = (name: string): number => numberIn(told, `conn0.itable.${name}`);
  const active = of("active_size");
  return { limit: of("lru_limit"), active, known: active + of("lru_size") };
}

function memoryOf(told: Dictionary): NonNullable<BrickReport["memory"]> {
  const prefix = "mallinfo.";
  const names = told.keys().filter((key) => key.startsWith(prefix)).toSorted();
  return Object.fromEntries(names.map((key) => [key.slice(prefix.length), numberIn(told, key)]));
}

/** Decimals, too; 0 for what is not told. */
function numberIn(told: Dictionary, key: string): number {
  const value = Number(told.text(key) ?? 0);
  return Number.isFinite(value) ? value : 0;
}
