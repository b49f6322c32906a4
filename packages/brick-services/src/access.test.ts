import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "@mortar/sim";
import {
  ACL_ACCESS_KEY, chmodMode, getXattrErrno, newEntryGid, newEntryMode, NO_SQUASH,
  openWants, parseAcl, permits, removeXattrErrno, SET_ATTRIBUTE, setAttributesErrno, setXattrErrno,
  squash, stickyPermits, WANT,
} from "./index.ts";
import type { Caller, Guarded } from "./index.ts";

const EPERM = 1;
const EACCES = 13;

function caller(uid: number, gid = uid, groups: number[] = []): Caller {
  return { uid, gid, groups: Uint32Array.from([...groups, 77]), groupCount: groups.length };
}

function object(uid: number, gid: number, mode: number): Guarded {
  return { uid, gid, mode, acl: undefined };
}

test("the first class that fits decides, even if it grants less than the next", () => {
  const file = object(1, 10, 0o047);
  assert.ok(!permits(caller(1, 10), file, WANT.read));
  assert.ok(permits(caller(2, 10), file, WANT.read));
  assert.ok(!permits(caller(2, 10), file, WANT.write));
  assert.ok(permits(caller(2, 20), file, WANT.read | WANT.write | WANT.execute));
  assert.ok(permits(caller(0, 0), file, WANT.write));
});

test("only as many groups count as the credential has", () => {
  assert.ok(permits(caller(2, 20, [30, 10]), object(1, 10, 0o040), WANT.read));
  assert.ok(!permits(caller(2, 20, [30]), object(1, 77, 0o040), WANT.read));
});

test("in a sticky directory an entry is taken by its owner, the directory's, or root", () => {
  const sticky = object(5, 5, 0o1777);
  for (const uid of [1, 5, 0]) assert.ok(stickyPermits(caller(uid), sticky, 1), `${uid}`);
  assert.ok(!stickyPermits(caller(9), sticky, 1));
  assert.ok(stickyPermits(caller(9), object(5, 5, 0o777), 1));
});

test("OPEN wants what its flags say", () => {
  assert.equal(openWants(0), WANT.read);
  assert.equal(openWants(1), WANT.write);
  assert.equal(openWants(2), WANT.read | WANT.write);
  assert.equal(openWants(0o40), WANT.execute);
  assert.equal(openWants(0o1000), WANT.read | WANT.write);
  assert.equal(openWants(0o2000 | 1), WANT.write);
});

test("mode and group are changed by the owner, the owner by root, times by who may write", () => {
  const file = object(1, 10, 0o664);
  const errno = (who: Caller, valid: number, uid = 1, gid = 10): number =>
    setAttributesErrno(who, file, valid, uid, gid, 0o600);
  assert.equal(errno(caller(1), SET_ATTRIBUTE.mode), 0);
  assert.equal(errno(caller(2, 10), SET_ATTRIBUTE.mode), EPERM);
  assert.equal(errno(caller(2, 10), SET_ATTRIBUTE.atime | SET_ATTRIBUTE.mtime), 0);
  assert.equal(errno(caller(2, 20), SET_ATTRIBUTE.mtime), EACCES);
  assert.equal(errno(caller(2, 20), SET_ATTRIBUTE.size), EACCES);
  assert.equal(errno(caller(1, 10, [30]), SET_ATTRIBUTE.gid, 1, 30), 0);
  assert.equal(errno(caller(1, 10, [30]), SET_ATTRIBUTE.gid, 1, 31), EPERM);
  assert.equal(errno(caller(1, 10), SET_ATTRIBUTE.uid, 2), EPERM);
  assert.equal(errno(caller(1, 10), SET_ATTRIBUTE.uid, 1), 0);
  assert.equal(errno(caller(0, 0), 0xff, 7, 7), 0);
  assert.equal(chmodMode(caller(1, 20), file, 0o2755), 0o755);
  assert.equal(chmodMode(caller(1, 20, [10]), file, 0o2755), 0o2755);
});

