/**
 * What was being made or taken apart when the brick was cut off, and directories that were removed
 * with all that is in them. Everything here goes, and with it the handles of what has no other
 * name; what has one loses the note of this one. Relative to the working directory, which is
 * `.glusterfs`.
 */
import { lstatSync, readdirSync, rmdirSync, rmSync, unlinkSync } from "node:fs";
import { basename } from "node:path";
import { gfidText } from "./handle-path.ts";
import { removeParentLink } from "./parent-link.ts";
import {
  addressAt, ATTRIBUTE_NAME, calls, GFID, scratch, TARGET, TARGET_BYTES,
} from "./scratch.ts";

const GFID_BYTES = 16;
const wholeScratch = Buffer.from(scratch.bytes.buffer);
/** A file in here and its handle. */
const LINKS_OF_NAMELESS = 2;

export function emptyLandfill(): void {
  for (const name of names("landfill")) remove(`landfill/${name}`);
}

/** Files without a name that were open: nobody has them open now. */
export function emptyUnlinked(): void {
  for (const name of names("unlink")) rmSync(`unlink/${name}`, { force: true });
}

/** Names in latin1 keep every byte. */
function names(path: string): string[] {
  return readdirSync(Buffer.from(path, "latin1"), { encoding: "latin1" });
}

/** `parent`: the gfid of the directory that it is in; undefined: that is the landfill. */
function remove(path: string, parent?: string): void {
  const bytes = Buffer.from(path, "latin1");
  const stat = lstatSync(bytes);
  if (stat.isDirectory()) {
    const gfid = gfidOf(path);
    for (const name of names(path)) remove(`${path}/${name}`, gfid);
    removeHandle(gfid, true);
    rmdirSync(bytes);
    return;
  }
  if (parent !== undefined) {
    if (stat.nlink === LINKS_OF_NAMELESS) removeHandle(gfidOf(path), false);
    else if (writePath(path)) removeParentLink(addressAt(TARGET), parent, basename(path));
  }
  unlinkSync(bytes);
}

/** Only what is a link of the same object: a directory's handle is a symbolic link. */
function removeHandle(gfid: string | undefined, isDirectory: boolean): void {
  if (gfid === undefined) return;
  const handle = `${gfid.slice(0, 2)}/${gfid.slice(2, 4)}/${gfid}`;
  const stat = lstatSync(handle, { throwIfNoEntry: false });
  if (stat === undefined || stat.isSymbolicLink() !== isDirectory) return;
  unlinkSync(handle);
}

function gfidOf(path: string): string | undefined {
  if (!writePath(path)) return undefined;
  const length = calls.lgetxattr(
    addressAt(TARGET), ATTRIBUTE_NAME.gfid, addressAt(GFID), GFID_BYTES,
  );
  if (length !== GFID_BYTES) return undefined;
  return gfidText(scratch.bytes.subarray(GFID, GFID + GFID_BYTES));
}

/** Into TARGET. False: it is too long. */
function writePath(path: string): boolean {
  return wholeScratch.write(`${path}\0`, TARGET, TARGET_BYTES, "latin1") > path.length;
}
