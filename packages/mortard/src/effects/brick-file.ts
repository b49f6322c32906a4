/**
 * A sparse file as the disk of a group of bricks. It carries the id that it was made for as an
 * attribute; a file without one is never removed.
 */
import { closeSync, ftruncateSync, lstatSync, mkdirSync, openSync, realpathSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { attachLoop, detachLoop, getXattr, isErrno, listLoops, readLoop, setXattr } from "@mortar/linux";

const MARK = "trusted.mortar.brick-file";

export function fileRefusal(path: string): string | undefined {
  const isThere = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  return isThere ? `${path} is there already` : undefined;
}

/** The loop device. Throws when the file is somebody else's. */
export async function attachBrickFile(
  { path, sizeBytes }: { readonly path: string; readonly sizeBytes: number },
  id: string,
): Promise<string> {
  mkdirSync(dirname(path), { recursive: true });
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) {
    closeSync(openSync(path, "wx", 0o600));
  }
  if (isUnmarked(path)) setXattr(path, MARK, Buffer.from(id));
  else if (markOf(path) !== id) {
    throw new Error(`${path} is there already, and was not made for this brick`);
  }
  const descriptor = openSync(path, "r+");
  try {
    ftruncateSync(descriptor, sizeBytes);
  } finally {
    closeSync(descriptor);
  }
  const backingPath = realpathSync(path);
  const attached = listLoops().find((it) => it.backingPath === backingPath);
  return attached?.path ?? (await attachLoop({ backingPath, directIo: true }));
}

/** `path` is the file or its loop device. Of a file made for another id nothing is removed. */
export async function removeBrickFile(path: string, id: string | undefined): Promise<void> {
  const file = readLoop(path)?.backingPath ?? path;
  const mark = markOf(file);
  const isOurs = mark === undefined ? isUnmarked(file) : id === undefined || mark === id;
  if (!isOurs) return;
  for (const loop of listLoops()) {
    if (loop.backingPath === file) await detachLoop(loop.path);
  }
  rmSync(file, { force: true });
}

/** Whoever made it was interrupted before it had its mark; it holds nothing. */
function isUnmarked(path: string): boolean {
  const status = lstatSync(path, { throwIfNoEntry: false });
  return status?.isFile() === true && status.size === 0 && markOf(path) === undefined;
}

function markOf(path: string): string | undefined {
  try {
    const mark = getXattr(path, MARK);
    return mark === undefined ? undefined : Buffer.from(mark).toString();
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTSUP", "EOPNOTSUPP")) return undefined;
    throw error;
  }
}
