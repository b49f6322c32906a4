/**
 * What is rarely seen: a volume whose creation the pool has not heard of, a pool that needs a check
 * because we say so, and one that needs a check because the kernel could not write its metadata.
 */
import { crc32c } from "@mortar/binary";
import { ThinError, ThinPool } from "@mortar/thin";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  copyOutBytes,
  copyOutSteps,
  lvm,
  lvsRows,
  reportStep,
  stepsFor,
  verifyCopies,
  verifyStatus,
} from "./by-guest.mjs";
import { carryOut, verifyOnHost } from "./by-us.mjs";
import { FileGroup } from "./group-on-files.mjs";
import { diskName } from "./guest.mjs";
import { newFile } from "./new-file.mjs";
import { Random } from "./random.mjs";
import { PATTERN_BYTES, World } from "./world.mjs";

/**
 * @typedef {import("./report.mjs").Report} Report
 * @typedef {import("./guest.mjs").Guest} Guest
 * @typedef {{ report: Report, guest: Guest, directory: string, random: Random, pattern: Uint8Array,
 *   world: World, disk: string, patternPath: string, outputPath: string }} Case
 */

const VG = "trouble";
const POOL = "pool";
const MIB = 1 << 20;
const CHUNK_BYTES = 64 << 10;
const SUPERBLOCK_SALT = 160_774;
const NEEDS_CHECK = 1;
const ONE_NEW_CHUNK = ["bs=64k", "count=1", "seek=9", "oflag=direct", "conv=fsync"];
/** The volume `next` stays empty. */
const WRITTEN = { volumes: ["a", "late", "ours"] };

/** @param {{ report: Report, guest: Guest, directory: string, seed: number }} options */
export async function trouble({ report, guest, directory, seed }) {
  const random = new Random(seed);
  const pattern = random.bytes(PATTERN_BYTES);
  /** @type {Case} */
  const story = {
    report,
    guest,
    directory,
    random,
    pattern,
    world: new World(random, pattern, CHUNK_BYTES, 16),
    disk: join(directory, "disk0"),
    patternPath: join(directory, "pattern"),
    outputPath: join(directory, "output"),
  };
  writeFileSync(story.patternPath, pattern);
  newFile(story.disk, 128 * MIB);
  await queuedCreation(story);
  await checkWanted(story);
  await metadataFails(story);
  for (const path of [story.disk, story.patternPath, story.outputPath]) rmSync(path);
}

/** @param {Case} story */
async function queuedCreation(story) {
  const { report, random, world, pattern, disk } = story;
  report.scenario("a creation that the pool has not heard of");
  const made = FileGroup.create(VG, [disk], random);
  made.createPool({ name: POOL, extentCount: world.dataExtents, chunkSectors: CHUNK_BYTES / 512 });
  const first = [world.planned({ kind: "thin", lv: "a", extentCount: 8 }), ...world.plan(200)];
  carryOut(made, first, pattern);
  made.createThin("late", 4, { leavePending: true });
  made.close();

  const run = await inGuest(story, [
    lvm("vgchange", "-ay", VG),
    lvm("lvcreate", "-V", "16m", "-T", `${VG}/${POOL}`, "-n", "next"),
    lvm("vgchange", "-ay", VG),
    lvm("vgchange", "-an", VG),
  ]);
  const [early, ...rest] = run.steps;
  report.equal("LVM cannot activate the volume yet, as with its own pools", early?.status, 5);
  verifyStatus(report, rest);
  for (const lv of ["late", "next"]) world.planned({ kind: "thin", lv, extentCount: 4 });
  const group = FileGroup.open([disk], random);
  report.equal("no message is left in the text", group.poolLv.segment.messages, []);
  verifyOnHost(report, group, world, story.directory);

  // And the same left for us to finish.
  group.createThin("ours", 4, { leavePending: true });
  group.close();
  const again = FileGroup.open([disk], random);
  report.equal("we deliver what we left behind", again.deliverMessages(), 1);
  world.planned({ kind: "thin", lv: "ours", extentCount: 4 });
  carryOut(again, world.plan(100, WRITTEN), pattern);
  again.closePool();
  verifyOnHost(report, again, world, story.directory);
  again.close();
}

