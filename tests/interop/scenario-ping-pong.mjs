/**
 * Mortar's engine makes a pool over two disks, the kernel's goes on with it, ours again, and so
 * on: each time with writes, discards, snapshots, deletions and growth, and each time all is
 * compared.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  copyOutBytes,
  copyOutSteps,
  expectedPercentages,
  lvm,
  lvsRows,
  printedPercentages,
  reportStep,
  stepsFor,
  verifyCopies,
  verifyKernelLog,
  verifyStatus,
} from "./by-guest.mjs";
import { carryOut, verifyOnHost } from "./by-us.mjs";
import { FileGroup } from "./group-on-files.mjs";
import { diskName } from "./guest.mjs";
import { newFile } from "./new-file.mjs";
import { Random } from "./random.mjs";
import { PATTERN_BYTES, World } from "./world.mjs";

/**
 * @typedef {import("./world.mjs").Change} Change
 *
 * @typedef {object} Match
 * @property {import("./report.mjs").Report} report
 * @property {import("./guest.mjs").Guest} guest
 * @property {string} directory
 * @property {Random} random
 * @property {World} world
 * @property {Uint8Array} pattern
 * @property {[string, string]} paths of the physical volumes
 * @property {string} patternPath
 */

const VG = "pingpong";
const POOL = "pool";
const MIB = 1 << 20;
const CHUNK_KIB = [128, 64, 192];
const VOLUMES_MAX = 9;
const KEPT = new Set(["b", "big"]);

/**
 * @param {Pick<Match, "report" | "guest" | "directory"> & { seed: number, rounds: number }} options
 */
export async function pingPong({ report, guest, directory, seed, rounds }) {
  const random = new Random(seed);
  const pattern = random.bytes(PATTERN_BYTES);
  const chunkKib = CHUNK_KIB[seed % CHUNK_KIB.length] ?? 64;
  /** @type {Match} */
  const match = {
    report,
    guest,
    directory,
    random,
    pattern,
    world: new World(random, pattern, chunkKib * 1024, 32),
    paths: [join(directory, "disk0"), join(directory, "disk1")],
    patternPath: join(directory, "pattern"),
  };
  const { world, paths } = match;
  writeFileSync(match.patternPath, pattern);
  newFile(paths[0], 232 * MIB);
  newFile(paths[1], 200 * MIB);

  report.scenario(`ping-pong ${seed}, ours, chunks of ${chunkKib} KiB`);
  let group = FileGroup.create(VG, paths, random);
  group.createPool({ name: POOL, extentCount: world.dataExtents, chunkSectors: chunkKib * 2 });
  carryOut(group, firstChanges(match), pattern);
  group.closePool();
  verifyOnHost(report, group, world, directory);
  for (let round = 1; round <= rounds; round++) {
    const pending = leavePending(match, group);
    const expected = expectedPercentages(group);
    group.close();
    report.scenario(`ping-pong ${seed}, kernel's turn ${round}`);
    const printed = await kernelTurn(match, round, expected, pending);
    group = FileGroup.open(paths, random);
    report.equal("no message is left in the text", group.poolLv.segment.messages, []);
    report.equal("our status is what lvs printed last", expectedPercentages(group), printed);
    verifyOnHost(report, group, world, directory);
    report.scenario(`ping-pong ${seed}, our turn ${round}`);
    carryOut(group, ourChanges(match, round), pattern);
    group.closePool();
    verifyOnHost(report, group, world, directory);
  }
  group.close();
  for (const path of [...paths, match.patternPath]) rmSync(path);
}

/** The history with which the kernel has to cope first. @param {Match} match @returns {Change[]} */
function firstChanges({ world }) {
  const grow = (/** @type {Change} */ change) => world.planned(change);
  return [
    grow({ kind: "thin", lv: "a", extentCount: 16 }),
    grow({ kind: "thin", lv: "b", extentCount: 12 }),
    grow({ kind: "thin", lv: "big", extentCount: 128 }),
    ...world.plan(1500),
    grow({ kind: "snapshot", lv: world.newName("s"), origin: "a" }),
    ...world.plan(400),
    grow({ kind: "snapshot", lv: world.newName("s"), origin: "big" }),
    ...world.plan(400),
    grow({ kind: "extend-data", extentCount: 44 }),
    grow({ kind: "extend-metadata", extentCount: 2 }),
    grow({ kind: "snapshot", lv: world.newName("s"), origin: "s1" }),
    ...world.plan(600),
    ...["a", "big", "s1"].map((lv) =>
      grow({ kind: "zero", lv, offset: 100_000, length: 3_000_000 }),
    ),
    grow({ kind: "remove", lv: "s1" }),
    grow({ kind: "extend-data", extentCount: 60 }),
    grow({ kind: "thin", lv: "doomed", extentCount: 4 }),
    ...world.plan(600),
  ];
}

