/**
 * Changes carried out by real LVM and dm-thin in a guest, and what it shows compared with the
 * model.
 */
import { formatPercent } from "@mortar/lvm2";
import { DiskFile } from "./disk-file.mjs";

/** @typedef {import("./content-model.mjs").Content} Content */
/** @typedef {import("./guest.mjs").Step} Step */
/** @typedef {import("./guest.mjs").StepResult} StepResult */
/** @typedef {import("./report.mjs").Report} Report */
/** @typedef {import("./world.mjs").World} World */
/** @typedef {import("./world.mjs").Change} Change */

const LVS_FIELDS =
  "lv_name,lv_size,lv_attr,data_percent,metadata_percent,origin,transaction_id,thin_id";
const EXTENT_MIB = 4;

/** @param {string} command @param {...string} words @returns {Step} */
export function lvm(command, ...words) {
  return ["lvm", command, ...words];
}

/** Ready to be compared by `percentages`. @param {string} vg @returns {Step} */
export function reportStep(vg) {
  return lvm(
    "lvs",
    "-a",
    "--units",
    "b",
    "--nosuffix",
    "--reportformat",
    "json",
    "-o",
    LVS_FIELDS,
    vg,
  );
}

/**
 * One step a change, or one for a run of writes. Each write is a dd of its own, straight to the
 * device.
 * @param {string} vg @param {string} pool @param {readonly Change[]} changes
 * @param {string} patternDisk @returns {Step[]}
 */
export function stepsFor(vg, pool, changes, patternDisk) {
  /** @type {Step[]} */
  const steps = [];
  /** @type {import("./world.mjs").Write[]} */
  let writes = [];
  const finish = () => {
    if (writes.length > 0) steps.push(writeStep(vg, writes, patternDisk));
    writes = [];
  };
  for (const change of changes) {
    if (change.kind === "write") {
      writes.push(change);
    } else {
      finish();
      steps.push(...stepsOf(vg, pool, change));
    }
  }
  finish();
  return steps;
}

/**
 * @param {string} vg
 * @param {readonly import("./world.mjs").Write[]} writes
 * @param {string} patternDisk
 * @returns {Step}
 */
function writeStep(vg, writes, patternDisk) {
  const table = writes.map(
    ({ lv, offset, length, pattern }) => `${lv} ${offset} ${length} ${pattern}`,
  );
  return {
    script: `failures=0
while read lv offset length pattern; do
  /usr/bin/dd if=${patternDisk} of=/dev/${vg}/$lv bs=256k status=none conv=notrunc \\
    iflag=skip_bytes,count_bytes,fullblock oflag=seek_bytes,direct \\
    skip=$pattern seek=$offset count=$length || failures=$((failures + 1))
done <<TABLE
${table.join("\n")}
TABLE
[ $failures -eq 0 ]`,
  };
}

/**
 * @param {string} vg
 * @param {string} pool
 * @param {Exclude<Change, import("./world.mjs").Write>} change
 * @returns {Step[]}
 */
function stepsOf(vg, pool, change) {
  const size = (/** @type {number} */ extents) => `${extents * EXTENT_MIB}m`;
  switch (change.kind) {
    case "discard": {
      const { lv, offset, length } = change;
      return [["blkdiscard", "-o", String(offset), "-l", String(length), `/dev/${vg}/${lv}`]];
    }
    case "snapshot":
      return [lvm("lvcreate", "-s", "-kn", "-n", change.lv, `${vg}/${change.origin}`)];
    case "thin":
      return [
        lvm("lvcreate", "-V", size(change.extentCount), "-T", `${vg}/${pool}`, "-n", change.lv),
      ];
    case "extend-thin":
      return [lvm("lvextend", "-L", size(change.extentCount), `${vg}/${change.lv}`)];
    case "remove":
      return [lvm("lvremove", "-y", `${vg}/${change.lv}`)];
    case "extend-data":
      return [lvm("lvextend", "-L", size(change.extentCount), `${vg}/${pool}`)];
    case "extend-metadata":
      return [lvm("lvextend", "--poolmetadatasize", size(change.extentCount), `${vg}/${pool}`)];
    default:
      throw new Error(`the guest has no change ${change.kind}`);
  }
}

/**
 * Steps that copy volumes to a disk, one behind the other; zeros are left out, for the disk is a
 * new file.
 * @param {string} vg @param {World} world @param {string} outputDisk @returns {Step[]}
 */
