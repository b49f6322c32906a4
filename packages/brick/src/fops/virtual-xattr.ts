/** Names that are questions to the brick, not attributes of the file system. */
import { hostname } from "node:os";
import { readlinkSync } from "node:fs";
import { typed } from "@mortar/gluster";
import type { TypedValue } from "@mortar/gluster";
import type { Brick } from "../brick.ts";
import { Errno } from "../store/errno.ts";
import { GFID_TEXT_BYTES, writeGfidText } from "../store/handle-path.ts";
import { nameAt, scratch } from "../store/scratch.ts";

const PATHINFO = new Set(["trusted.glusterfs.pathinfo", "glusterfs.pathinfo"]);
const REAL_NAME = "glusterfs.get_real_filename:";
const GFID_TO_PATH = new Set(["glusterfs.gfidtopath", "trusted.glusterfs.gfidtopath"]);
const NODE = new Set(["trusted.glusterfs.node-uuid", "glusterfs.node-uuid"]);
const NODES = new Set(["trusted.glusterfs.list-node-uuids", "glusterfs.list-node-uuids"]);

/** The answer, an errno, or undefined: it is an ordinary name. */
export function virtualAttribute(
  brick: Brick, slot: number, name: string,
): TypedValue | number | undefined {
  if (PATHINFO.has(name)) {
    const host = brick.spec.options?.hostname ?? hostname();
    return typed.text(`<POSIX(${brick.spec.path}):${host}:${realPath(brick, slot)}>`);
  }
  if (NODE.has(name) || NODES.has(name)) {
    const uuid = brick.spec.options?.nodeUuid;
    return uuid === undefined ? Errno.ENODATA : typed.text(uuid);
  }
  if (name === "glusterfs.gfid.string") return typed.text(slotText(brick, slot));
  if (GFID_TO_PATH.has(name)) {
    return typed.text(realPath(brick, slot).slice(brick.spec.path.length));
  }
  if (name.startsWith(REAL_NAME)) return Errno.EOPNOTSUPP;
  return undefined;
}

function slotText(brick: Brick, slot: number): string {
  const at = nameAt(1);
  writeGfidText(scratch.bytes, at, brick.objects.table.words, 4 * slot);
  return Buffer.from(scratch.bytes.buffer, at, GFID_TEXT_BYTES).toString("latin1");
}

/** Of a directory where it is; of a file one of its names. */
function realPath(brick: Brick, slot: number): string {
  const { objects } = brick;
  if (objects.isDirectory(slot)) {
    return readlinkSync(`/proc/self/fd/${objects.openDirectory(slot)}`);
  }
  const text = slotText(brick, slot);
  return `${brick.spec.path}/.glusterfs/${text.slice(0, 2)}/${text.slice(2, 4)}/${text}`;
}
