import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "@mortar/sim";
import { EntryLocks, LOCK } from "./index.ts";
import type { EntryLockRequest } from "./index.ts";

const DIRECTORY = Uint32Array.of(0, 0, 0, 1);
const TAKE = 0;
const UNLOCK = 1;
const TRY = 2;
const bytes = (name: string | undefined): Uint8Array | undefined =>
  name === undefined ? undefined : Buffer.from(name);

function wish(
  client: number, name: string | undefined, command = TAKE, type = 1,
): EntryLockRequest {
  return {
    words: DIRECTORY, at: 0, domain: "V-replicate-0", client, owner: Uint8Array.of(7), pid: 0,
    command, type, name: bytes(name),
  };
}

test("a name is locked against itself and against the whole directory", () => {
  const locks = new EntryLocks<string>(5000);
  assert.equal(locks.request(wish(1, "a"), "", 0), LOCK.granted);
  assert.equal(locks.request(wish(2, "b", TRY), "", 0), LOCK.granted);
  assert.equal(locks.request(wish(2, "a", TRY), "", 0), LOCK.again);
  assert.equal(locks.request(wish(3, undefined, TRY), "", 0), LOCK.again);
  assert.ok(locks.isNameLocked(DIRECTORY, 0, Buffer.from("a")));
  assert.ok(!locks.isNameLocked(DIRECTORY, 0, Buffer.from("c")));
  assert.equal(locks.request(wish(3, undefined), "all", 0), LOCK.waiting);
  assert.ok(locks.isNameLocked(DIRECTORY, 0, Buffer.from("c")));
  assert.equal(locks.request(wish(1, "a", UNLOCK), "", 0), LOCK.granted);
  assert.equal(locks.request(wish(2, "b", UNLOCK), "", 0), LOCK.granted);
  assert.deepEqual(locks.takeGranted(), ["all"]);
  assert.equal(locks.request(wish(1, "c", TRY), "", 0), LOCK.again);
});

test("two readers share a name", () => {
  const locks = new EntryLocks<string>(5000);
  assert.equal(locks.request(wish(1, "a", TRY, 0), "", 0), LOCK.granted);
  assert.equal(locks.request(wish(2, "a", TRY, 0), "", 0), LOCK.granted);
  assert.equal(locks.request(wish(3, "a", TRY, 1), "", 0), LOCK.again);
});

test("only what was taken is given back, and only by who took it", () => {
  const locks = new EntryLocks<string>(5000);
  locks.request(wish(1, "a"), "", 0);
  assert.equal(locks.request(wish(1, undefined, UNLOCK), "", 0), LOCK.invalid);
  assert.equal(locks.request(wish(1, "b", UNLOCK), "", 0), LOCK.invalid);
  assert.equal(locks.request(wish(2, "a", UNLOCK), "", 0), LOCK.invalid);
  assert.equal(locks.request(wish(1, "a", UNLOCK), "", 0), LOCK.granted);
  assert.equal(locks.request(wish(1, "a", 3), "", 0), LOCK.invalid);
  assert.equal(locks.request(wish(1, "a", TAKE, 2), "", 0), LOCK.invalid);
  assert.ok(!locks.any(DIRECTORY, 0));
});

test("in any history no two that exclude each other hold at once, and all that can hold do", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    const locks = new EntryLocks<{ client: number; name: string | undefined }>(0);
    const held: { client: number; name: string | undefined }[] = [];
    let waiting = 0;
    for (let step = 0; step < 200; step++) {
      const me = { client: random.below(4), name: random.pick(["a", "b", "c", undefined]) };
      if (held.length > 0 && random.chance(0.55)) {
        const [gone] = held.splice(random.below(held.length), 1);
        assert.equal(locks.request(wish(gone!.client, gone!.name, UNLOCK), me, step), LOCK.granted);
      } else {
        const status = locks.request(wish(me.client, me.name), me, step);
        if (status === LOCK.granted) held.push(me);
        else waiting++;
      }
      const granted = locks.takeGranted();
      waiting -= granted.length;
      held.push(...granted);
      for (const one of held) {
        for (const other of held) {
          const meets = one.name === undefined || other.name === undefined
            || one.name === other.name;
          assert.ok(one.client === other.client || !meets, `seed ${seed} step ${step}`);
        }
      }
      assert.equal(locks.heldCount, held.length);
      assert.equal(locks.count(DIRECTORY, 0), held.length + waiting);
      if (held.length === 0) assert.equal(waiting, 0, "the first of a queue waits for somebody");
    }
  }
});
