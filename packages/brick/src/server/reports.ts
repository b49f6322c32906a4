/** What `volume status V clients|fd|callpool` asks of a brick. */
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

function uuidText(gfid: DataView): string {
  const hex = Buffer.from(gfid.buffer, gfid.byteOffset, 16).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
