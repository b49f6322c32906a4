import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import {
  combine, entryPointKey, hexOf, isEntryPoint, mayBeOf, ROOT_GFID, snapshotKey,
} from "./virtual-gfid.ts";

const gfidOf = (uuid: string): Uint8Array =>
  new Uint8Array(Buffer.from(uuid.replaceAll("-", ""), "hex"));
const gfids = [ROOT_GFID, ...Array.from({ length: 200 }, () => gfidOf(randomUUID()))];

test("an object's virtual gfid is another in every snapshot, and leads back in its own", () => {
  const keys = Array.from({ length: 20 }, () => snapshotKey(randomUUID()));
  for (const gfid of gfids) {
    const virtual = keys.map((key) => combine(gfid, key));
    assert.equal(new Set([gfid, ...virtual].map(hexOf)).size, keys.length + 1);
    for (const [at, key] of keys.entries()) {
      assert.deepEqual(combine(virtual[at]!, key), gfid);
      assert.ok(mayBeOf(virtual[at]!, key));
      assert.ok(!isEntryPoint(virtual[at]!));
    }
  }
});

test("an entry point is told from every object, the root's too", () => {
  for (const gfid of gfids) {
    const virtual = combine(gfid, entryPointKey);
    assert.ok(isEntryPoint(virtual));
    assert.deepEqual(combine(virtual, entryPointKey), gfid);
    assert.ok(!mayBeOf(virtual, snapshotKey(randomUUID())));
  }
});

test("most other snapshots are ruled out without being asked", () => {
  const own = snapshotKey(randomUUID());
  const others = Array.from({ length: 100 }, () => snapshotKey(randomUUID()));
  const possible = gfids.slice(1).map((gfid) =>
    others.filter((key) => mayBeOf(combine(gfid, own), key)).length);
  const mean = possible.reduce((sum, it) => sum + it, 0) / possible.length;
  assert.ok(mean < 40, `${mean} of 100`);
});
