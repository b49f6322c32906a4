/**
 * The objects that an operation on names is about, found before it is done: a removal's reply does
 * not tell them. Only for bricks that have somebody to tell or to ask.
 */
import { fops } from "@mortar/gluster";
import type { Brick } from "../brick.ts";
import { isHidden, takeName } from "../fops/names.ts";
import type { Call } from "../wire/call.ts";

const NAME = 0;
const STAT = 0;
const GFID_BYTES = 16;
const SINGLE: ReadonlySet<number> = new Set([fops.unlink.number, fops.rmdir.number]);
const RENAME = fops.rename.number;
const LINK = fops.link.number;

export const namesObjects = (procedure: number): boolean =>
  SINGLE.has(procedure) || procedure === RENAME;

/**
 * The gfids (four words each) of the entries that the request at the cursor names: of a rename
 * first what is moved, then what it replaces. The cursor stays where it is.
 */
export function namedObjects(brick: Brick, call: Call): Uint32Array[] {
  const { at } = call;
  const found: Uint32Array[] = [];
  try {
    const parents = call.procedure === RENAME || call.procedure === LINK ? 2 : 1;
    const first = call.skip(GFID_BYTES * parents);
    for (let index = 0; index < parents; index++) {
      const words = childWords(brick, call, first + GFID_BYTES * index, call.opaque());
      if (words !== undefined) found.push(words);
    }
  } finally {
    call.at = at;
  }
  return found;
}

function childWords(
  brick: Brick, call: Call, parentAt: number, nameAt: number,
): Uint32Array | undefined {
  const { objects } = brick;
  const parent = objects.resolveDirectory(call.view, parentAt);
  if (parent < 0 || takeName(call, nameAt, NAME) !== 0) return undefined;
  if (isHidden(objects, parent, NAME)) return undefined;
  if (objects.statChild(parent, NAME, STAT) < 0) return undefined;
  const slot = objects.slotOfChild(parent, NAME, STAT);
  return slot < 0 ? undefined : objects.table.words.slice(4 * slot, 4 * slot + 4);
}
