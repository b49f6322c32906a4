/**
 * A pool that real LVM made, with XFS on it, snapshots, a metadata snapshot and a deletion that
 * the pool has not heard of, is taken over by Mortar's engine, and given back.
 */
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dumpXml } from "@mortar/thin";
import {
  copyOutBytes,
  copyOutSteps,
  copyStep,
  expectedPercentages,
  lvm,
  printedPercentages,
  reportStep,
  stepsFor,
  verifyCopies,
  verifyKernelLog,
  verifyStatus,
} from "./by-guest.mjs";
import { carryOut, verifyContents, verifyWithThinTools } from "./by-us.mjs";
import { DiskFile } from "./disk-file.mjs";
import { FileGroup } from "./group-on-files.mjs";
import { diskName } from "./guest.mjs";
import { newFile } from "./new-file.mjs";
import { Random } from "./random.mjs";
import { PATTERN_BYTES, World } from "./world.mjs";

/**
 * @typedef {import("./report.mjs").Report} Report
 * @typedef {import("./guest.mjs").Guest} Guest
 *
 * @typedef {object} Case
 * @property {Report} report
 * @property {Guest} guest
 * @property {string} directory
 * @property {Random} random
 * @property {World} world without the file systems
 * @property {string[]} paths of the physical volumes
 * @property {string} patternPath
 * @property {string} outputPath
 */

const VG = "stock";
const POOL = "pool";
const MIB = 1 << 20;
const CHUNK_BYTES = 64 << 10;
const FS_BYTES = 512 * MIB;
const FILES = 40;

/** @param {{ report: Report, guest: Guest, directory: string, seed: number }} options */
export async function fromLvm({ report, guest, directory, seed }) {
  const random = new Random(seed);
  const pattern = random.bytes(PATTERN_BYTES);
  /** @type {Case} */
  const story = {
    report,
    guest,
    directory,
    random,
    world: new World(random, pattern, CHUNK_BYTES, 48),
    paths: [join(directory, "disk0"), join(directory, "disk1")],
    patternPath: join(directory, "pattern"),
    outputPath: join(directory, "output"),
  };
  writeFileSync(story.patternPath, pattern);
  for (const path of story.paths) newFile(path, 180 * MIB);
  const { printed, sums, filesOffset } = await stockMakes(story);
  takeOver(story, printed, filesOffset, pattern);
  await giveBack(story, sums);
  for (const path of [...story.paths, story.patternPath, story.outputPath]) rmSync(path);
}

/** @param {Case} story */
async function stockMakes({ report, guest, world, paths, patternPath, outputPath }) {
  report.scenario("a pool that LVM made, in the guest");
  const disks = [...paths, patternPath, outputPath];
  const [pv0 = "", pv1 = "", patternDisk = "", outputDisk = ""] = disks.map((_, index) =>
    diskName(index),
  );
  const first = [world.planned({ kind: "thin", lv: "raw", extentCount: 16 }), ...world.plan(80)];
  const held = [
    world.planned({ kind: "snapshot", lv: "raw_snap", origin: "raw" }),
    ...world.plan(60),
  ];
  const filesOffset = copyOutBytes(world);
  newFile(outputPath, filesOffset + 2 * FS_BYTES);
  const dd = ["/usr/bin/dd", `if=${patternDisk}`, "status=none"];
  const steps = [
    lvm("vgcreate", VG, pv0, pv1),
    lvm("lvcreate", "-T", "-L", "192m", "-c", "64k", "-n", POOL, VG),
    lvm("lvcreate", "-V", "16m", "-T", `${VG}/${POOL}`, "-n", "victim"),
    [...dd, `of=/dev/${VG}/victim`, "bs=1M", "count=4", "oflag=direct"],
    ...fileSystemSteps(patternDisk),
    ...stepsFor(VG, POOL, first, patternDisk),
    ["dmsetup", "message", `${VG}-${POOL}-tpool`, "0", "reserve_metadata_snap"],
    ...stepsFor(VG, POOL, held, patternDisk),
    lvm("vgchange", "-an", VG),
    lvm("vgchange", "-ay", "-K", VG),
    reportStep(VG),
    ...copyOutSteps(VG, world, outputDisk),
    copyStep(VG, "fs", outputDisk, filesOffset),
    copyStep(VG, "fs_snap", outputDisk, filesOffset + FS_BYTES),
    lvm("vgchange", "-an", VG),
  ];
  // Without device-mapper LVM drops the volume from its text and leaves the message to the pool
  // queued.
  const queue = lvm("lvremove", "-y", "--config", "global{activation=0}", `${VG}/victim`);
  const run = await guest.run({ disks, physicalVolumes: paths.length, steps: [...steps, queue] });
  verifyStatus(report, run.steps.slice(0, -1));
  verifyKernelLog(report, run.kernelLog);
  report.equal(
    "LVM without device-mapper fails to remove a thin volume",
    run.steps.at(-1)?.status,
    5,
  );
  verifyCopies(report, world.contents, outputPath, "its own");
  const [before = "", after = ""] = run.steps
    .filter(({ command }) => command.endsWith("sha256sum *"))
    .map(({ stdout }) => stdout);
  report.check(
    "files have been written",
    before.split("\n").length > FILES / 2 && before !== after,
  );
  const lvs = run.steps.find(({ command }) => command.startsWith("lvm lvs "));
  if (!lvs) throw new Error("the guest printed no lvs");
  const names = ["fs", "fs_snap", ...world.names(), "victim"];
  return { printed: printedPercentages(lvs, POOL, names), sums: { before, after }, filesOffset };
}

