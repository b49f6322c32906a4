import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "@mortar/sim";
import { LOCK, PosixLocks, wireLength } from "./index.ts";
import type { PosixLockRequest } from "./index.ts";

const FILE = Uint32Array.of(9, 8, 7, 6);
const READ = 0;
const WRITE = 1;
const UNLOCK = 2;
const SET = 1;
const SET_WAIT = 2;
const BYTES = 12;

function wish(
  client: number, owner: number, type: number, start: number, length: number, command = SET,
): PosixLockRequest {
  return {
    words: FILE, at: 0, client, owner: Uint8Array.of(owner), pid: client, command, type,
    startHigh: 0, startLow: start,
    lengthHigh: length < 0 ? 0xffff_ffff : 0, lengthLow: length >>> 0,
  };
}

function shape(locks: PosixLocks<unknown>): [number, number, number][] {
  return locks.held(FILE, 0)
    .map((lock): [number, number, number] => [lock.type, lock.startLow, wireLength(lock).low])
    .toSorted((a, b) => a[1] - b[1]);
}

test("a lock is split by an unlock in its middle and merged again", () => {
  const locks = new PosixLocks<string>();
  locks.request(wish(1, 1, WRITE, 0, 10), "");
  locks.request(wish(1, 1, UNLOCK, 4, 2), "");
  assert.deepEqual(shape(locks), [[WRITE, 0, 4], [WRITE, 6, 4]]);
  locks.request(wish(1, 1, READ, 5, 1), "");
  assert.deepEqual(shape(locks), [[WRITE, 0, 4], [READ, 5, 1], [WRITE, 6, 4]]);
  locks.request(wish(1, 1, WRITE, 4, 2), "");
  assert.deepEqual(shape(locks), [[WRITE, 0, 10]]);
  locks.request(wish(1, 1, WRITE, 5, 0), "");
  assert.deepEqual(shape(locks), [[WRITE, 0, 0]]);
  locks.request(wish(1, 1, UNLOCK, 0, 0), "");
  assert.ok(!locks.any(FILE, 0));
});

test("a negative length means the bytes before the start", () => {
  const locks = new PosixLocks<string>();
  locks.request(wish(1, 1, WRITE, 10, -4), "");
  assert.deepEqual(shape(locks), [[WRITE, 6, 4]]);
  assert.equal(locks.request(wish(1, 1, WRITE, 3, -4), ""), LOCK.invalid);
});

test("GETLK tells who is in the way, and nobody when none is", () => {
  const locks = new PosixLocks<string>();
  locks.request(wish(1, 1, READ, 0, 10), "");
  assert.equal(locks.find(wish(2, 1, READ, 5, 1)), null);
  assert.equal(locks.find(wish(1, 1, WRITE, 5, 1)), null);
  assert.equal(locks.find(wish(2, 1, WRITE, 5, 1))?.pid, 1);
  assert.equal(locks.find(wish(1, 2, WRITE, 5, 1))?.pid, 1);
  assert.equal(locks.find(wish(2, 1, WRITE, 10, 1)), null);
  assert.equal(locks.find(wish(2, 1, 3, 0, 1)), undefined);
});

test("one who waits gets the lock when the last goes: by unlock, flush or disconnect", () => {
  const locks = new PosixLocks<string>();
  locks.request(wish(1, 1, READ, 0, 1), "");
  locks.request(wish(2, 1, READ, 0, 1), "");
  locks.request(wish(3, 1, READ, 0, 1), "");
  assert.equal(locks.request(wish(4, 1, WRITE, 0, 1), ""), LOCK.again);
  assert.equal(locks.request(wish(4, 1, WRITE, 0, 1, SET_WAIT), "four"), LOCK.waiting);
  locks.request(wish(1, 1, UNLOCK, 0, 0), "");
  locks.flush(FILE, 0, 2, Uint8Array.of(1));
  assert.deepEqual(locks.takeGranted(), []);
  locks.releaseClient(3);
  assert.deepEqual(locks.takeGranted(), ["four"]);
  assert.equal(locks.request(wish(1, 1, READ, 0, 1, SET_WAIT), "gone"), LOCK.waiting);
  locks.releaseClient(1);
  locks.releaseClient(4);
  assert.deepEqual(locks.takeGranted(), []);
  assert.ok(!locks.any(FILE, 0));
});

test("two readers that both want to write do not wait for each other for ever", () => {
  const locks = new PosixLocks<string>();
  locks.request(wish(1, 1, READ, 0, 0), "");
  locks.request(wish(2, 1, READ, 0, 0), "");
  assert.equal(locks.request(wish(1, 1, WRITE, 0, 0, SET_WAIT), "one"), LOCK.waiting);
  assert.equal(locks.request(wish(2, 1, WRITE, 0, 0, SET_WAIT), "two"), LOCK.granted);
  locks.flush(FILE, 0, 2, Uint8Array.of(1));
  assert.deepEqual(locks.takeGranted(), ["one"]);
});