export function copyOutSteps(vg, world, outputDisk) {
  let offset = 0;
  return world.names().map((name) => {
    const step = copyStep(vg, name, outputDisk, offset);
    offset += world.content(name).sizeBytes;
    return step;
  });
}

/**
 * @param {string} vg
 * @param {string} name
 * @param {string} disk
 * @param {number} offset
 * @returns {Step}
 */
export function copyStep(vg, name, disk, offset) {
  const [source, target] = [`if=/dev/${vg}/${name}`, `of=${disk}`];
  const how = ["bs=1M", "status=none", "iflag=direct", "conv=sparse,notrunc"];
  return ["/usr/bin/dd", source, target, "oflag=seek_bytes", `seek=${offset}`, ...how];
}

/** The size of a disk for `copyOutSteps`. @param {World} world */
export function copyOutBytes(world) {
  return world.names().reduce((sum, name) => sum + world.content(name).sizeBytes, 0);
}

/**
 * @param {Report} report @param {ReadonlyMap<string, Content>} contents
 * @param {string} path of the disk with the copies @param {string} whose work it is
 */
export function verifyCopies(report, contents, path, whose) {
  const disk = new DiskFile(path);
  let start = 0;
  for (const [name, content] of [...contents].sort(([left], [right]) => (left < right ? -1 : 1))) {
    const from = start;
    const at = content.firstDifference((offset, target) => disk.read(from + offset, target));
    report.check(
      `the kernel reads ${whose} ${name} as the model`,
      at < 0,
      `first difference at byte ${at}`,
    );
    start += content.sizeBytes;
  }
  disk.close();
}

/**
 * @typedef {{ lv_name: string, lv_size: string, lv_attr: string, data_percent: string,
 *   metadata_percent: string, origin: string, transaction_id: string, thin_id: string }} LvsRow
 * @param {StepResult} result of `reportStep` @returns {Map<string, LvsRow>}
 */
export function lvsRows(result) {
  const { report } = JSON.parse(result.stdout);
  return new Map(
    report[0].lv.map((/** @type {LvsRow} */ row) => [row.lv_name.replace(/[[\]]/g, ""), row]),
  );
}

/**
 * What `lvs` has to print as Data% and Meta%, from our engine's figures.
 * @param {import("./group-on-files.mjs").FileGroup} group
 */
export function expectedPercentages(group) {
  const status = group.pool.status();
  const pool = [
    formatPercent(status.usedDataBlocks, status.totalDataBlocks),
    formatPercent(status.usedMetadataBlocks, status.totalMetadataBlocks),
  ];
  const thins = group
    .thinNames()
    .sort()
    .map((name) => {
      const device = group.device(name);
      device.close();
      const { mappedBlocks } = group.pool.deviceStatus(device.deviceId);
      // LVM takes the size of the volume in whole chunks.
      return [
        name,
        formatPercent(mappedBlocks, Math.ceil(group.sizeBytes(name) / group.chunkBytes)),
      ];
    });
  group.closePool();
  return { pool, thins };
}

/**
 * The same as `lvs` printed it.
 * @param {StepResult} result
 * @param {string} pool
 * @param {readonly string[]} names
 */
export function printedPercentages(result, pool, names) {
  const rows = lvsRows(result);
  return {
    pool: [rows.get(pool)?.data_percent, rows.get(pool)?.metadata_percent],
    thins: names.map((name) => [name, rows.get(name)?.data_percent]),
  };
}

/** @param {Report} report @param {readonly StepResult[]} steps */
export function verifyStatus(report, steps) {
  const failed = steps.filter(({ status }) => status !== 0);
  report.check(
    `all ${steps.length} commands of the guest succeed`,
    failed.length === 0,
    failed
      .map(
        (step) =>
          `${step.command.slice(0, 300)}\n  code ${step.status} ${step.stdout}${step.stderr}`,
      )
      .join("\n"),
  );
}

const KERNEL_COMPLAINT =
  /I\/O error|error:|BUG|WARNING|corrupt|device-mapper:.*(?:fail|unable|invalid|check)/i;

/** @param {Report} report @param {string} kernelLog */
export function verifyKernelLog(report, kernelLog) {
  const complaints = kernelLog.split("\n").filter((line) => KERNEL_COMPLAINT.test(line));
  report.equal("the kernel has no complaint", complaints, []);
}
