import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "@mortar/sim";
import { InodeLocks, LOCK } from "./index.ts";
import type { InodeLockRequest } from "./index.ts";

const FILE = Uint32Array.of(1, 2, 3, 4);
const OTHER_FILE = Uint32Array.of(1, 2, 3, 5);
const READ = 0;
const WRITE = 1;
const UNLOCK = 2;
const SET = 1;
const SET_WAIT = 2;

interface Wish {
  client?: number; owner?: number; command?: number; type?: number; start?: number;
  length?: number; domain?: string; words?: Uint32Array;
}

function wish(w: Wish): InodeLockRequest {
  return {
    words: w.words ?? FILE, at: 0, domain: w.domain ?? "V-replicate-0", client: w.client ?? 1,
    owner: Uint8Array.of(w.owner ?? 1), pid: 0, command: w.command ?? SET_WAIT,
    type: w.type ?? WRITE, startHigh: 0, startLow: w.start ?? 0, lengthHigh: 0,
    lengthLow: w.length ?? 0,
  };
}

test("a lock is in the way of others' overlapping locks, and of no one else's", () => {
  const locks = new InodeLocks<string>(5000);
  assert.equal(locks.request(wish({ start: 0, length: 10 }), "a", 0), LOCK.granted);
  const tries: [Wish, number][] = [
    [{ client: 2, start: 9, length: 1 }, LOCK.again],
    [{ client: 2, start: 9, length: 1, type: READ }, LOCK.again],
    [{ client: 1, owner: 2, start: 9, length: 1 }, LOCK.again],
    [{ client: 1, owner: 1, start: 9, length: 1 }, LOCK.granted],
    [{ client: 2, start: 10, length: 0 }, LOCK.granted],
    [{ client: 2, start: 0, domain: "V-replicate-0:self-heal" }, LOCK.granted],
    [{ client: 2, start: 0, words: OTHER_FILE }, LOCK.granted],
  ];
  for (const [w, status] of tries) {
    assert.equal(locks.request(wish({ ...w, command: SET }), "b", 0), status);
  }
});

test("AFR's metadata range, from 2^63 - 2 on, is told from its neighbours exactly", () => {
  const locks = new InodeLocks<string>(5000);
  const metadata = { ...wish({ command: SET }), startHigh: 0x7fff_ffff, startLow: 0xffff_fffe };
  const below = {
    ...wish({ command: SET, client: 2 }), lengthHigh: 0x7fff_ffff, lengthLow: 0xffff_fffe,
  };
  const within = {
    ...wish({ command: SET, client: 3 }), startHigh: 0x7fff_ffff, startLow: 0xffff_ffff,
  };
  assert.equal(locks.request(metadata, "a", 0), LOCK.granted);
  assert.equal(locks.request(below, "b", 0), LOCK.granted);
  assert.equal(locks.request(within, "c", 0), LOCK.again);
});

test("a lock is given back by its exact range and owner, once for each time it was taken", () => {
  const locks = new InodeLocks<string>(5000);
  locks.request(wish({ length: 10 }), "", 0);
  locks.request(wish({ length: 10 }), "", 0);
  const unlock = (w: Wish): number =>
    locks.request(wish({ ...w, command: SET, type: UNLOCK }), "", 0);
  assert.equal(unlock({ length: 9 }), LOCK.invalid);
  assert.equal(unlock({ length: 10, owner: 2 }), LOCK.invalid);
  assert.equal(unlock({ length: 10, client: 2 }), LOCK.invalid);
  assert.equal(unlock({ length: 10 }), LOCK.granted);
  assert.equal(locks.count(FILE, 0), 1);
  assert.equal(unlock({ length: 10 }), LOCK.granted);
  assert.equal(unlock({ length: 10 }), LOCK.invalid);
  assert.ok(!locks.any(FILE, 0));
});

test("readers do not starve a writer, and who holds a lock can still take more", () => {
  const locks = new InodeLocks<string>(5000);
  assert.equal(locks.request(wish({ client: 1, type: READ }), "r1", 0), LOCK.granted);
  assert.equal(locks.request(wish({ client: 2, type: WRITE }), "w2", 0), LOCK.waiting);
  assert.equal(locks.request(wish({ client: 3, type: READ }), "r3", 0), LOCK.waiting);
  assert.equal(locks.request(wish({ client: 4, type: READ, command: SET }), "", 0), LOCK.again);
  assert.equal(locks.request(wish({ client: 1, type: READ }), "r1", 0), LOCK.granted);
  assert.equal(locks.count(FILE, 0, "V-replicate-0"), 4);
  const unlock = (client: number): number =>
    locks.request(wish({ client, command: SET, type: UNLOCK }), "", 0);
  unlock(1);
  assert.deepEqual(locks.takeGranted(), []);
  unlock(1);
  assert.deepEqual(locks.takeGranted(), ["w2"]);
  unlock(2);
  assert.deepEqual(locks.takeGranted(), ["r3"]);
});

