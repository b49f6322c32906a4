import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "@mortar/sim";
import { LEASE, LeaseTable, UpcallTable } from "./index.ts";

const FILE = Uint32Array.of(1, 1, 1, 1);
const ALONE = { all: 0, writing: 0 };
const EINVAL = 22;
const EAGAIN = 11;
const who = (client: number): { client: number; id: string } => ({ client, id: `c${client}` });

test("read leases are shared, a write lease is alone, and open files exclude them", () => {
  const table = new LeaseTable<string>();
  const grant = (client: number, type: number, open = ALONE): number =>
    table.grant(FILE, 0, { ...who(client), type }, open);
  assert.equal(grant(1, 3), EINVAL);
  assert.equal(grant(1, LEASE.read, { all: 1, writing: 1 }), EAGAIN);
  assert.ok(!table.any(FILE, 0));
  assert.equal(grant(1, LEASE.read, { all: 1, writing: 0 }), 0);
  assert.equal(grant(2, LEASE.read), 0);
  assert.equal(grant(2, LEASE.readWrite), EAGAIN);
  assert.equal(table.unlock(FILE, 0, "c1"), 0);
  assert.equal(table.unlock(FILE, 0, "c1"), EINVAL);
  assert.equal(grant(2, LEASE.readWrite), 0);
  assert.equal(table.typeOf(FILE, 0, "c2"), LEASE.readWrite);
  assert.equal(grant(1, LEASE.read), EAGAIN);
});

test("an excluded operation waits until the holder, told once, loses its lease", () => {
  const table = new LeaseTable<string>(100);
  table.grant(FILE, 0, { ...who(1), type: LEASE.read }, ALONE);
  assert.ok(table.pass(FILE, 0, who(2), false, "read", 0));
  assert.ok(table.pass(FILE, 0, who(1), true, "own", 0));
  assert.ok(!table.pass(FILE, 0, who(2), true, "write", 0));
  assert.ok(!table.pass(FILE, 0, who(3), true, undefined, 0));
  assert.deepEqual(table.takeRecalled().map((lease) => lease.client), [1]);
  assert.equal(table.grant(FILE, 0, { ...who(3), type: LEASE.read }, ALONE), EAGAIN);
  table.expire(99);
  assert.deepEqual(table.takeReleased(), []);
  table.expire(100);
  assert.deepEqual(table.takeReleased(), ["write"]);
  assert.ok(!table.any(FILE, 0));
});

test("a connection that goes gives its leases back and takes its waiters along", () => {
  const table = new LeaseTable<string>();
  table.grant(FILE, 0, { ...who(1), type: LEASE.readWrite }, ALONE);
  table.pass(FILE, 0, who(2), false, "two", 0);
  table.pass(FILE, 0, who(3), false, "three", 0);
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
