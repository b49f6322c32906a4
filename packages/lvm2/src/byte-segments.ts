/** Where the bytes of an LV lie on its physical volumes. */

import { Lvm2Error } from "./errors.ts";
import type { VolumeGroup } from "./model.ts";
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
  for (const segment of lv.segments) {
    const [stripe] = segment.type === "striped" ? segment.stripes : [];
    const pv = stripe && vg.physicalVolumes.find((candidate) => candidate.key === stripe.target);
    if (!pv || segment.type !== "striped" || segment.stripes.length !== 1) {
      throw new Lvm2Error(
        "unsupported",
        `Logical volume ${vg.name}/${lvName} is not linear: its bytes cannot be mapped here.`,
      );
    }
    const pvOffsetBytes = pv.extentStartSectors * SECTOR_BYTES + stripe.startExtent * perExtent;
    const lengthBytes = segment.extentCount * perExtent;
    const last = segments.at(-1);
    if (last && last.pvKey === pv.key && last.pvOffsetBytes + last.lengthBytes === pvOffsetBytes) {
      segments[segments.length - 1] = { ...last, lengthBytes: last.lengthBytes + lengthBytes };
      continue;
    }
    segments.push({
      pvKey: pv.key,
      pvId: pv.id,
      device: pv.device,
      pvOffsetBytes,
      lvOffsetBytes: segment.startExtent * perExtent,
      lengthBytes,
    });
  }
  return segments;
}