test("a connection that goes takes its locks and its waiters along, and lets others in", () => {
  const locks = new InodeLocks<string>(5000);
  locks.request(wish({ client: 1 }), "a", 0);
  locks.request(wish({ client: 2 }), "b", 0);
  locks.request(wish({ client: 1, owner: 9 }), "never", 0);
  locks.request(wish({ client: 3 }), "c", 0);
  locks.releaseClient(2, 0);
  assert.deepEqual(locks.takeGranted(), []);
  locks.releaseClient(1, 0);
  assert.deepEqual(locks.takeGranted(), ["c"]);
  locks.releaseClient(3, 0);
  assert.equal(locks.heldCount, 0);
  assert.ok(!locks.any(FILE, 0));
});

test("holders are told that others want their locks, and again only after the delay", () => {
  const locks = new InodeLocks<string>(5000);
  locks.request(wish({ client: 1, length: 5 }), "", 0);
  assert.deepEqual(locks.takeContended(), []);
  const told = (now: number): number[] => {
    locks.request(wish({ client: 2, command: SET }), "", now);
    return locks.takeContended().map((lock) => lock.client);
  };
  assert.deepEqual(told(100), [1]);
  assert.deepEqual(told(5099), []);
  assert.deepEqual(told(5100), [1]);
});

test("draining lets nobody in but those who have to finish, and then everybody", () => {
  const locks = new InodeLocks<string>(5000);
  locks.request(wish({ client: 1 }), "", 0);
  locks.drain(true, 0);
  assert.equal(locks.request(wish({ client: 2, words: OTHER_FILE }), "two", 0), LOCK.waiting);
  assert.equal(locks.request(wish({ client: 1, domain: "other" }), "", 0), LOCK.granted);
  assert.equal(locks.heldCount, 2);
  locks.releaseClient(1, 0);
  assert.equal(locks.heldCount, 0);
  assert.deepEqual(locks.takeGranted(), []);
  locks.drain(false, 0);
  assert.deepEqual(locks.takeGranted(), ["two"]);
});

test("while draining, who is let go, and daemons, get locks without holding any", () => {
  const locks = new InodeLocks<string>(5000);
  locks.drain(true, 0);
  assert.equal(locks.request(wish({ client: 2 }), "two", 0), LOCK.waiting);
  assert.equal(locks.request(wish({ client: 3, words: OTHER_FILE }), "three", 0), LOCK.waiting);
  assert.equal(locks.request({ ...wish({ client: 4, domain: "heal" }), pid: -6 }, "", 0), LOCK.granted);
  locks.letGo(({ client }) => client === 3, 0);
  assert.deepEqual(locks.takeGranted(), ["three"]);
  locks.drain(false, 0);
  assert.deepEqual(locks.takeGranted(), ["two"]);
});

test("in a hurry holders old and new hear that their locks are wanted, and nobody waits", () => {
  const locks = new InodeLocks<string>(5000);
  const old = () => [...locks.locks()].filter((lock) => lock.isOld).length;
  const one = wish({ client: 1 });
  locks.request(one, "", 0);
  locks.hurry(true, 0);
  assert.deepEqual(locks.takeContended().map((lock) => lock.client), [1]);
  assert.equal(locks.count(one.words, one.at), 2, "one more than there is");
  assert.equal(locks.count(one.words, one.at, one.domain), 2);
  assert.equal(old(), 1);
  assert.equal(locks.request(wish({ client: 2, words: OTHER_FILE }), "", 0), LOCK.granted);
  assert.deepEqual(locks.takeContended().map((lock) => lock.client), [2]);
  locks.releaseClient(1, 0);
  assert.equal(old(), 0);
  locks.hurry(false, 0);
  assert.equal(locks.count(OTHER_FILE, 0), 1);
});

test("commands, types and ranges that there are not are refused", () => {
  const locks = new InodeLocks<string>(5000);
  assert.equal(locks.request(wish({ command: 0 }), "", 0), LOCK.unsupported);
  assert.equal(locks.request(wish({ command: 7 }), "", 0), LOCK.invalid);
  assert.equal(locks.request(wish({ type: 3 }), "", 0), LOCK.invalid);
  assert.equal(locks.request({ ...wish({}), startHigh: 0x8000_0000 }, "", 0), LOCK.invalid);
  assert.equal(locks.request({ ...wish({}), lengthHigh: 0x8000_0000 }, "", 0), LOCK.invalid);
  const over = { ...wish({}), startHigh: 0x7fff_ffff, startLow: 0xffff_ffff, lengthLow: 2 };
  assert.equal(locks.request(over, "", 0), LOCK.invalid);
  assert.ok(!locks.any(FILE, 0));
});

