import assert from "node:assert/strict";
import test from "node:test";
import { isCovered, isKeptOff, LOCK, PosixLocks } from "./index.ts";
import type { FileAccess, PosixLockRequest } from "./index.ts";

const FILE = Uint32Array.of(4, 3, 2, 1);
const [READ, WRITE] = [0, 1];
const SET = 1;
const SET_WAIT = 2;

function wish(
  client: number, type: number, start: number, length: number, more: Partial<PosixLockRequest> = {},
): PosixLockRequest {
  return {
    words: FILE, at: 0, client, owner: Uint8Array.of(client), pid: client, command: SET, type,
    startHigh: 0, startLow: start, lengthHigh: 0, lengthLow: length, ...more,
  };
}

const access = (client: number, from: number, to: number, reads = false): FileAccess => ({
  client, owner: Uint8Array.of(client), reads,
  startHigh: 0, startLow: from, endHigh: 0, endLow: to,
});

test("a write lock keeps others off what it covers, a read lock their writes alone", () => {
  const locks = new PosixLocks<string>();
  locks.request(wish(1, WRITE, 10, 10), "");
  locks.request(wish(2, READ, 30, 10, { isMandatory: true }), "");
  const kept = (what: FileAccess, onlyMandatory = false): boolean =>
    isKeptOff(locks.held(FILE, 0), what, onlyMandatory);
  assert.deepEqual([kept(access(3, 0, 9)), kept(access(3, 0, 10)), kept(access(3, 19, 19, true))],
    [false, true, true]);
  assert.deepEqual([kept(access(1, 10, 19)), kept(access(3, 35, 35, true))], [false, false]);
  assert.deepEqual([kept(access(3, 35, 35)), kept(access(2, 35, 35))], [true, false]);
  assert.deepEqual([kept(access(3, 15, 15), true), kept(access(3, 35, 35), true)], [false, true]);
});

test("of an enforced file the first lock that overlaps decides, and has to cover all", () => {
  const locks = new PosixLocks<string>();
  locks.request(wish(1, WRITE, 10, 10), "");
  const covered = (what: FileAccess): boolean => isCovered(locks.held(FILE, 0), what);
  assert.deepEqual([covered(access(1, 10, 19)), covered(access(1, 10, 20))], [true, false]);
  assert.deepEqual([covered(access(2, 12, 13)), covered(access(1, 50, 51))], [false, false]);
});

test("who takes a lock away gets it at once, and those that waited are given back", () => {
  const locks = new PosixLocks<string>();
  locks.request(wish(1, WRITE, 0, 10), "");
  locks.request(wish(1, WRITE, 50, 10), "");
  assert.equal(locks.request(wish(2, WRITE, 5, 1, { command: SET_WAIT }), "two"), LOCK.waiting);
  assert.deepEqual(locks.preempt(wish(3, WRITE, 5, 10)), ["two"]);
  assert.deepEqual(locks.held(FILE, 0).map(({ client }) => client), [1, 3]);
  assert.equal(locks.preempt(wish(3, 2, 5, 10)), undefined, "nothing is given back so");
});

test("the locks of a descriptor end with it, or go along to another connection", () => {
  const locks = new PosixLocks<string>();
  locks.request(wish(1, WRITE, 0, 10, { descriptor: 7 }), "");
  locks.request(wish(1, WRITE, 10, 10, { descriptor: 8 }), "");
  assert.equal(locks.held(FILE, 0).length, 2, "side by side they stay two");
  const { changes } = locks;
  locks.migrate(FILE, 0, 7, { client: 5, descriptor: 9 });
  assert.ok(locks.changes > changes);
  locks.releaseClient(1);
  assert.deepEqual(
    locks.held(FILE, 0).map(({ client, descriptor }) => [client, descriptor]), [[5, 9]],
  );
  assert.ok(!locks.some(FILE, 0, ({ descriptor }) => descriptor === 8));
  assert.equal(locks.request(wish(6, WRITE, 0, 1, { command: SET_WAIT }), "six"), LOCK.waiting);
  assert.deepEqual(locks.releaseDescriptor(FILE, 0, 9), []);
  assert.deepEqual(locks.takeGranted(), ["six"]);
  assert.deepEqual([...locks.locks()].map(({ lock, waits }) => [lock.client, waits]), [[6, false]]);
  locks.releaseClient(6);
  assert.ok(!locks.any(FILE, 0));
});
