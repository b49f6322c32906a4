/**
 * The thread of one open snapshot: a client of its volume. What hangs there (a brick that is gone
 * without a word) holds up nobody else. The first message out is the answer 0: it is open, or why
 * not.
 */
import { parentPort, workerData } from "node:worker_threads";
import { type GfapiPlace, GfapiVolume, LinuxError } from "@mortar/linux";
import type {
  SnapshotAnswer, SnapshotOperation, SnapshotOperations, SnapshotRequest,
} from "./snapshot-messages.ts";

const EIO = 5;
const EBADF = 9;

type Perform = {
  readonly [Name in SnapshotOperation]: (
    args: SnapshotOperations[Name]["args"],
  ) => SnapshotOperations[Name]["result"];
};

function performing(volume: GfapiVolume): Perform {
  const listings = new Map<number, number>();
  const listing = (fd: number): number => {
    const found = listings.get(fd);
    if (found === undefined) throw new LinuxError("readdir", "a directory", EBADF);
    return found;
  };
  return {
    lookup: ({ parent, name }) => volume.lookup(parent, name),
    stat: ({ gfid }) => volume.stat(gfid),
    readlink: ({ gfid }) => volume.readlink(gfid),
    getXattr: ({ gfid, name }) => volume.getXattr(gfid, name),
    read: ({ gfid, offset, sizeBytes }) => volume.read(gfid, offset, sizeBytes),
    usage: () => volume.usage(),
    openDirectory: ({ gfid, fd }) => (listings.set(fd, volume.openDirectory(gfid)), null),
    closeDirectory: ({ fd }) => {
      volume.closeDirectory(listing(fd));
      listings.delete(fd);
      return null;
    },
    rewind: ({ fd }) => (volume.rewind(listing(fd)), null),
    list: ({ fd, countMax }) => volume.list(listing(fd), countMax),
    close: () => {
      for (const fd of listings.values()) volume.closeDirectory(fd);
      volume.close();
      return null;
    },
  };
}

function errnoOf(error: unknown): number {
  return error instanceof LinuxError ? error.errno : EIO;
}

const port = parentPort!;
const answer = (message: SnapshotAnswer): void => port.postMessage(message);

try {
  const perform = performing(new GfapiVolume(workerData as GfapiPlace));
  answer({ id: 0, result: null });
  port.on("message", ({ id, operation, args }: SnapshotRequest) => {
    try {
      const result = (perform[operation] as (of: object) => unknown)(args);
      answer({ id, result });
    } catch (error) {
      answer({ id, errno: errnoOf(error) });
    }
    if (operation === "close") port.close();
  });
} catch (error) {
  answer({ id: 0, errno: errnoOf(error) });
  port.close();
}
