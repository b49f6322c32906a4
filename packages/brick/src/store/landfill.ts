/**
 * What was being made or taken apart when the brick was cut off, and directories that were removed
 * with all that is in them. Everything here goes, and with it the handles of what has no other
 * name. Relative to the working directory, which is `.glusterfs`.
 */
import { lstatSync, readdirSync, rmdirSync, rmSync, unlinkSync } from "node:fs";
import { gfidText } from "./handle-path.ts";
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

function remove(path: string): void {
  const bytes = Buffer.from(path, "latin1");
  const stat = lstatSync(bytes);
  if (stat.isDirectory()) {
    for (const name of names(path)) remove(`${path}/${name}`);
    removeHandle(path, true);
    rmdirSync(bytes);
    return;
  }
  if (stat.nlink === LINKS_OF_NAMELESS && path.split("/").length > 2) removeHandle(path, false);
  unlinkSync(bytes);
}

/** Only what is a link of the same object: a directory's handle is a symbolic link. */
function removeHandle(path: string, isDirectory: boolean): void {
  const end = wholeScratch.write(`${path}\0`, TARGET, TARGET_BYTES, "latin1");
  if (end <= path.length) return;
  const length = calls.lgetxattr(
    addressAt(TARGET), ATTRIBUTE_NAME.gfid, addressAt(GFID), GFID_BYTES,
  );
  if (length !== GFID_BYTES) return;
  const text = gfidText(scratch.bytes.subarray(GFID, GFID + GFID_BYTES));
  const handle = `${text.slice(0, 2)}/${text.slice(2, 4)}/${text}`;
  const stat = lstatSync(handle, { throwIfNoEntry: false });
  if (stat === undefined || stat.isSymbolicLink() !== isDirectory) return;
  unlinkSync(handle);
}
