import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "@mortar/sim";
import { LEASE, LeaseTable, UpcallTable } from "./index.ts";
import type { LeaseUser } from "./index.ts";

const FILE = Uint32Array.of(1, 1, 1, 1);
const ALONE = { all: 0, writing: 0 };
const EPERM = 1;
const EINVAL = 22;
const who = (client: number): { client: number; id: string } => ({ client, id: `c${client}` });
const user = (client: number, writes = false): LeaseUser => ({
  ...who(client), writes, removes: false,
});

test("read leases are shared, a write lease is alone, and open files exclude them", () => {
  const table = new LeaseTable<string>();
  const grant = (client: number, type: number, open = ALONE): number =>
    table.grant(FILE, 0, { ...who(client), type }, open, 0);
  assert.equal(grant(1, 3), EPERM);
  assert.equal(grant(1, LEASE.read, { all: 1, writing: 1 }), EPERM);
  assert.ok(!table.any(FILE, 0));
  assert.equal(grant(1, LEASE.read, { all: 1, writing: 0 }), 0);
  assert.equal(grant(2, LEASE.read), 0);
  assert.equal(table.unlock(FILE, 0, "c1", LEASE.readWrite), EINVAL);
  assert.equal(table.unlock(FILE, 0, "c1", LEASE.read), 0);
  assert.equal(table.unlock(FILE, 0, "c1", LEASE.read), 0, "it may have been taken away meanwhile");
  assert.equal(grant(2, LEASE.readWrite), 0);
  assert.equal(table.typeOf(FILE, 0), LEASE.read | LEASE.readWrite);
  assert.equal(grant(1, LEASE.read), EPERM);
  assert.deepEqual(table.takeRecalled().map((lease) => lease.client), [2]);
  for (const type of [LEASE.read, LEASE.readWrite]) table.unlock(FILE, 0, "c2", type);
  assert.equal(grant(1, LEASE.readWrite), 0);
});

test("an excluded operation waits until all holders, told once, have lost their leases", () => {
  const table = new LeaseTable<string>(100);
  for (const client of [1, 4]) {
    table.grant(FILE, 0, { ...who(client), type: LEASE.read }, ALONE, 0);
  }
  assert.ok(table.pass(FILE, 0, user(2), "read", 0));
  assert.deepEqual(table.takeRecalled(), []);
  assert.ok(!table.pass(FILE, 0, user(2, true), "write", 0));
  assert.ok(!table.pass(FILE, 0, { ...user(3), id: undefined }, undefined, 0));
  assert.deepEqual(table.takeRecalled().map((lease) => lease.client), [1, 4]);
  assert.equal(table.grant(FILE, 0, { ...who(3), type: LEASE.read }, ALONE, 0), EPERM);
  table.unlock(FILE, 0, "c1", LEASE.read);
  table.expire(99);
  assert.deepEqual(table.takeReleased(), []);
  table.expire(100);
  assert.deepEqual(table.takeReleased(), ["write"]);
  assert.ok(!table.any(FILE, 0));
});

test("a holder changes what it has the lease of, but takes no name of it away", () => {
  const table = new LeaseTable<string>();
  table.grant(FILE, 0, { ...who(1), type: LEASE.readWrite }, ALONE, 0);
  assert.ok(table.pass(FILE, 0, user(1, true), "write", 0));
  assert.ok(!table.pass(FILE, 0, { ...user(1, true), removes: true }, "unlink", 0));
  table.unlock(FILE, 0, "c1", LEASE.readWrite);
  assert.deepEqual(table.takeReleased(), ["unlink"]);
});

test("a connection that goes gives its leases back and takes its waiters along", () => {
  const table = new LeaseTable<string>();
  table.grant(FILE, 0, { ...who(1), type: LEASE.readWrite }, ALONE, 0);
  table.pass(FILE, 0, user(2), "two", 0);
  table.pass(FILE, 0, user(3), "three", 0);
  table.releaseClient(2);
  table.releaseClient(1);
  assert.deepEqual(table.takeReleased(), ["three"]);
});

test("a change is told to those who looked within the timeout, but the one who made it", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed);
    const table = new UpcallTable(10);
    const words = Uint32Array.from({ length: 12 }, (_, index) => index);
    const seen = new Map<string, number>();
    for (let now = 0; now < 300; now++) {
      const inode = random.below(3);
      const client = random.below(4);
      const dice = random.below(10);
      if (dice < 5) {
        table.see(words, 4 * inode, client, now);
        seen.set(`${inode} ${client}`, now);
      } else if (dice < 9) {
        const expected = [0, 1, 2, 3].filter((other) => other !== client
          && now - (seen.get(`${inode} ${other}`) ?? -10) < 10);
        const told = table.change(words, 4 * inode, client, now);
        assert.deepEqual(new Set(told), new Set(expected), `seed ${seed} at ${now}`);
        assert.equal(told.length, expected.length);
      } else {
        table.releaseClient(client);
        for (const one of [0, 1, 2]) seen.delete(`${one} ${client}`);
      }
    }
    table.expire(10_000);
    assert.equal(table.size, 0);
  }
});