test("who may write may take setuid and setgid away, and nothing else of the mode", () => {
  const program = object(1, 10, 0o6775);
  const errno = (who: Caller, mode: number): number =>
    setAttributesErrno(who, program, SET_ATTRIBUTE.mode, 1, 10, mode);
  for (const mode of [0o6775, 0o4775, 0o2775, 0o775]) {
    assert.equal(errno(caller(2, 10), mode), 0);
    assert.equal(errno(caller(2, 20), mode), EPERM);
  }
  assert.equal(errno(caller(2, 10), 0o774), EPERM);
  assert.equal(errno(caller(2, 10), 0o1775), EPERM);
  assert.equal(setAttributesErrno(caller(2, 10), object(1, 10, 0o775), SET_ATTRIBUTE.mode, 1, 10, 0o4775), EPERM);
});

test("a setgid directory gives its group to entries, and its bit to directories", () => {
  const parent = object(1, 10, 0o2775);
  const plain = object(1, 10, 0o775);
  assert.equal(newEntryGid(caller(2, 20), parent), 10);
  assert.equal(newEntryGid(caller(2, 20), plain), 20);
  assert.equal(newEntryMode(caller(2, 20), parent, 0o755, true), 0o2755);
  assert.equal(newEntryMode(caller(2, 20), parent, 0o644, false), 0o644);
  assert.equal(newEntryMode(caller(2, 20), parent, 0o2755, false), 0o755);
  assert.equal(newEntryMode(caller(2, 10), parent, 0o2755, false), 0o2755);
  assert.equal(newEntryMode(caller(2, 20), plain, 0o755, true), 0o755);
});

test("extended attributes are for who may read and write, ACLs for the owner", () => {
  const file = object(1, 10, 0o640);
  assert.equal(getXattrErrno(caller(9), file, "user.a"), EACCES);
  assert.equal(getXattrErrno(caller(9), file, ACL_ACCESS_KEY), 0);
  assert.equal(getXattrErrno(caller(9, 10), file, ""), 0);
  assert.equal(setXattrErrno(caller(9, 10), file, "user.a"), EACCES);
  assert.equal(setXattrErrno(caller(1), file, "user.a"), 0);
  assert.equal(setXattrErrno(caller(9, 10), file, ACL_ACCESS_KEY), EPERM);
  assert.equal(removeXattrErrno(caller(9, 10), file, ACL_ACCESS_KEY), EPERM);
  assert.equal(removeXattrErrno(caller(0), file, "user.a"), 0);
});

test("squashed roots are nobody, in all their groups; internal clients stay what they are", () => {
  const make = (pid: number, uid: number): Parameters<typeof squash>[0] =>
    ({ pid, uid, gid: uid, groups: Uint32Array.of(0, 5, 0), groupCount: 2 });
  const rule = { ...NO_SQUASH, root: true };
  const root = make(100, 0);
  squash(root, rule);
  assert.deepEqual([root.uid, root.gid, [...root.groups]], [65534, 65534, [65534, 5, 0]]);
  const user = make(100, 7);
  squash(user, rule);
  assert.equal(user.uid, 7);
  squash(user, { ...NO_SQUASH, all: true });
  assert.deepEqual([user.uid, user.gid, user.groups[1]], [65534, 65534, 65534]);
  for (const [pid, how] of [[-6, rule], [100, NO_SQUASH]] as const) {
    const kept = make(pid, 0);
    squash(kept, how);
    assert.equal(kept.uid, 0);
  }
});

test("no bytes at all make parsing an ACL fail in another way than saying no", () => {
  const random = new Random(11);
  for (let round = 0; round < 3000; round++) {
    const bytes = Uint8Array.from({ length: random.below(60) }, () => random.below(5));
    bytes[0] = 2;
    const acl = parseAcl(bytes);
    if (acl !== undefined) assert.equal(bytes.length, 4 + 8 * acl.tags.length);
  }
});
