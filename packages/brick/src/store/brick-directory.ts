/**
 * The brick directory itself: checked and prepared before anything is served.
 *
 *     trusted.glusterfs.volume-id   of the root: the 16 bytes of the volume's id, or it is not ours
 *     trusted.gfid                  of the root: 15 zeros and a 1
 *     .glusterfs/00 … ff            first level of the handles, mode 0700
 *     .glusterfs/00/00/0000…0001    the root's handle, a link to ../../..
 *     .glusterfs/unlink             files without a name that are open
 *     .glusterfs/landfill           what is being made or taken apart: emptied at the start
 *     .glusterfs/indices, changelogs, health_check
 */
import {
  closeSync, constants, existsSync, mkdirSync, openSync, rmSync, symlinkSync, writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { getXattr, setXattr, tryFlock } from "@mortar/linux";
import { gfidBytes } from "./handle-path.ts";
import { emptyLandfill, emptyUnlinked } from "./landfill.ts";

export class BrickError extends Error {
  override readonly name = "BrickError";
}

export interface BrickDirectory {
  readonly path: string;
  readonly brickFd: number;
  /** Of `.glusterfs`; the working directory of the process, too. */
  readonly glusterfsFd: number;
  readonly volumeId: Uint8Array;
}

const VOLUME_ID = "trusted.glusterfs.volume-id";
const ROOT_GFID = "00000000-0000-0000-0000-000000000001";
const OPEN = constants.O_RDONLY | constants.O_DIRECTORY;

/** `volumeId` as text. Throws BrickError or LinuxError. Changes the working directory. */
export function openBrickDirectory(path: string, volumeId: string): BrickDirectory {
  const id = gfidBytes(volumeId);
  if (id.length !== 16) throw new BrickError(`${volumeId} is no volume id: a UUID is needed`);
  checkVolume(path, id);
  const root = gfidBytes(ROOT_GFID);
  const gfid = getXattr(path, "trusted.gfid");
  if (gfid === undefined) setXattr(path, "trusted.gfid", root);
  else if (Buffer.compare(gfid, root) !== 0) {
    throw new BrickError(`${path}: its gfid is not a root's: it lies inside of another brick`);
  }
  const brickFd = openSync(path, OPEN);
  if (!tryFlock(brickFd, "exclusive", path)) {
    closeSync(brickFd);
    throw new BrickError(`${path}: another brick server has it: stop that first`);
  }
  prepareTree(join(path, ".glusterfs"));
  process.chdir(join(path, ".glusterfs"));
  // What was interrupted is absent; if it had its name already, a lookup makes its handle anew.
  emptyLandfill();
  emptyUnlinked();
  return { path, brickFd, glusterfsFd: openSync(".", OPEN), volumeId: id };
}

export function closeBrickDirectory(directory: BrickDirectory): void {
  closeSync(directory.brickFd);
  closeSync(directory.glusterfsFd);
}

function checkVolume(path: string, id: Uint8Array): void {
  const found = getXattr(path, VOLUME_ID);
  if (found === undefined) {
    throw new BrickError(
      `${path}: the attribute ${VOLUME_ID} is missing: ` +
        "it is no brick, or its file system is not mounted",
    );
  }
  if (Buffer.compare(found, id) !== 0) {
    throw new BrickError(
      `${path}: it is of volume ${Buffer.from(found).toString("hex")}, ` +
        `not ${Buffer.from(id).toString("hex")}`,
    );
  }
}

function prepareTree(glusterfs: string): void {
  mkdirSync(glusterfs, { recursive: true, mode: 0o600 });
  for (let value = 0; value < 256; value++) {
    makeDirectory(join(glusterfs, value.toString(16).padStart(2, "0")), 0o700);
  }
  makeDirectory(join(glusterfs, "00", "00"), 0o700);
  const root = join(glusterfs, "00", "00", ROOT_GFID);
  if (!existsSync(root)) {
    rmSync(root, { force: true });
    symlinkSync("../../..", root);
  }
  for (const name of ["unlink", "landfill", "indices", "changelogs"]) {
    makeDirectory(join(glusterfs, name), 0o700);
  }
  writeFileSync(join(glusterfs, "health_check"), "");
}

function makeDirectory(path: string, mode: number): void {
  if (!existsSync(path)) mkdirSync(path, { mode });
}