/**
 * A file system, a snapshot of it while it is mounted, and other files afterwards.
 * @param {string} patternDisk
 * @returns {import("./guest.mjs").Step[]}
 */
function fileSystemSteps(patternDisk) {
  return [
    lvm("lvcreate", "-V", `${FS_BYTES / MIB}m`, "-T", `${VG}/${POOL}`, "-n", "fs"),
    { script: `mkfs.xfs -q /dev/${VG}/fs && mount /dev/${VG}/fs /mnt` },
    { script: fillFiles(patternDisk, 0) },
    { script: "cd /mnt && sha256sum *" },
    lvm("lvcreate", "-s", "-kn", "-n", "fs_snap", `${VG}/fs`),
    { script: `rm -f /mnt/f1*; ${fillFiles(patternDisk, 1000)}; fstrim /mnt` },
    { script: "cd /mnt && sha256sum *" },
    ["umount", "/mnt"],
  ];
}

/** Files of many sizes, from the pattern. @param {string} patternDisk @param {number} shift */
function fillFiles(patternDisk, shift) {
  return `i=0
while [ $i -lt ${FILES} ]; do
  /usr/bin/dd if=${patternDisk} of=/mnt/f$i bs=4k status=none \\
    skip=$((${shift} + i * 7)) count=$((1 + i * i / 5)) || exit 1
  i=$((i + ${shift === 0 ? 1 : 3}))
done
sync`;
}

/**
 * @param {Case} story @param {ReturnType<typeof printedPercentages>} printed
 * @param {number} filesOffset @param {Uint8Array} pattern
 */
function takeOver(story, printed, filesOffset, pattern) {
  const { report, world, paths, random, directory, outputPath } = story;
  report.scenario("a pool that LVM made, taken over");
  const group = FileGroup.open(paths, random);
  report.equal("our reader finds labels, areas and texts sound", group.defects(), []);
  const { segment } = group.poolLv;
  report.equal(
    "the text has the queued deletion",
    segment.messages.map(({ kind }) => kind),
    ["delete"],
  );
  report.equal(
    "the pool is one transaction behind",
    group.pool.status().transactionId,
    segment.transactionId - 1,
  );
  report.check("the metadata snapshot is there", group.pool.status().heldRoot !== undefined);
  report.equal("our check finds no defect", group.check().defects, []);
  verifyHeldRoot(story, group);
  // The percentages were printed before the text lost the victim.
  const told = expectedPercentages(group);
  report.equal("our status is what lvs printed", told.pool, printed.pool);
  const thins = printed.thins.filter(([name]) => name !== "victim");
  report.equal("so is that of the volumes", told.thins, thins);

  const used = group.pool.status().usedDataBlocks;
  report.equal("we deliver the queued deletion", group.deliverMessages(), 1);
  report.equal("the device is gone", group.pool.deviceIds().length, group.thinNames().length);
  report.equal("the metadata snapshot keeps its chunks", group.pool.status().usedDataBlocks, used);
  report.equal("no message is left in the text", group.poolLv.segment.messages, []);
  verifyContents(report, group, world);
  const copies = new DiskFile(outputPath);
  for (const [index, name] of ["fs", "fs_snap"].entries()) {
    const from = filesOffset + index * FS_BYTES;
    report.check(
      `our engine reads ${name} as the kernel did`,
      sameBytes(group, name, copies, from),
    );
  }
  copies.close();

  // The file systems are not for writing by us, only for snapshots; the rest is.
  group.createSnapshot("our_snap", "fs");
  const raws = { volumes: world.names() };
  const changes = [
    ...world.plan(200, raws),
    world.planned({ kind: "snapshot", lv: "raw_ours", origin: "raw" }),
    ...world.plan(200, raws),
  ];
  carryOut(group, changes, pattern);
  const held = group.pool.status().usedDataBlocks;
  group.pool.releaseMetadataSnapshot();
  const freed = held - group.pool.status().usedDataBlocks;
  report.check(
    "which are free without it",
    freed >= (4 * MIB) / CHUNK_BYTES,
    `${freed} chunks are`,
  );
  carryOut(group, world.plan(50, raws), pattern);
  group.closePool();
  report.equal("our check finds no defect afterwards", group.check().defects, []);
  verifyWithThinTools(report, group, directory);
  group.close();
}

