import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "@mortar/sim";
import { ClassTable } from "./class-table.ts";
import { OwnerClasses } from "./owner-classes.ts";
import { OwnerSets } from "./owner-sets.ts";
import { SpaceAccounting } from "./space-accounting.ts";
import { SpaceModel } from "./space-model.sim.ts";
import { VersionForest } from "./version-forest.ts";

const SEEDS = 40;
const STEPS = 250;
const DEVICES = 7;
const BLOCKS_MAX = 700;

function newAccounting(): SpaceAccounting {
  return new SpaceAccounting({
    forest: new VersionForest(), sets: new OwnerSets(0), nodes: new Uint32Array(0),
    classes: new OwnerClasses(), table: new ClassTable(),
  });
}

function randomDevices(model: SpaceModel, random: Random): number[] {
  return model.deviceIds().filter(() => random.chance(0.4));
}

function compare(model: SpaceModel, accounting: SpaceAccounting, random: Random): void {
  assert.deepEqual(accounting.all(), model.all());
  assert.equal(accounting.usedBlocks(), model.usedBlocks());
  const some = randomDevices(model, random);
  assert.equal(accounting.freedBy(some), model.freedBy(some), `freed by ${some.join(" ")}`);
}

/** Tell both of something that can happen to a pool. */
function step(model: SpaceModel, accounting: SpaceAccounting, random: Random): void {
  const ids = model.deviceIds();
  const both = [model, accounting];
  const free = Array.from({ length: DEVICES }, (_, id) => id).filter((id) => !ids.includes(id));
  const dice = random.below(100);
  if (ids.length === 0 || (dice < 3 && free.length > 0)) {
    const id = random.pick(free);
    for (const one of both) one.created(id);
  } else if (dice < 12 && free.length > 0) {
    const [id, origin] = [random.pick(free), random.pick(ids)];
    for (const one of both) one.snapshotted(id, origin);
  } else if (dice < 18) {
    const id = random.pick(ids);
    for (const one of both) one.deleted(id);
  } else if (dice < 20) {
    const what = model.isHeld ? "released" : "held";
    for (const one of both) one[what]();
  } else if (dice < 22) {
    accounting.sweep();
  } else if (dice < 60) {
    const id = random.pick(ids);
    const run = model.freeRun(random.below(BLOCKS_MAX), 1 + random.below(40));
    if (run) for (const one of both) one.provisioned(id, run.begin, run.count);
  } else {
    const id = random.pick(ids);
    const run = model.ownedRun(id, random.below(BLOCKS_MAX), 1 + random.below(20));
    if (run) for (const one of both) one.unmapped(id, run.begin, run.count);
  }
}

test("after any history the books say what counting owners block by block says", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed);
    const model = new SpaceModel();
    const accounting = newAccounting();
    for (let index = 0; index < STEPS; index++) {
      step(model, accounting, random);
      try {
        compare(model, accounting, random);
      } catch (error) {
        throw new Error(`seed ${seed}, step ${index}`, { cause: error });
      }
    }
  }
});

test("every set of devices is told what its deletion frees, and sweeping changes no answer", () => {
  const random = new Random(99);
  const model = new SpaceModel();
  const accounting = newAccounting();
  for (let index = 0; index < 600; index++) step(model, accounting, random);
  const ids = model.deviceIds();
  assert.ok(ids.length > 2);
  const answers = (): number[] =>
    Array.from({ length: 2 ** ids.length }, (_, bits) =>
      accounting.freedBy(ids.filter((_id, index) => ((bits >>> index) & 1) === 1)));
  const before = answers();
  for (const [bits, freed] of before.entries()) {
    assert.equal(freed, model.freedBy(ids.filter((_id, index) => ((bits >>> index) & 1) === 1)));
  }
  accounting.sweep();
  assert.deepEqual(answers(), before);
});

test("a year of hourly snapshots, each kept for a day, leaves books of a day", () => {
  const accounting = newAccounting();
  accounting.created(0);
  accounting.provisioned(0, 0, 10_000);
  const random = new Random(5);
  let next = 10_000;
  const mapped = Array.from({ length: 10_000 }, (_, index) => index);
  for (let hour = 1; hour <= 365 * 24; hour++) {
    accounting.snapshotted(hour, 0);
    if (hour > 24) accounting.deleted(hour - 24);
    for (let change = 0; change < 10; change++) {
      const at = random.below(mapped.length);
      accounting.unmapped(0, mapped[at]!, 1);
      accounting.provisioned(0, next, 1);
      mapped[at] = next;
      next += 1;
    }
  }
  accounting.sweep();
  const { classes, nodes } = accounting.figures();
  assert.ok(nodes < 60, `${nodes} nodes`);
  assert.ok(classes < 700, `${classes} classes`);
  assert.equal(accounting.all()[0]!.mappedBlocks, 10_000);
});

test("clones that let go of the same blocks in different orders make no more classes", () => {
  const accounting = newAccounting();
  const clones = [1, 2, 3, 4, 5];
  accounting.created(0);
  accounting.provisioned(0, 0, 1000);
  for (const clone of clones) accounting.snapshotted(clone, 0);
  const random = new Random(3);
  for (let block = 0; block < 1000; block++) {
    const order = clones.map((clone) => ({ clone, key: random.below(1000) }));
    order.sort((left, right) => left.key - right.key);
    for (const { clone } of order) accounting.unmapped(clone, block, 1);
  }
  assert.equal(accounting.exclusiveBlocks(0), 1000);
  assert.ok(accounting.figures().classes <= 2 ** clones.length + 1);
  accounting.sweep();
  assert.equal(accounting.figures().classes, 2 + clones.length);
  assert.equal(accounting.exclusiveBlocks(0), 1000);
});

test("an unknown device, or a block that nobody has, is an error and not a wrong number", () => {
  const accounting = newAccounting();
  accounting.created(1);
  assert.throws(() => accounting.freedBy([2]), /device 2 is not known/);
  assert.throws(() => accounting.exclusiveBlocks(2), /device 2 is not known/);
  assert.throws(() => accounting.unmapped(1, 77, 1), /data block 77/);
});