/** One lock a line; nothing but lists. */
interface ModelLock {
  id: number; client: number; owner: number; type: number; start: number; end: number;
}

class Model {
  held: ModelLock[] = [];
  waiting: ModelLock[] = [];

  static inTheWay(a: ModelLock, b: ModelLock): boolean {
    if (a.client === b.client && a.owner === b.owner) return false;
    return (a.type === WRITE || b.type === WRITE) && a.start <= b.end && b.start <= a.end;
  }

  mayHave(lock: ModelLock): boolean {
    const isOwn = (other: ModelLock): boolean =>
      other.client === lock.client && other.owner === lock.owner;
    if (this.held.some((other) => Model.inTheWay(lock, other))) return false;
    return !this.waiting.some((other) => Model.inTheWay(lock, other))
      || this.held.some(isOwn) || this.waiting.some(isOwn);
  }

  retry(): number[] {
    const queue = this.waiting;
    this.waiting = [];
    const granted: number[] = [];
    for (const lock of queue) {
      if (this.mayHave(lock)) {
        this.held.push(lock);
        granted.push(lock.id);
      } else {
        this.waiting.push(lock);
      }
    }
    return granted;
  }
}

test("any history is answered as lists searched from end to end answer it", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed);
    const locks = new InodeLocks<number>(5000);
    const model = new Model();
    for (let step = 0; step < 300; step++) {
      const lock: ModelLock = {
        id: step, client: random.below(3), owner: random.below(2), type: random.below(2),
        start: random.below(8), end: 0,
      };
      const length = random.below(5);
      lock.end = length === 0 ? Number.POSITIVE_INFINITY : lock.start + length - 1;
      const common = { client: lock.client, owner: lock.owner, start: lock.start, length };
      let granted: number[] = [];
      const dice = random.below(20);
      if (dice === 0) {
        locks.releaseClient(lock.client, 0);
        model.held = model.held.filter((other) => other.client !== lock.client);
        model.waiting = model.waiting.filter((other) => other.client !== lock.client);
        granted = model.retry();
      } else if (dice < 11 && model.held.length > 0) {
        const victim = random.pick(model.held);
        const status = locks.request(wish({
          client: victim.client, owner: victim.owner, start: victim.start, command: SET,
          type: UNLOCK, length: Number.isFinite(victim.end) ? victim.end - victim.start + 1 : 0,
        }), step, 0);
        assert.equal(status, LOCK.granted);
        const index = model.held.findIndex((other) => other.client === victim.client
          && other.owner === victim.owner && other.start === victim.start
          && other.end === victim.end);
        model.held.splice(index, 1);
        granted = model.retry();
      } else {
        const command = random.chance(0.5) ? SET : SET_WAIT;
        const status = locks.request(wish({ ...common, type: lock.type, command }), step, 0);
        if (model.mayHave(lock)) {
          assert.equal(status, LOCK.granted, `seed ${seed} step ${step}`);
          model.held.push(lock);
        } else if (command === SET_WAIT) {
          assert.equal(status, LOCK.waiting, `seed ${seed} step ${step}`);
          model.waiting.push(lock);
        } else {
          assert.equal(status, LOCK.again, `seed ${seed} step ${step}`);
        }
      }
      assert.deepEqual(locks.takeGranted(), granted, `seed ${seed} step ${step}`);
      assert.equal(locks.count(FILE, 0), model.held.length + model.waiting.length);
      assert.equal(locks.heldCount, model.held.length);
    }
  }
});

test("an operator's clearing takes locks of all domains, and the counts stay true", () => {
  const locks = new InodeLocks<string>(5000);
  const all = (which: "blocked" | "granted" | "all") => ({ which, isMeant: () => true });
  locks.request(wish({}), "a", 0);
  locks.request(wish({ domain: "V-disperse-0" }), "b", 0);
  locks.request(wish({ client: 2 }), "c", 0);
  locks.request(wish({ client: 3 }), "d", 0);
  assert.deepEqual(locks.clear(FILE, 0, all("blocked"), 0), { granted: 0, ended: ["c", "d"] });
  assert.equal(locks.count(FILE, 0), 2);
  locks.request(wish({ client: 2 }), "e", 0);
  assert.deepEqual(locks.clear(FILE, 0, all("granted"), 0), { granted: 2, ended: [] });
  assert.deepEqual(locks.takeGranted(), ["e"]);
  assert.equal(locks.heldCount, 1);
  locks.releaseClient(1, 0);
  locks.releaseClient(2, 0);
  assert.equal(locks.heldCount, 0);
  assert.ok(!locks.any(FILE, 0));
});
