/**
 * What makes an empty brick of a replica set be healed, and nothing else be healed from it.
 *
 * | where | attribute of the root | value |
 * |---|---|---|
 * | the empty brick | trusted.afr.dirty | 0 0 1: its entries are in doubt |
 * | each other brick | trusted.afr.ID, ID of the empty one | data metadata entry: what it missed |
 *
 * Three counters of 32 bits, big-endian. With granular healing of directories the data counter of
 * a directory stands for "all of its names". The counters are added to in one step of the brick,
 * which notes the root in its index; so they need no lock: a healer subtracts what it has seen.
 */
import { fops, type TypedDictionary, typed } from "@mortar/gluster";
import { setXattr } from "@mortar/linux";
import { type BrickPlace, withBrickSession } from "../bricks/brick-session.ts";
import { BrickError } from "../bricks/brick-error.ts";

const COUNTERS_BYTES = 12;
const ADD_ARRAY = 0;
const ROOT = Uint8Array.from({ length: 16 }, (_, index) => (index === 15 ? 1 : 0));

function counters(data: number, metadata: number, entry: number): Uint8Array {
  const bytes = new Uint8Array(COUNTERS_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data);
  view.setUint32(4, metadata);
  view.setUint32(8, entry);
  return bytes;
}

export function markUnhealed({ path }: { readonly path: string }): void {
  setXattr(path, "trusted.afr.dirty", counters(0, 0, 1));
}

export interface MissingCopies {
  /** Brick ids. */
  readonly siblings: readonly string[];
  readonly granular: boolean;
  readonly again: boolean;
}

/** Throws BrickError. */
export async function noteMissing(brick: BrickPlace, missing: MissingCopies): Promise<void> {
  const { siblings, granular, again } = missing;
  const more = again ? counters(0, 0, 0) : counters(granular ? 1 : 0, 1, 1);
  const dictionary: TypedDictionary = new Map(
    siblings.map((id) => [`trusted.afr.${id}`, typed.bytes(more)]),
  );
  await withBrickSession(brick, async (call) => {
    const { opRet, opErrno } = await call(fops.xattrop, {
      gfid: ROOT, flags: ADD_ARRAY, dictionary, xdata: new Map(),
    });
    if (opRet >= 0) return;
    const text = `The brick ${brick.name} did not note what ${siblings.join(", ")} miss`;
    throw new BrickError("refused", `${text}: errno ${opErrno}`);
  });
}