/** @param {Case} story */
async function checkWanted(story) {
  const { report, random, world, disk, outputPath, directory, pattern } = story;
  report.scenario("a pool that needs a check");
  const group = FileGroup.open([disk], random);
  setNeedsCheck(group);
  const { pool } = group;
  report.equal(
    "our engine sees it",
    [pool.status().needsCheck, pool.status().mode],
    [true, "read-only"],
  );
  report.equal(
    "and refuses a change",
    codeOf(() => pool.createThin(99)),
    "read-only",
  );
  group.close();

  const run = await inGuest(story, [
    lvm("vgchange", "-ay", "-K", VG),
    reportStep(VG),
    ...copyOutSteps(VG, world, diskName(2)),
    lvm("vgchange", "-an", VG),
  ]);
  verifyStatus(report, run.steps);
  const lvs = run.steps.find(({ command }) => command.startsWith("lvm lvs "));
  const attributes = lvs && lvsRows(lvs).get(POOL)?.lv_attr;
  report.equal("lvs shows that the pool needs a check and is read-only", attributes, "twi-cotzM-");
  verifyCopies(report, world.contents, outputPath, "our");

  const cleared = FileGroup.open([disk], random);
  ThinPool.clearNeedsCheck(cleared.metadataDevice);
  carryOut(cleared, world.plan(50, WRITTEN), pattern);
  cleared.closePool();
  verifyOnHost(report, cleared, world, directory);
  cleared.close();
}

/** @param {Case} story */
async function metadataFails(story) {
  const { report, random, world, disk, directory, pattern } = story;
  report.scenario("the kernel could not write its metadata");
  const changes = world.plan(40, WRITTEN);
  const run = await inGuest(story, [
    lvm("vgchange", "-ay", "-K", VG),
    ...stepsFor(VG, POOL, changes, diskName(1)),
    // This also commits.
    ["dmsetup", "status", `${VG}-${POOL}-tpool`],
    // From here on all writes of metadata fail, but for those of the superblock.
    { script: breakMetadata(`${VG}-${POOL}_tmeta`) },
    ["/usr/bin/dd", `if=${diskName(1)}`, `of=/dev/${VG}/next`, ...ONE_NEW_CHUNK],
    { script: "sleep 2" },
    reportStep(VG),
    lvm("vgchange", "-an", VG),
  ]);
  const [failing] = run.steps.splice(-4, 1);
  report.check("the write that needs a mapping fails", failing?.status !== 0, failing?.stderr);
  verifyStatus(report, run.steps);
  const lvs = run.steps.find(({ command }) => command.startsWith("lvm lvs "));
  const attributes = lvs && lvsRows(lvs).get(POOL)?.lv_attr;
  report.equal("lvs shows that the pool needs a check", attributes, "twi-cotzM-");

  const group = FileGroup.open([disk], random);
  const { needsCheck, mode } = group.pool.status();
  report.equal("our engine sees it too", [needsCheck, mode], [true, "read-only"]);
  group.closePool();
  verifyOnHost(report, group, world, directory, ["superblock: needs_check is set"]);
  ThinPool.clearNeedsCheck(group.metadataDevice);
  carryOut(group, world.plan(100), pattern);
  group.closePool();
  verifyOnHost(report, group, world, directory);
  group.close();
}

/** @param {Case} story @param {readonly import("./guest.mjs").Step[]} steps */
async function inGuest({ guest, world, disk, patternPath, outputPath }, steps) {
  newFile(outputPath, copyOutBytes(world));
  return guest.run({ disks: [disk, patternPath, outputPath], physicalVolumes: 1, steps });
}

/** @param {FileGroup} group */
function setNeedsCheck(group) {
  group.closePool();
  const block = new Uint8Array(4096);
  const view = new DataView(block.buffer);
  group.metadataDevice.read(0, block);
  view.setUint32(4, view.getUint32(4, true) | NEEDS_CHECK, true);
  view.setUint32(0, (crc32c(block, 4, block.length) ^ SUPERBLOCK_SALT) >>> 0, true);
  group.metadataDevice.write(0, block);
}

/** @param {() => void} action */
function codeOf(action) {
  try {
    action();
    return "no error";
  } catch (error) {
    return error instanceof ThinError ? error.code : String(error);
  }
}

/** Sectors 0 to 7 are the superblock. @param {string} name of the device-mapper device */
function breakMetadata(name) {
  return `set -- $(dmsetup table ${name})
dmsetup suspend --noflush ${name}
{ echo "0 8 linear $4 $5"; echo "8 $(($2 - 8)) flakey $4 $(($5 + 8)) 0 600 1 error_writes"; } |
  dmsetup reload ${name}
dmsetup resume ${name}`;
}
