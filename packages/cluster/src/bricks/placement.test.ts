import assert from "node:assert/strict";
import { test } from "node:test";
import { type Place, placeSets } from "./placement.ts";

const GiB = 1024 ** 3;

/** A small generator of numbers below `limit`, the same for the same seed. */
function numbers(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

function cluster(seed: number): { places: Place[]; setSize: number; setCount: number } {
  const below = numbers(seed);
  const domainCount = 1 + below(5);
  const places = Array.from({ length: 1 + below(9) }, (_, index): Place => ({
    node: `n${index}`, domain: `z${below(domainCount)}`, freeBytes: below(20) * GiB,
  }));
  return { places, setSize: 1 + below(4), setCount: 1 + below(4) };
}

test("no two bricks of a set share a domain while there are enough with room", () => {
  let apart = 0;
  for (let seed = 1; seed <= 3000; seed += 1) {
    const { places, setSize, setCount } = cluster(seed);
    const sets = placeSets(places, { setSize, setCount, sizeBytes: GiB });
    if (sets === undefined) continue;
    const free = new Map(places.map((it) => [it.node, it.freeBytes]));
    const domainOf = new Map(places.map((it) => [it.node, it.domain]));
    for (const set of sets) {
      const roomy = places.filter((it) => (free.get(it.node) ?? 0) >= GiB);
      const domains = new Set(roomy.map((it) => it.domain));
      const used = new Set(set.map((node) => domainOf.get(node)));
      assert.equal(new Set(set).size, setSize, `seed ${seed}: nodes of a set differ`);
      assert.equal(used.size, Math.min(setSize, domains.size), `seed ${seed}: domains differ`);
      if (used.size > 1) apart += 1;
      for (const node of set) free.set(node, (free.get(node) ?? 0) - GiB);
    }
    for (const [node, bytes] of free) assert.ok(bytes >= 0, `seed ${seed}: ${node} has room`);
  }
  assert.ok(apart > 500, "the cases are worth something");
});

test("the same question has the same answer, in whatever order the nodes come", () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const { places, ...rest } = cluster(seed);
    const asked = { ...rest, sizeBytes: GiB };
    assert.deepEqual(placeSets(places, asked), placeSets(places.toReversed(), asked));
  }
});

test("equal nodes get equal shares", () => {
  const places = ["a", "b", "c"].map((node): Place => ({ node, domain: node, freeBytes: 99 * GiB }));
  const sets = placeSets(places, { setSize: 2, setCount: 6, sizeBytes: GiB });
  const shares = new Map<string, number>();
  for (const node of sets!.flat()) shares.set(node, (shares.get(node) ?? 0) + 1);
  assert.deepEqual([...shares.values()], [4, 4, 4]);
});

test("without room there is no placement, unless it is forced; with too few nodes never", () => {
  const places: Place[] = [{ node: "a", domain: "a", freeBytes: 0 }];
  const one = { setSize: 1, setCount: 1, sizeBytes: GiB };
  assert.equal(placeSets(places, one), undefined);
  assert.deepEqual(placeSets(places, { ...one, force: true }), [["a"]]);
  assert.equal(placeSets(places, { ...one, setSize: 2, force: true }), undefined);
  assert.equal(placeSets([], one), undefined);
});
