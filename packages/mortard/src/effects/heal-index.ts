/**
 * What a brick has noted of changes that its siblings missed, read beside the brick server:
 *
 *     .glusterfs/indices/xattrop/GFID     siblings have missed something (replicate), or: dirty (disperse)
 *     .glusterfs/indices/dirty/GFID       a change was begun and not ended everywhere
 *     .glusterfs/AA/BB/GFID               the object; of a directory, a link to PARENT/NAME
 *
 * | attribute of the object | |
 * |---|---|
 * | trusted.afr.ID | what brick ID missed: counters of data, metadata, entries, big-endian |
 * | trusted.afr.dirty, trusted.ec.dirty | not zero: it is being changed |
 * | trusted.ec.version | counts the changes of a fragment |
 * | trusted.gfid2path.HASH | `PARENT-GFID/NAME`, one a link of a file |
 *
 * All of it may change while it is looked at: what is gone by then is left out.
 */
import { readlinkSync } from "node:fs";
import { opendir } from "node:fs/promises";
import type { BrickHealIndex, HealIndexEntry, MissedCounts } from "@mortar/cluster";
import { getXattr, listXattrs } from "@mortar/linux";

const ROOT = "00000000-0000-0000-0000-000000000001";
const GFID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const DEPTH_MAX = 1_024;
const COUNTERS_BYTES = 12;
const AFR = "trusted.afr.";
const PATH = "trusted.gfid2path.";
const text = new TextDecoder();

export async function readHealIndex(
  brick: string,
  entriesMax: number,
): Promise<Omit<BrickHealIndex, "online">> {
  const gfids = new Set<string>();
  const count = await collect(brick, "xattrop", gfids, entriesMax);
  const total = count + (await collect(brick, "dirty", gfids, entriesMax));
  const entries = [...gfids].flatMap((gfid) => entryOf(brick, gfid) ?? []);
  // One that is in both was counted twice: only with more than are listed is that not known.
  return { count, unlisted: gfids.size < entriesMax ? 0 : total - gfids.size, entries };
}

async function collect(
  brick: string,
  kind: string,
  gfids: Set<string>,
  max: number,
): Promise<number> {
  let count = 0;
  try {
    for await (const { name } of await opendir(`${brick}/.glusterfs/indices/${kind}`)) {
      if (!GFID.test(name)) continue;
      count += 1;
      if (gfids.size < max) gfids.add(name);
    }
  } catch (error) {
    // A brick that was never started has no index.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return count;
}

function entryOf(brick: string, gfid: string): HealIndexEntry | undefined {
  const object = handleOf(brick, gfid);
  try {
    // Of a directory the handle is a link, which has no attributes of its own.
    const place = isLink(object) ? `${object}/.` : object;
    const names = listXattrs(place);
    const missed: Record<string, MissedCounts> = {};
    for (const name of names.filter((it) => it.startsWith(AFR))) {
      const counts = countersOf(getXattr(place, name));
      if (counts.some((it) => it > 0)) missed[name.slice(AFR.length)] = counts;
    }
    const { dirty: afrDirty, ...siblings } = missed;
    const version = getXattr(place, "trusted.ec.version");
    const ecDirty = getXattr(place, "trusted.ec.dirty")?.some((byte) => byte !== 0) ?? false;
    const path = pathOf(brick, gfid, names.filter((it) => it.startsWith(PATH)));
    return {
      gfid,
      ...(path === undefined ? {} : { path }),
      missed: siblings,
      dirty: afrDirty !== undefined || ecDirty,
      ...(version === undefined ? {} : { version: Buffer.from(version).toString("hex") }),
    };
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function countersOf(value: Uint8Array | undefined): MissedCounts {
  if (value === undefined || value.length < COUNTERS_BYTES) return [0, 0, 0];
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return [view.getUint32(0), view.getUint32(4), view.getUint32(8)];
}

/** From the root of the volume; undefined: nothing here tells. */
function pathOf(brick: string, gfid: string, links: readonly string[]): string | undefined {
  if (gfid === ROOT) return "/";
  try {
    const [link] = links;
    if (link === undefined) return directoryPath(brick, gfid);
    const value = getXattr(handleOf(brick, gfid), link);
    const told = value === undefined ? undefined : /^([^/]+)\/(.+)$/s.exec(text.decode(value));
    if (told === undefined || told === null) return undefined;
    const parent = directoryPath(brick, told[1]!);
    return parent === undefined ? undefined : `${parent === "/" ? "" : parent}/${told[2]}`;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Up from directory to directory; each handle is a link to `../../AA/BB/PARENT/NAME`. */
function directoryPath(brick: string, gfid: string): string | undefined {
  let at = gfid;
  let path = "";
  for (let depth = 0; at !== ROOT; depth += 1) {
    if (depth === DEPTH_MAX || !GFID.test(at)) return undefined;
    const [name, parent] = readlinkSync(handleOf(brick, at)).split("/").toReversed();
    if (name === undefined || parent === undefined) return undefined;
    path = `/${name}${path}`;
    at = parent;
  }
  return path === "" ? "/" : path;
}

function handleOf(brick: string, gfid: string): string {
  return `${brick}/.glusterfs/${gfid.slice(0, 2)}/${gfid.slice(2, 4)}/${gfid}`;
}

function isLink(path: string): boolean {
  try {
    readlinkSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EINVAL") return false;
    throw error;
  }
}

/** Gone meanwhile, or no directory that a link could be read of. */
function isGone(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return /^(ENOENT|EINVAL|ENODATA|ENOTDIR)$/.test(code ?? "") || /ENOENT|ENODATA/.test(message);
}
