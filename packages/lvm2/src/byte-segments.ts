/** Where the bytes of an LV lie on its physical volumes. */

import { Lvm2Error } from "./errors.ts";
import type { Stripe, VolumeGroup } from "./model.ts";
import { extentBytes, requireLv, SECTOR_BYTES } from "./vg-query.ts";

export interface ByteSegment {
  readonly pvKey: string;
  readonly pvId: string;
  /** The hint in the text: find the device by `pvId`. */
  readonly device: string;
  readonly pvOffsetBytes: number;
  readonly lvOffsetBytes: number;
  readonly lengthBytes: number;
}

/** In order of `lvOffsetBytes`, without holes; neighbours that touch on the same volume are one. */
export function byteSegments(vg: VolumeGroup, lvName: string): ByteSegment[] {
  const lv = requireLv(vg, lvName);
  const perExtent = extentBytes(vg);
  const segments: ByteSegment[] = [];
  const push = (stripe: Stripe, inStripe: number, lvOffsetBytes: number, lengthBytes: number) => {
    const pv = vg.physicalVolumes.find((candidate) => candidate.key === stripe.target);
    if (pv === undefined) throw unmappable(vg, lvName);
    const startBytes = pv.extentStartSectors * SECTOR_BYTES + stripe.startExtent * perExtent;
    const pvOffsetBytes = startBytes + inStripe;
    const last = segments.at(-1);
    if (last && last.pvKey === pv.key && last.pvOffsetBytes + last.lengthBytes === pvOffsetBytes) {
      segments[segments.length - 1] = { ...last, lengthBytes: last.lengthBytes + lengthBytes };
      return;
    }
    const { key: pvKey, id: pvId, device } = pv;
    segments.push({ pvKey, pvId, device, pvOffsetBytes, lvOffsetBytes, lengthBytes });
  };
  for (const segment of lv.segments) {
    if (segment.type !== "striped") throw unmappable(vg, lvName);
    const { stripes } = segment;
    const lengthBytes = segment.extentCount * perExtent;
    // A striped segment is its units, stripe by stripe in turns.
    const unitBytes = stripes.length === 1 ? lengthBytes : segment.stripeSectors * SECTOR_BYTES;
    if (lengthBytes % (unitBytes * stripes.length) !== 0) throw unmappable(vg, lvName);
    for (let unit = 0; unit * unitBytes < lengthBytes; unit++) {
      const row = Math.floor(unit / stripes.length);
      const lvOffsetBytes = segment.startExtent * perExtent + unit * unitBytes;
      push(stripes[unit % stripes.length]!, row * unitBytes, lvOffsetBytes, unitBytes);
    }
  }
  return segments;
}

function unmappable(vg: VolumeGroup, lvName: string): Lvm2Error {
  return new Lvm2Error(
    "unsupported",
    `Logical volume ${vg.name}/${lvName} is neither linear nor striped: its bytes cannot be mapped here.`,
  );
}
