/** What `volume status V clients|fd|callpool` asks of a brick, and a statedump of its locks. */
import { isInternal, wireLength } from "@mortar/brick-services";
import type { LockRange } from "@mortar/brick-services";
import type { Brick } from "../brick.ts";
import type { BrickServer } from "./brick-server.ts";

export interface ClientReport {
  /** IP:PORT */
  readonly address: string;
  readonly identity: string;
  /** Such as "fuse" or "gfapi…"; empty when it did not say. */
  readonly processName: string;
  readonly version: string;
  /** 0: it did not say. */
  readonly opVersion: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly openFiles: number;
}

export interface DescriptorReport {
  readonly identity: string;
  readonly open: readonly {
    /** The client's number for it. */
    readonly number: number;
    readonly gfid: string;
    /** Of open(2). */
    readonly flags: number;
    readonly isDirectory: boolean;
  }[];
}

/** Requests that wait: for a worker, and for a barrier that holds their answer. */
export interface CallReport {
  readonly queued: number;
  readonly held: number;
}

export function clientReports(server: BrickServer): ClientReport[] {
  return server.clients.flatMap(({ client, peer, bytesReceived, bytesSent }) =>
    client === undefined
      ? []
      : [{
          address: `${peer.address}:${peer.port}`,
          identity: client.identity,
          processName: client.newcomer?.processName ?? "",
          version: client.newcomer?.version ?? "",
          opVersion: client.newcomer?.opVersion ?? 0,
          bytesReceived,
          bytesSent,
          openFiles: client.openCount,
        }],
  );
}

export function descriptorReports(server: BrickServer): DescriptorReport[] {
  return server.clients.flatMap(({ client }) =>
    client === undefined || client.openCount === 0
      ? []
      : [{
          identity: client.identity,
          open: client.opened().map(({ number, file }) => ({
            number,
            gfid: uuidText(file.inode.gfid),
            flags: file.flags,
            isDirectory: file.isDirectory,
          })),
        }],
  );
}

export function callReport(brick: Brick): CallReport {
  return { queued: brick.workers.queued, held: brick.barrier.heldCount };
}

export interface LockReport {
  readonly kind: "inode" | "entry" | "posix";
  readonly gfid: string;
  /** Of internal locks. */
  readonly domain?: string;
  /** An entry's; absent: the whole directory. */
  readonly name?: string;
  /** In decimal; a length of 0 reaches to the end. */
  readonly range?: { readonly start: string; readonly length: string };
  readonly type: "read" | "write";
  readonly client: number;
  readonly pid: number;
  readonly waits: boolean;
}

/** The first ones; all of them may be many. */
export function lockReports({ locks }: Brick): LockReport[] {
  const found: LockReport[] = [];
  for (const { gfid, lock, waits } of locks.posix.locks()) {
    if (found.length === LOCKS_MAX) return found;
    const range = rangeText(lock);
    found.push({ kind: "posix", gfid: wordsText(gfid), range, ...who(lock), waits });
  }
  for (const lock of locks.inode.locks()) {
    if (found.length === LOCKS_MAX) return found;
    const { name, inode } = lock.domain!;
    found.push({
      kind: "inode", gfid: wordsText(inode.gfid), domain: name, range: rangeText(lock),
      ...who(lock), waits: lock.waiter !== undefined,
    });
  }
  for (const lock of locks.entry.locks()) {
    if (found.length === LOCKS_MAX) return found;
    const { name, inode } = lock.domain!;
    found.push({
      kind: "entry", gfid: wordsText(inode.gfid), domain: name, ...who(lock),
      ...(lock.name === undefined ? {} : { name: Buffer.from(lock.name).toString() }),
      waits: lock.waiter !== undefined,
    });
  }
  return found;
}

const LOCKS_MAX = 1000;

function who(lock: {
  readonly type: number; readonly client: number; readonly pid: number;
}): Pick<LockReport, "type" | "client" | "pid"> {
  const pid = isInternal(lock) ? lock.pid | 0 : lock.pid;
  return { type: lock.type === 0 ? "read" : "write", client: lock.client, pid };
}

function rangeText(range: LockRange): { start: string; length: string } {
  const { high, low } = wireLength(range);
  const text = (upper: number, lower: number): string =>
    String((BigInt(upper) << 32n) + BigInt(lower));
  return { start: text(range.startHigh, range.startLow), length: text(high, low) };
}

function wordsText(words: Uint32Array): string {
  const view = new DataView(new ArrayBuffer(16));
  for (const [index, word] of words.entries()) view.setUint32(4 * index, word, false);
  return uuidText(view);
}

function uuidText(gfid: DataView): string {
  const hex = Buffer.from(gfid.buffer, gfid.byteOffset, 16).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