test("in any history each byte's lock is what a table of bytes and owners says", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed);
    const locks = new PosixLocks<number>();
    // By owner (client * 2 + owner): the type on each byte, the last standing for all behind it.
    const model = Array.from({ length: 6 }, () => Array.from({ length: BYTES }, () => UNLOCK));
    const waiting: { id: number; who: number; type: number; from: number; to: number }[] = [];
    const isFree = (who: number, type: number, from: number, to: number): boolean =>
      model.every((bytes, other) => other === who || bytes.every((held, at) =>
        at < from || at > to || held === UNLOCK || (held === READ && type === READ)));
    const retry = (): number[] => {
      const granted: number[] = [];
      for (let again = true; again;) {
        again = false;
        for (const one of waiting.slice()) {
          if (!isFree(one.who, one.type, one.from, one.to)) continue;
          model[one.who]!.fill(one.type, one.from, one.to + 1);
          waiting.splice(waiting.indexOf(one), 1);
          granted.push(one.id);
          again = true;
        }
      }
      return granted;
    };
    for (let step = 0; step < 250; step++) {
      const client = random.below(3);
      const owner = random.below(2);
      const who = client * 2 + owner;
      const type = random.below(3);
      const from = random.below(BYTES);
      const length = random.below(BYTES - from);
      const to = length === 0 ? BYTES - 1 : from + length - 1;
      const command = random.chance(0.3) ? SET_WAIT : SET;
      const dice = random.below(15);
      if (dice === 0) {
        locks.releaseClient(client);
        model[client * 2]!.fill(UNLOCK);
        model[client * 2 + 1]!.fill(UNLOCK);
        for (const one of waiting.slice()) {
          if (one.who >> 1 === client) waiting.splice(waiting.indexOf(one), 1);
        }
      } else if (dice === 1) {
        locks.flush(FILE, 0, client, Uint8Array.of(owner));
        model[who]!.fill(UNLOCK);
      } else {
        const status = locks.request(wish(client, owner, type, from, length, command), step);
        if (type === UNLOCK || isFree(who, type, from, to)) {
          assert.equal(status, LOCK.granted, `seed ${seed} step ${step}`);
          model[who]!.fill(type, from, to + 1);
        } else if (command === SET_WAIT) {
          assert.equal(status, LOCK.waiting, `seed ${seed} step ${step}`);
          model[who]!.fill(UNLOCK, from, to + 1);
          waiting.push({ id: step, who, type, from, to });
        } else {
          assert.equal(status, LOCK.again, `seed ${seed} step ${step}`);
        }
      }
      assert.deepEqual(locks.takeGranted(), retry(), `seed ${seed} step ${step}`);
      const table = Array.from({ length: 6 }, () => Array.from({ length: BYTES }, () => UNLOCK));
      for (const lock of locks.held(FILE, 0)) {
        const end = lock.endHigh > 0 ? BYTES - 1 : lock.endLow;
        const bytes = table[lock.client * 2 + lock.owner[0]!]!;
        for (let at = lock.startLow; at <= end; at++) {
          assert.equal(bytes[at], UNLOCK, "an owner has one lock on a byte");
          bytes[at] = lock.type;
        }
      }
      assert.deepEqual(table, model, `seed ${seed} step ${step}`);
    }
  }
});

test("who is interrupted waits no longer, and others of the client go on waiting", () => {
  const locks = new PosixLocks<string>();
  locks.request(wish(1, 1, WRITE, 0, 10), "holder");
  assert.equal(locks.request(wish(2, 1, WRITE, 0, 10, SET_WAIT), "first"), LOCK.waiting);
  assert.equal(locks.request(wish(2, 2, WRITE, 0, 10, SET_WAIT), "second"), LOCK.waiting);
  assert.equal(locks.request(wish(3, 1, WRITE, 0, 10, SET_WAIT), "another's"), LOCK.waiting);
  assert.deepEqual(locks.interrupt(wish(2, 1, UNLOCK, 20, 5)), []);
  assert.deepEqual(locks.interrupt(wish(2, 2, UNLOCK, 5, 1)), ["second"]);
  assert.deepEqual(locks.interrupt(wish(2, 9, UNLOCK, 0, 0)), ["first"]);
  locks.request(wish(1, 1, UNLOCK, 0, 0), "");
  assert.deepEqual(locks.takeGranted(), ["another's"]);
});

test("an operator's clearing takes what is meant, and lets the next in", () => {
  const locks = new PosixLocks<string>();
  const all = (which: "blocked" | "granted" | "all") => ({ which, isMeant: () => true });
  locks.request(wish(1, 1, WRITE, 0, 0), "");
  assert.equal(locks.request(wish(2, 1, WRITE, 0, 10, SET_WAIT), "second"), LOCK.waiting);
  assert.equal(locks.request(wish(3, 1, WRITE, 0, 10, SET_WAIT), "third"), LOCK.waiting);
  const only = { which: "all", isMeant: ({ client }: { client: number }) => client === 2 } as const;
  assert.deepEqual(locks.clear(FILE, 0, only), { granted: 0, ended: ["second"] });
  assert.deepEqual(locks.takeGranted(), []);
  assert.deepEqual(locks.clear(FILE, 0, all("granted")), { granted: 1, ended: [] });
  assert.deepEqual(locks.takeGranted(), ["third"]);
  assert.deepEqual(locks.clear(FILE, 0, all("all")), { granted: 1, ended: [] });
  assert.ok(!locks.any(FILE, 0));
});
