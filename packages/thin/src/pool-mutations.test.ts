/**
 * Does the simulation see anything at all? Each of these plants one fault into the engine, from
 * outside, and the exhaustive histories have to break on it; without one they do not.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "@mortar/sim";
import type { BlockDevice } from "./block-device.ts";
import { DataSpaceMap } from "./data-space-map.ts";
import type { MappingJournal } from "./mapping-journal.ts";
import { MetadataSpaceMap } from "./metadata-space-map.ts";
import { exploreSequence, sequenceOf } from "./pool-exhaustive.sim.ts";
import type { Wraps } from "./pool-machine.sim.ts";
import { Transaction } from "./transaction.ts";

/** Some of the sequences of up to three steps, among them two that are known to matter. */
const tried: readonly string[][] = [
  ...Array.from({ length: 48 }, (_, index) => sequenceOf(index * 23)),
  ["commit", "discard", "write new chunks"],
  ["snapshot", "overwrite", "write a part"],
];

/** How the first sequence broke. */
function firstBroken(wraps: Wraps): string | undefined {
  for (const [number, names] of tried.entries()) {
    try {
      exploreSequence(new Random(number), names, wraps);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
  return undefined;
}

interface DeviceChange {
  readonly write?: (offset: number, source: Uint8Array) => void;
  readonly flush?: () => void;
}

function changed(device: BlockDevice, change: DeviceChange): BlockDevice {
  return {
    get sizeBytes() {
      return device.sizeBytes;
    },
    read: (offset, target) => device.read(offset, target),
    write: change.write ?? ((offset, source) => device.write(offset, source)),
    discard: (offset, lengthBytes) => device.discard(offset, lengthBytes),
    flush: change.flush ?? (() => device.flush()),
  };
}

/** Flushes of the metadata go through only when the last write before them was one of these. */
function flushOnlyAfter(wanted: (offset: number) => boolean): Wraps {
  return {
    device(device, which) {
      if (which === "data") return device;
      let last = -1;
      return changed(device, {
        write(offset, source) {
          last = offset;
          device.write(offset, source);
        },
        flush() {
          if (last < 0 || wanted(last)) device.flush();
        },
      });
    },
  };
}

function wrapJournal(change: Partial<MappingJournal>, journal: MappingJournal): MappingJournal {
  return {
    open: () => journal.open(),
    restart: (base) => journal.restart(base),
    append: (...record) => journal.append(...record),
    ...change,
  };
}

/** The superblock that is on the disk is taken for the one that the records build on. */
function unfencedJournal(): Wraps {
  let metadata: BlockDevice | undefined;
  return {
    device(device, which) {
      if (which === "metadata") metadata = device;
      return device;
    },
    journal: (journal) => wrapJournal({
      open() {
        const left = journal.open();
        const base = new Uint8Array(512);
        metadata?.read(0, base);
        return left && { ...left, base };
      },
    }, journal),
  };
}

/** The data of a chunk is written after its mapping was journalled. */
function lateData(): Wraps {
  let late = (): void => {};
  const catchUp = (): void => {
    const pending = late;
    late = () => {};
    pending();
  };
  return {
    device(device, which) {
      if (which === "metadata") return device;
      const caught = changed(device, {
        write(offset, source) {
          catchUp();
          const bytes = Uint8Array.from(source);
          late = () => device.write(offset, bytes);
        },
        flush() {
          catchUp();
          device.flush();
        },
      });
      return {
        ...caught,
        sizeBytes: device.sizeBytes,
        read(offset, target) {
          catchUp();
          device.read(offset, target);
        },
        discard(offset, lengthBytes) {
          catchUp();
          device.discard(offset, lengthBytes);
        },
      };
    },
    journal: (journal) => wrapJournal({
      append(...record) {
        const done = journal.append(...record);
        catchUp();
        return done;
      },
    }, journal),
  };
}

/** Replaces one method while `run` lasts. */
function patched<T extends object, K extends keyof T>(
  prototype: T, name: K, replace: (original: T[K]) => T[K], run: () => void,
): void {
  const original = prototype[name];
  prototype[name] = replace(original);
  try {
    run();
  } finally {
    prototype[name] = original;
  }
}

function requireBroken(wraps: Wraps = {}): void {
  assert.notEqual(firstBroken(wraps), undefined, "the planted fault was not found");
}

test("without a planted fault nothing breaks", () => {
  assert.equal(firstBroken({}), undefined);
});

test("a superblock written before the blocks it refers to are flushed is found", () => {
  requireBroken(flushOnlyAfter((offset) => offset === 0));
});

test("a commit that returns before its superblock is flushed is found", () => {
  requireBroken(flushOnlyAfter((offset) => offset !== 0));
});

test("a commit that does not flush the data first is found", () => {
  requireBroken({
    device: (device, which) => (which === "data" ? changed(device, { flush() {} }) : device),
  });
});

test("a journal that is replayed over another superblock than its own is found", () => {
  requireBroken(unfencedJournal());
});

test("a mapping that is acknowledged and not journalled is found", () => {
  requireBroken({ journal: (journal) => wrapJournal({ append: () => true }, journal) });
});

test("a mapping that is journalled before its data is written is found", () => {
  requireBroken(lateData());
});

test("a journal that is not started anew after a commit is found", () => {
  requireBroken({
    journal(journal) {
      let begun = false;
      return wrapJournal({
        restart(base) {
          if (!begun) journal.restart(base);
          begun = true;
        },
      }, journal);
    },
  });
});

test("metadata blocks that are reused in the transaction that freed them are found", () => {
  patched(MetadataSpaceMap.prototype, "decrement", (decrement) =>
    function reuse(this: MetadataSpaceMap, block: number): number {
      if (this.counts[block] !== 1) return decrement.call(this, block);
      this.counts[block] = 0;
      this.allocatedCount -= 1;
      this.bitmapDirty.fill(1, 0, this.bitmapCount);
      return 0;
    }, () => requireBroken());
});

test("metadata blocks of the committed state that are changed in place are found", () => {
  patched(MetadataSpaceMap.prototype, "isFresh", () => () => true, () => requireBroken());
});

test("data blocks that are reused in the transaction that freed them are found", () => {
  patched(DataSpaceMap.prototype, "decrement", (decrement) =>
    function unlocked(this: DataSpaceMap, block: number): number {
      const left = decrement.call(this, block);
      this.startTransaction();
      return left;
    }, () => requireBroken());
});

test("a data block that lost a reference and is overwritten before the commit is found", () => {
  patched(DataSpaceMap.prototype, "isExclusive", () =>
    function forgetful(this: DataSpaceMap, block: number): boolean {
      return this.count(block) === 1;
    }, () => requireBroken());
});

test("a reference that is not counted is found", () => {
  patched(Transaction.prototype, "retain", () => () => {}, () => requireBroken());
});