/** @param {Case} story @param {FileGroup} group */
function verifyHeldRoot({ report, directory }, group) {
  const path = join(directory, "tmeta");
  const metadata = group.metadataDevice;
  const bytes = new Uint8Array(metadata.sizeBytes);
  metadata.read(0, bytes);
  writeFileSync(path, bytes);
  let ours = "";
  dumpXml({ metadata, fromSnapshot: true, write: (piece) => (ours += piece) });
  const theirs = spawnSync("thin_dump", ["-m", path], { encoding: "utf8", maxBuffer: 1 << 28 });
  report.check(
    "thin_dump of the metadata snapshot agrees with ours",
    theirs.stdout === ours,
    theirs.stderr,
  );
  rmSync(path);
}

/** @param {FileGroup} group @param {string} name @param {DiskFile} disk @param {number} from */
function sameBytes(group, name, disk, from) {
  const [shown, expected] = [new Uint8Array(MIB), new Uint8Array(MIB)];
  const device = group.device(name);
  let same = true;
  for (let at = 0; same && at < group.sizeBytes(name); at += MIB) {
    device.read(at, shown);
    disk.read(from + at, expected);
    same = Buffer.compare(shown, expected) === 0;
  }
  device.close();
  return same;
}

/** @param {Case} story @param {{ before: string, after: string }} sums */
async function giveBack({ report, guest, world, paths, outputPath }, sums) {
  report.scenario("a pool that LVM made, given back");
  rmSync(outputPath);
  newFile(outputPath, copyOutBytes(world));
  const disks = [...paths, outputPath];
  const steps = [
    lvm("vgck", VG),
    lvm("vgchange", "-ay", "-K", VG),
    reportStep(VG),
    ...copyOutSteps(VG, world, diskName(paths.length)),
    ...verifyFiles("fs_snap", sums.before),
    ...verifyFiles("fs", sums.after),
    ...verifyFiles("our_snap", sums.after),
    lvm("vgchange", "-an", VG),
  ];
  const run = await guest.run({ disks, physicalVolumes: paths.length, steps });
  verifyStatus(report, run.steps);
  verifyKernelLog(report, run.kernelLog);
  verifyCopies(report, world.contents, outputPath, "our");
}

/**
 * @param {string} name
 * @param {string} sums as sha256sum printed them
 * @returns {import("./guest.mjs").Step[]}
 */
function verifyFiles(name, sums) {
  const lines = sums.split("\n").filter((line) => line !== "");
  if (!lines.every((line) => /^[0-9a-f]{64} {2}f\d+$/.test(line)))
    throw new Error(`these are no sums: ${sums}`);
  const sumsAgree = `sha256sum -c -s <<SUMS && [ $(ls | wc -l) -eq ${lines.length} ]`;
  return [
    ["mount", "-t", "xfs", "-o", "nouuid", `/dev/${VG}/${name}`, "/mnt"],
    { script: `cd /mnt && ${sumsAgree}\n${lines.join("\n")}\nSUMS` },
    ["umount", "/mnt"],
    ["xfs_repair", "-n", `/dev/${VG}/${name}`],
  ];
}
