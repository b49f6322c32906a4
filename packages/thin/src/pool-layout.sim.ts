/**
 * How a pool's two devices lie on the disks of its machine: each on one of its own, or in runs over
 * all of them, as LVs lie on PVs. A write over two runs is two writes, and to flush is to flush one
 * disk after the other; power may go in between.
 */
import type { VirtualDisk } from "@mortar/sim";
import type { BlockDevice } from "./block-device.ts";

export interface Segment {
  readonly disk: number;
  readonly offset: number;
  readonly lengthBytes: number;
}

export interface Layout {
  readonly diskBytes: readonly [number, number];
  readonly metadata: readonly Segment[];
  readonly data: readonly Segment[];
}

export class SegmentedDisk implements BlockDevice {
  readonly #segments: readonly Segment[];
  readonly #disks: readonly VirtualDisk[];

  constructor(segments: readonly Segment[], disks: readonly VirtualDisk[]) {
    this.#segments = segments;
    this.#disks = disks;
  }

  get sizeBytes(): number {
    return this.#segments.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  }

  read(offset: number, target: Uint8Array): void {
    this.#each(offset, target.length, (disk, at, from, to) => {
      disk.read(at, target.subarray(from, to));
    });
  }

  write(offset: number, source: Uint8Array): void {
    this.#each(offset, source.length, (disk, at, from, to) => {
      disk.write(at, source.subarray(from, to));
    });
  }

  discard(offset: number, lengthBytes: number): void {
    this.#each(offset, lengthBytes, (disk, at, from, to) => disk.discard(at, to - from));
  }

  zero(offset: number, lengthBytes: number): boolean {
    let done = true;
    this.#each(offset, lengthBytes, (disk, at, from, to) => {
      done = disk.zero(at, to - from) && done;
    });
    return done;
  }

  flush(): void {
    const indexes = new Set(this.#segments.map(({ disk }) => disk));
    for (const index of indexes) this.#disks[index]!.flush();
  }

  #each(
    offset: number, lengthBytes: number,
    visit: (disk: VirtualDisk, at: number, from: number, to: number) => void,
  ): void {
    let begin = 0;
    for (const segment of this.#segments) {
      const from = Math.max(offset, begin);
      const to = Math.min(offset + lengthBytes, begin + segment.lengthBytes);
      if (from < to) {
        const disk = this.#disks[segment.disk]!;
        visit(disk, segment.offset + from - begin, from - offset, to - offset);
      }
      begin += segment.lengthBytes;
    }
    if (offset + lengthBytes > begin) {
      throw new RangeError(`${lengthBytes} bytes at ${offset} of ${begin}`);
    }
  }
}

/** Both devices in runs by turns over both disks, their ends not those of chunks. */
export function interleave(metadataBytes: number, dataBytes: number, runBytes: number): Layout {
  const used: [number, number] = [0, 0];
  const place = (sizeBytes: number, first: number): Segment[] => {
    const segments: Segment[] = [];
    for (let done = 0, disk = first; done < sizeBytes; disk = 1 - disk) {
      const lengthBytes = Math.min(runBytes, sizeBytes - done);
      segments.push({ disk, offset: used[disk]!, lengthBytes });
      used[disk]! += lengthBytes;
      done += lengthBytes;
    }
    return segments;
  };
  const metadata = place(metadataBytes, 0);
  return { metadata, data: place(dataBytes, 1), diskBytes: used };
}
