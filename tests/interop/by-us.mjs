/**
 * Changes carried out by Mortar's engine on files, and what is on the files compared with the
 * model.
 */
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** @typedef {import("./group-on-files.mjs").FileGroup} FileGroup */
/** @typedef {import("./report.mjs").Report} Report */
/** @typedef {import("./world.mjs").World} World */
/** @typedef {import("./world.mjs").Change} Change */

/** @param {FileGroup} group @param {readonly Change[]} changes @param {Uint8Array} pattern */
export function carryOut(group, changes, pattern) {
  for (const change of changes) {
    switch (change.kind) {
      case "write":
      case "discard":
      case "zero":
        changeContent(group, change, pattern);
        break;
      case "snapshot":
        group.createSnapshot(change.lv, change.origin);
        break;
      case "thin":
        group.createThin(change.lv, change.extentCount);
        break;
      case "extend-thin":
        group.extendThin(change.lv, change.extentCount);
        break;
      case "remove":
        group.remove(change.lv);
        break;
      case "extend-data":
        group.extendData(change.extentCount);
        break;
      case "extend-metadata":
        group.extendMetadata(change.extentCount);
        break;
      default:
        throw new Error(`unknown change ${JSON.stringify(change)}`);
    }
  }
}

/**
 * @param {FileGroup} group @param {Uint8Array} pattern
 * @param {import("./world.mjs").Write | import("./world.mjs").Clear} change
 */
function changeContent(group, change, pattern) {
  const device = group.device(change.lv);
  try {
    if (change.kind === "write") {
      device.write(change.offset, pattern.subarray(change.pattern, change.pattern + change.length));
    } else if (change.kind === "discard") {
      device.discard(change.offset, change.length);
    } else {
      device.zero(change.offset, change.length);
    }
  } finally {
    device.close();
  }
}

/**
 * Everything that can be seen from this side: texts, volumes, contents, counts, both checkers.
 * @param {Report} report @param {FileGroup} group with its pool closed
 * @param {World} world @param {string} directory for a copy of the metadata
 * @param {string[]} [notes] that our check has to make
 */
export function verifyOnHost(report, group, world, directory, notes = []) {
  report.equal("our reader finds labels, areas and texts sound", group.defects(), []);
  report.equal("the text has the volumes of the model", group.thinNames().sort(), world.names());
  report.equal(
    "their sizes are the model's",
    world.names().map((name) => group.sizeBytes(name)),
    world.names().map((name) => world.content(name).sizeBytes),
  );
  const { defects } = group.check();
  report.equal(
    notes.length === 0 ? "our check finds no defect" : `our check finds ${notes.length} note`,
    defects.map(({ message }) => message),
    notes,
  );
  verifyWithThinTools(report, group, directory);
  verifyContents(report, group, world);
  const { pool } = group;
  report.equal("chunks in use are the model's", pool.status().usedDataBlocks, world.usedChunks);
  const mapped = world.names().map((name) => {
    const device = group.device(name);
    device.close();
    return pool.deviceStatus(device.deviceId).mappedBlocks;
  });
  const expected = world.names().map((name) => world.content(name).mappedChunks);
  report.equal("mapped chunks of each volume are the model's", mapped, expected);
  group.closePool();
}

/** @param {Report} report @param {FileGroup} group @param {World} world */
export function verifyContents(report, group, world) {
  for (const name of world.names()) {
    const device = group.device(name);
    const at = world.content(name).firstDifference((offset, target) => device.read(offset, target));
    device.close();
    report.check(`our engine reads ${name} as the model`, at < 0, `first difference at byte ${at}`);
  }
}

/** @param {Report} report @param {FileGroup} group @param {string} directory */
export function verifyWithThinTools(report, group, directory) {
  const path = join(directory, "tmeta");
  const metadata = group.metadataDevice;
  const bytes = new Uint8Array(metadata.sizeBytes);
  metadata.read(0, bytes);
  writeFileSync(path, bytes);
  const check = spawnSync("thin_check", [path], { encoding: "utf8" });
  report.check("thin_check passes", check.status === 0, check.stdout + check.stderr);
  const dump = spawnSync("thin_dump", [path], { encoding: "utf8", maxBuffer: 1 << 28 });
  report.check(
    "thin_dump agrees with our dump",
    dump.stdout === group.dump(),
    firstLines(dump.stderr),
  );
  rmSync(path);
}

/** @param {string} text */
function firstLines(text) {
  return text.split("\n").slice(0, 3).join("\n");
}
