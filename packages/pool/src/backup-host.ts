/**
 * The thread that copies a pool's metadata: thin_dump's XML in gzip members of some MiB each, which
 * together are one gzip file. It has the lowest priority and descriptors of its own, and ends with
 * its one copy.
 */
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import { decodeSuperblock, dumpXml } from "@mortar/thin";
import type { BackupAnswer, BackupRequest } from "./backup-messages.ts";
import { SegmentedReader } from "./segmented-reader.ts";

const MEMBER_CHARACTERS = 4 * 1024 * 1024;
const LEVEL = 3;
const LOWEST_PRIORITY = 19;

const request = workerData as BackupRequest;

function copy(): void {
  const metadata = new SegmentedReader(request.metadata, request.devices);
  const fd = openSync(request.path, "wx", 0o600);
  try {
    let text = "";
    const put = (): void => {
      const member = gzipSync(text, { level: LEVEL });
      for (let done = 0; done < member.length;) done += writeSync(fd, member, done);
      text = "";
    };
    const superblock = decodeSuperblock(request.superblock, 0);
    const write = (piece: string): void => {
      text += piece;
      if (text.length >= MEMBER_CHARACTERS) put();
    };
    dumpXml({ metadata, superblock, write });
    put();
    fsyncSync(fd);
  } finally {
    closeSync(fd);
    metadata.close();
  }
}

function answer(): BackupAnswer {
  try {
    setPriority(0, LOWEST_PRIORITY); // Of this thread: Linux counts each by itself.
    copy();
    return { ok: true };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

const port = parentPort!;
port.postMessage(answer());
