/** `-i` and `-I` of `lvcreate`, with LVM's sentences about them. */
import {
  formatSize,
  parseSizeArgument,
  roundedToStripes,
  STRIPE_SECTORS_DEFAULT,
  type Striping,
  type VolumeGroup,
} from "@mortar/vg";
import { badUsage } from "./lvm-exit.ts";
import { tellRounding } from "./lvextend.ts";
import type { Session } from "./session.ts";

const STRIPES_MAX = 128;
const STRIPE_SECTORS_MIN = 8;

/** Undefined: linear. */
export function readStriping(session: Session, vg: VolumeGroup): Striping | undefined {
  const { line } = session;
  const count = Number(line.value("stripes") ?? 1);
  const size = line.value("stripesize");
  if (count === 0) throw badUsage(line.tool, "--stripes may not be zero.");
  if (count > STRIPES_MAX) {
    const sentence = `Number of stripes (${count}) must be between 1 and ${STRIPES_MAX}.`;
    throw badUsage(line.tool, sentence);
  }
  if (count === 1) {
    if (size !== undefined) session.say("Ignoring stripesize argument with single stripe.");
    return undefined;
  }
  const long = (sectors: number) => formatSize(sectors, { long: true });
  if (size === undefined) {
    session.say(`Using default stripesize ${long(STRIPE_SECTORS_DEFAULT)}.`);
    return { count, stripeSectors: Math.min(STRIPE_SECTORS_DEFAULT, vg.extentSectors) };
  }
  const { sectors } = parseSizeArgument(size, { bareSectors: 2 });
  if (sectors > vg.extentSectors) {
    session.say(
      `Reducing requested stripe size ${long(sectors)} to maximum, physical extent size ` +
        `${long(vg.extentSectors)}.`,
    );
    return { count, stripeSectors: vg.extentSectors };
  }
  if (sectors < STRIPE_SECTORS_MIN || !Number.isInteger(Math.log2(sectors))) {
    throw badUsage(line.tool, `Invalid stripe size ${long(sectors)}.`);
  }
  return { count, stripeSectors: sectors };
}

/** A size is rounded up to whole rows, a share of the group down. */
export function wholeStripes(
  session: Session,
  vg: VolumeGroup,
  { extentCount, isShare }: { readonly extentCount: number; readonly isShare: boolean },
  striping: Striping | undefined,
): number {
  if (striping === undefined) return extentCount;
  const { count } = striping;
  const down = extentCount - (extentCount % count);
  if (isShare && down > 0) {
    if (down !== extentCount) {
      session.say(
        `Rounding size (${extentCount} extents) down to stripe boundary size (${down} extents)`,
      );
    }
    return down;
  }
  const up = roundedToStripes(extentCount, count);
  tellRounding(session, vg, extentCount, up);
  return up;
}