/** @param {Match} match @param {number} round @returns {Change[]} */
function ourChanges({ world, random }, round) {
  const snapshot = world.newName("s");
  const changes = [
    ...world.plan(150),
    world.planned({ kind: "snapshot", lv: snapshot, origin: random.pick(world.names()) }),
    ...world.plan(150),
    ...removals(world, random),
    world.planned({ kind: "thin", lv: world.newName("doomed"), extentCount: 3 }),
    ...world.plan(150),
  ];
  if (round % 2 === 0) {
    changes.push(
      world.planned({ kind: "extend-metadata", extentCount: world.metadataExtents + 1 }),
    );
  }
  return [...changes, ...world.plan(50)];
}

/** @param {World} world @param {Random} random @returns {Change[]} */
function removals(world, random) {
  const changes = [];
  while (world.names().length > VOLUMES_MAX) {
    const lv = random.pick(world.names().filter((name) => !KEPT.has(name)));
    changes.push(world.planned({ kind: "remove", lv }));
  }
  return changes;
}

/**
 * Delete a volume in the text only: real LVM passes that on to the pool with its next change.
 * @param {Match} match @param {FileGroup} group
 */
function leavePending({ world }, group) {
  const victim = group.thinNames().find((name) => name.startsWith("doomed"));
  if (victim === undefined) return undefined;
  group.remove(victim, { leavePending: true });
  world.contents.delete(victim);
  return victim;
}

/** @param {Match} match @param {number} round @returns {Change[]} */
function kernelChanges({ world, random }, round) {
  // Where a chunk is no power of 2, Linux 6.1 splits a discard within one, which it then keeps
  // mapped.
  const discards = Number.isInteger(Math.log2(world.chunkBytes));
  const snapshot = world.newName("s");
  const thin = world.newName("t");
  const changes = [
    world.planned({ kind: "snapshot", lv: snapshot, origin: random.pick(world.names()) }),
    world.planned({ kind: "extend-data", extentCount: world.dataExtents + 4 }),
    ...world.plan(60, { discards }),
    world.planned({ kind: "thin", lv: thin, extentCount: 5 + random.below(6) }),
    ...world.plan(30, { volumes: [thin, snapshot], discards }),
    ...removals(world, random),
    ...world.plan(20, { discards }),
    world.planned({ kind: "snapshot", lv: world.newName("s"), origin: random.pick(world.names()) }),
  ];
  const { sizeBytes } = world.content("b");
  if (round % 2 === 1) {
    changes.push(
      world.planned({ kind: "extend-metadata", extentCount: world.metadataExtents + 1 }),
      world.planned({ kind: "extend-thin", lv: "b", extentCount: sizeBytes / (4 * MIB) + 1 }),
    );
  }
  return [...changes, ...world.plan(30, { discards })];
}

/**
 * One boot: look at what ours left, change it, look again. Answers the percentages at the end.
 * @param {Match} match @param {number} round
 * @param {ReturnType<typeof expectedPercentages>} expected @param {string | undefined} pending
 */
async function kernelTurn(match, round, expected, pending) {
  const { report, guest, world, directory, paths, patternPath } = match;
  const outputs = ["before", "after"].map((name) => join(directory, name));
  const [before = "", after = ""] = outputs;
  const disks = [...paths, patternPath, before, after];
  const [, , patternDisk = "", beforeDisk = "", afterDisk = ""] = disks.map((_, index) =>
    diskName(index),
  );

  newFile(before, copyOutBytes(world));
  const expectedNames = world.names();
  const beforeSteps = copyOutSteps(VG, world, beforeDisk);
  const beforeContents = new Map(
    [...world.contents].map(([name, content]) => [name, content.snapshot()]),
  );
  const changes = kernelChanges(match, round);
  newFile(after, copyOutBytes(world));
  const steps = [
    lvm("vgck", VG),
    lvm("vgchange", "-ay", "-K", VG),
    reportStep(VG),
    ...beforeSteps,
    ...stepsFor(VG, POOL, changes, patternDisk),
    lvm("vgchange", "-an", VG),
    lvm("vgchange", "-ay", "-K", VG),
    reportStep(VG),
    ...copyOutSteps(VG, world, afterDisk),
    lvm("vgchange", "-an", VG),
    lvm("vgck", VG),
  ];
  const run = await guest.run({ disks, physicalVolumes: paths.length, steps });
  verifyStatus(report, run.steps);
  verifyKernelLog(report, run.kernelLog);

  const [first, last] = run.steps.filter(({ command }) => command.startsWith("lvm lvs "));
  if (!first || !last) throw new Error("the guest printed no lvs");
  report.equal(
    "lvs prints the percentages that our engine told",
    printedPercentages(first, POOL, expectedNames),
    expected,
  );
  report.equal(
    "lvs shows the pool active and sound",
    lvsRows(first).get(POOL)?.lv_attr,
    "twi-aotz--",
  );
  verifyCopies(report, beforeContents, before, "our");
  verifyCopies(report, world.contents, after, "its own");
  if (pending !== undefined) {
    report.check(`the queued deletion of ${pending} left no volume`, !lvsRows(last).has(pending));
  }
  for (const path of outputs) rmSync(path);
  return printedPercentages(last, POOL, world.names());
}
