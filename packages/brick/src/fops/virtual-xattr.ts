/** Names that are questions to the brick, not attributes of the file system. */
import { readdirSync, readlinkSync } from "node:fs";
import { typed } from "@mortar/gluster";
import type { TypedValue } from "@mortar/gluster";
import type { Brick } from "../brick.ts";
import { Errno } from "../store/errno.ts";
import { GFID_TEXT_BYTES, gfidBytes, writeGfidText } from "../store/handle-path.ts";
import { INDEX_KIND } from "../store/index-directory.ts";
import {
  addressAt, attributeName, nameAt, scratch, VALUE, VALUE_BYTES,
} from "../store/scratch.ts";
import { attributeNames } from "./reply-xdata.ts";

const PATHINFO = new Set(["trusted.glusterfs.pathinfo", "glusterfs.pathinfo"]);
const REAL_NAME = "glusterfs.get_real_filename:";
/** All names of an object, from the brick's root; and one of them. */
const ALL_PATHS = new Set(["glusterfs.gfidtopath", "trusted.glusterfs.gfidtopath"]);
const ONE_PATH = "glusterfs.gfid2path";
const PARENT_LINK = "trusted.gfid2path.";
const NODE = new Set(["trusted.glusterfs.node-uuid", "glusterfs.node-uuid"]);
/** The directories of the index of pending heals, and how many objects are in them. */
const INDEX_GFIDS: ReadonlyMap<string, number> = new Map([
  ["glusterfs.xattrop_index_gfid", INDEX_KIND.pending],
  ["glusterfs.xattrop_dirty_gfid", INDEX_KIND.dirty],
  ["glusterfs.xattrop_entry_changes_gfid", INDEX_KIND.entries],
]);
const INDEX_COUNTS: ReadonlyMap<string, number> = new Map([
  ["glusterfs.xattrop_index_count", INDEX_KIND.pending],
  ["glusterfs.xattrop_dirty_count", INDEX_KIND.dirty],
]);
const NODES = new Set(["trusted.glusterfs.list-node-uuids", "glusterfs.list-node-uuids"]);

/** The answer, an errno, or undefined: it is an ordinary name. */
export function virtualAttribute(
  brick: Brick, slot: number, name: string,
): TypedValue | number | undefined {
  const indexed = INDEX_GFIDS.get(name);
  if (indexed !== undefined) return typed.bytes(brick.index.gfid(indexed));
  const counted = INDEX_COUNTS.get(name);
  if (counted !== undefined) return typed.uint(brick.index.directory.count(counted));
  if (PATHINFO.has(name)) return typed.text(`${serverOf(brick)}:${realPath(brick, slot)}>`);
  if (NODE.has(name) || NODES.has(name)) {
    const { nodeUuid } = brick.options;
    return nodeUuid === "" ? Errno.ENODATA : typed.text(nodeUuid);
  }
  if (name === "glusterfs.gfid.string") return typed.text(slotText(brick, slot));
  if (ALL_PATHS.has(name)) {
    const paths = pathsOf(brick, slot);
    if (paths.length === 0) return Errno.ENODATA;
    return pathText(paths.join(brick.options.parentLinkSeparator));
  }
  if (name === ONE_PATH) return pathText(onePathOf(brick, slot));
  if (name.startsWith(REAL_NAME)) return realName(brick, slot, name.slice(REAL_NAME.length));
  return undefined;
}

/** What a path's information begins with: the brick, and who serves it. */
export function serverOf(brick: Brick): string {
  const { hostname, nodeUuid, nodeUuidInPathinfo } = brick.options;
  const host = nodeUuidInPathinfo && nodeUuid !== "" ? nodeUuid : hostname;
  return `<POSIX(${brick.spec.path}):${host}`;
}

/** The entry that differs from a name at most in the case of its letters. `name` in latin1. */
function realName(brick: Brick, slot: number, name: string): TypedValue | number {
  const { objects } = brick;
  if (!objects.isDirectory(slot)) return Errno.ENODATA;
  const fd = objects.openDirectory(slot);
  if (fd < 0) return -fd;
  const wanted = lowerCase(name);
  const names = readdirSync(`/proc/self/fd/${fd}`, { encoding: "latin1" });
  const found = names.find((each) => lowerCase(each) === wanted);
  if (found === undefined) return Errno.ENODATA;
  return { type: "text", value: Buffer.from(`${found}\0`, "latin1") };
}

/** Of ASCII letters only, as strcasecmp(3) does it. */
function lowerCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function slotText(brick: Brick, slot: number): string {
  const at = nameAt(1);
  writeGfidText(scratch.bytes, at, brick.objects.table.words, 4 * slot);
  return Buffer.from(scratch.bytes.buffer, at, GFID_TEXT_BYTES).toString("latin1");
}

function pathText(path: string): TypedValue {
  return { type: "text", value: Buffer.from(`${path}\0`, "latin1") };
}

/** One of its paths in the volume, in latin1, or `<gfid:…>` where none is known. */
export function onePathOf(brick: Brick, slot: number): string {
  return pathsOf(brick, slot)[0] ?? `<gfid:${slotText(brick, slot)}>`;
}

/** In latin1. A file's attributes tell its names; a directory is where it is. */
function pathsOf(brick: Brick, slot: number): string[] {
  const { objects } = brick;
  const root = brick.spec.path;
  if (objects.isDirectory(slot)) return [realPath(brick, slot).slice(root.length) || "/"];
  const paths: string[] = [];
  for (const name of attributeNames(brick, slot)) {
    if (!name.startsWith(PARENT_LINK)) continue;
    const length = objects.getAttribute(slot, attributeName(name), addressAt(VALUE), VALUE_BYTES);
    if (length <= GFID_TEXT_BYTES) continue;
    const link = Buffer.from(scratch.bytes.subarray(VALUE, VALUE + length)).toString("latin1");
    const gfid = gfidBytes(link.slice(0, GFID_TEXT_BYTES));
    if (gfid.length !== 16) continue;
    const parent = objects.resolve(new DataView(gfid.buffer), 0);
    if (parent < 0 || !objects.isDirectory(parent)) continue;
    paths.push(realPath(brick, parent).slice(root.length) + link.slice(GFID_TEXT_BYTES));
  }
  return paths;
}

/** Of a directory where it is; of a file its handle. */
function realPath(brick: Brick, slot: number): string {
  const { objects } = brick;
  if (objects.isDirectory(slot)) {
    return readlinkSync(`/proc/self/fd/${objects.openDirectory(slot)}`, "latin1");
  }
  const text = slotText(brick, slot);
  return `${brick.spec.path}/.glusterfs/${text.slice(0, 2)}/${text.slice(2, 4)}/${text}`;
}
