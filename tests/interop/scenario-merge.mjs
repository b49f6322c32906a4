/**
 * A thin snapshot that is to be merged into an origin in use: LVM and Mortar both write that down in the group's text,
 * and do it when the origin is activated next. Whoever wrote it, the other one does it, to the same content.
 */
import { spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { lvm, lvsRows, reportStep, verifyKernelLog, verifyStatus } from "./by-guest.mjs";
import { verifyWithThinTools } from "./by-us.mjs";
import { FileGroup } from "./group-on-files.mjs";
import { diskName } from "./guest.mjs";
import { HostNode, run } from "./host-node.mjs";
import { newFile } from "./new-file.mjs";
import { Random } from "./random.mjs";

/**
 * @typedef {{ report: import("./report.mjs").Report, guest: import("./guest.mjs").Guest, directory: string, path: string,
 *   patternPath: string, random: Random }} Case
 */

const VG = `merge${process.pid}`;
const MIB = 1 << 20;
const HOME = `/dev/${VG}/home`;
const DELAYED = /Delaying merge since origin volume is open\.\s+Merging of thin snapshot \S+ will occur on next activation of/;

/** @param {{ report: import("./report.mjs").Report, guest: import("./guest.mjs").Guest, directory: string, seed: number }} options */
export async function merge({ report, guest, directory, seed }) {
  const home = join(directory, "merge");
  mkdirSync(home);
  const random = new Random(seed);
  /** @type {Case} */
  const story = { report, guest, directory: home, path: join(home, "disk0"), patternPath: join(home, "pattern"), random };
  writeFileSync(story.patternPath, random.bytes(16 * MIB));
  newFile(story.path, 160 * MIB);
  const ours = await weSchedule(story);
  const theirs = await lvmDoesAndSchedules(story, ours);
  await weDo(story, theirs);
  await lvmAgrees(story, theirs);
  rmSync(home, { recursive: true });
}

/** @param {Case} story @returns {Promise<string>} the checksum that the origin has to have after the merge */
async function weSchedule({ report, directory, path, patternPath }) {
  report.scenario("a merge that we scheduled");
  const node = new HostNode(directory, [path]);
  try {
    node.mortar("vgcreate", VG, node.device(0));
    node.mortar("lvcreate", "--thin", "-L", "96m", "-n", "pool", VG);
    node.mortar("lvcreate", "-V", "32m", "--thinpool", "pool", "-n", "home", VG);
    write(patternPath, 0, 12);
    node.mortar("lvcreate", "-s", "-kn", "-n", "snap", `${VG}/home`);
    const wanted = node.checksums(VG, ["snap"]).get("snap") ?? "";
    write(patternPath, 3, 7);
    const user = await openHome();
    const said = node.mortar("lvconvert", "--merge", `${VG}/snap`);
    await user.close();
    report.check("it is delayed, in LVM's words, while the origin is open", DELAYED.test(said), said);
    report.check("nothing is merged before", node.checksums(VG, ["home"]).get("home") !== wanted);
    node.mortar("vgchange", "-an", VG);
    return wanted;
  } finally {
    node.close();
  }
}

/** @param {Case} story @param {string} ours @returns {Promise<string>} */
async function lvmDoesAndSchedules({ report, guest, path, patternPath }, ours) {
  const steps = [
    reportStep(VG),
    lvm("vgchange", "-ay", VG),
    reportStep(VG),
    ["sha256sum", HOME],
    lvm("lvcreate", "-s", "-kn", "-n", "snap2", `${VG}/home`),
    ["sha256sum", `/dev/${VG}/snap2`],
    ["/usr/bin/dd", `if=${diskName(1)}`, `of=${HOME}`, "bs=1M", "skip=9", "seek=2", "count=6", "oflag=direct", "conv=notrunc"],
    { script: `sleep 1000 <${HOME} & lvm lvconvert --merge ${VG}/snap2; status=$?; kill $!; wait; (exit $status)` },
    lvm("vgchange", "-an", VG),
    reportStep(VG),
  ];
  const { steps: results, kernelLog } = await guest.run({ disks: [path, patternPath], physicalVolumes: 1, steps });
  verifyStatus(report, results);
  verifyKernelLog(report, kernelLog);
  const rows = results.filter(({ command }) => command.startsWith("lvm lvs ")).map(lvsRows);
  const attributes = (/** @type {number} */ index, /** @type {string} */ lv) => rows[index]?.get(lv)?.lv_attr.slice(0, 2);
  report.equal("lvs shows the merge that waits", [attributes(0, "snap"), attributes(0, "home")], ["Sw", "Ow"]);
  report.equal("LVM does it at the activation: the snapshot is gone", rows[1]?.has("snap"), false);
  const [home, snap2] = results.filter(({ command }) => command.startsWith("sha256sum ")).map(({ stdout }) => stdout.slice(0, 64));
  report.equal("and the origin reads as the snapshot did", home, ours);
  report.scenario("a merge that LVM scheduled");
  report.check("it is delayed", DELAYED.test(results.at(-3)?.stdout ?? ""), results.at(-3)?.stdout);
  report.check("and waits", rows[2]?.has("snap2") ?? false);
  return snap2 ?? "";
}

/** @param {Case} story @param {string} wanted */
async function weDo({ report, directory, path, random }, wanted) {
  const node = new HostNode(join(directory, "again"), [path]);
  try {
    report.equal("our lvs shows it", names(node.mortar("lvs", "-a", "--noheadings", "-o", "lv_name,lv_attr", VG)), [
      "home Ow", "snap2 Sw",
    ]);
    node.mortar("vgchange", "-ay", VG);
    const left = names(node.mortar("lvs", "-a", "--noheadings", "-o", "lv_name,lv_attr", VG));
    report.equal("we do it at the activation: the snapshot is gone", left, ["home Vw"]);
    report.equal("and the origin reads as the snapshot did", node.checksums(VG, ["home"]).get("home"), wanted);
    node.mortar("vgchange", "-an", VG);
  } finally {
    node.close();
  }
  const group = FileGroup.open([path], random);
  report.equal("our reader finds labels, areas and texts sound", group.defects(), []);
  report.equal("no message is left in the text", group.poolLv.segment.messages, []);
  report.equal("the pool has one device", group.pool.deviceIds().length, 1);
  group.closePool();
  report.equal("our check finds no defect", group.check().defects, []);
  verifyWithThinTools(report, group, directory);
  group.close();
}

/** @param {Case} story @param {string} wanted */
async function lvmAgrees({ report, guest, path }, wanted) {
  const steps = [lvm("vgck", VG), lvm("vgchange", "-ay", VG), ["sha256sum", HOME], lvm("vgchange", "-an", VG)];
  const { steps: results, kernelLog } = await guest.run({ disks: [path], physicalVolumes: 1, steps });
  verifyStatus(report, results);
  verifyKernelLog(report, kernelLog);
  report.equal("LVM activates what we merged and reads the same", results[2]?.stdout.slice(0, 64), wanted);
}

/** The volumes that thin pools are made for, with type and permission. @param {string} text */
function names(text) {
  const rows = text.split("\n").map((line) => line.trim().split(/\s+/)).filter(([name = ""]) => /home|snap/.test(name));
  return rows.map(([name = "", attributes = ""]) => `${name.replace(/[[\]]/g, "")} ${attributes.slice(0, 2)}`).sort();
}

/** @param {string} pattern @param {number} atMib @param {number} countMib */
function write(pattern, atMib, countMib) {
  const place = [`skip=${16 - countMib}`, `seek=${atMib}`, `count=${countMib}`];
  run(["dd", `if=${pattern}`, `of=${HOME}`, "bs=1M", ...place, "oflag=direct", "conv=notrunc", "status=none"]);
}

/** Another program has it open until it is closed. */
async function openHome() {
  const user = spawn("sh", ["-c", `exec 3<${HOME}; echo open; read line`], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => void user.once("close", resolve));
  await new Promise((resolve) => void user.stdout?.once("data", resolve));
  return {
    close: async () => {
      user.stdin?.end();
      await ended;
      await pause(100);
    },
  };
}
