/**
 * The kernel as Mortar's engine. In the guest our own command line makes a group, its pool and its
 * volumes through device-mapper, next to real LVM; then the same disks are activated on this
 * machine by our own engine, changed, and given back to the kernel. Nothing is moved in between:
 * every volume reads the same in both engines.
 *
 * Commands are killed at each step of the protocol between text and pool, also between the two
 * orders that the kernel needs for one step, and finished by whoever comes next.
 */
import { mkdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lvm, verifyKernelLog, verifyStatus } from "./by-guest.mjs";
import { verifyWithThinTools } from "./by-us.mjs";
import { FileGroup } from "./group-on-files.mjs";
import { diskName, quote } from "./guest.mjs";
import { HostNode, run } from "./host-node.mjs";
import { newFile } from "./new-file.mjs";
import { Random } from "./random.mjs";
import { namedTables } from "./tables.mjs";

/**
 * @typedef {import("./report.mjs").Report} Report
 * @typedef {import("./guest.mjs").Guest} Guest
 * @typedef {import("./guest.mjs").Step} Step
 * @typedef {import("./guest.mjs").StepResult} StepResult
 *
 * @typedef {object} Case
 * @property {Report} report
 * @property {Guest} guest with Mortar in it
 * @property {string} directory
 * @property {string[]} paths two disks of ours, one of LVM's
 * @property {string} patternPath
 */

const VG = `kern-${process.pid}`;
const POOL = "pool";
const STOCK = "stock";
const MIB = 1 << 20;
/** Node.js is slow to start without hardware virtualisation. */
const BOOT_SECONDS_MAX = 600;
const TABLES = { script: "dmsetup table; echo; dmsetup info -c --noheadings -o major,minor,name" };

/** @param {{ report: Report, guest: Guest, directory: string, seed: number }} options */
export async function kernelEngine({ report, guest, directory, seed }) {
  const home = join(directory, "kernel");
  mkdirSync(home);
  /** @type {Case} */
  const story = {
    report,
    guest,
    directory: home,
    paths: ["disk0", "disk1", "disk2"].map((name) => join(home, name)),
    patternPath: join(home, "pattern"),
  };
  writeFileSync(story.patternPath, new Random(seed).bytes(16 * MIB));
  for (const path of story.paths) newFile(path, 240 * MIB);
  const made = await kernelMakes(story);
  const changed = ourEngineGoesOn(story, made);
  await kernelGoesOn(story, changed);
  for (const path of [...story.paths, story.patternPath]) rmSync(path);
}

/** Our command lines in the guest, in one process. @param {...string} lines @returns {Step} */
function ours(...lines) {
  const words = lines.map((line) => quote(JSON.stringify(line.split(" "))));
  return { script: `printf '%s\\n' ${words.join(" ")} | mortar-agent` };
}

/** The last of our commands dies at a step; the code is the shell's for SIGKILL. */
const KILLED = 128 + 9;

/** @param {string} step @param {...string} lines @returns {Step} */
function killedAt(step, ...lines) {
  const killed = [...lines.slice(0, -1), `!kill ${step} ${lines.at(-1)}`];
  const { script } = /** @type {{ script: string }} */ (ours(...killed));
  return { script: `${script}; [ $? -eq ${KILLED} ]` };
}

/** @param {string} script @returns {Step} */
function shell(script) {
  return { script };
}

/** As LVM's default: pools are not extended, and warned of. */
const CONFIGURATION = shell(
  `${configuration(100)}
mortar-agent --start
mkdir -p /mnt/fs /mnt/snap`,
);

/** @param {number} autoextendThreshold */
function configuration(autoextendThreshold) {
  const devices = ["/dev/vda", "/dev/vdb", "/dev/vdc"];
  const text = JSON.stringify({ devices, thinPools: { autoextendThreshold } });
  return `mkdir -p /etc/mortar; echo '${text}' >/etc/mortar/mortar.json`;
}

/** @param {string} line @returns {[string, ...string[]]} */
function split(line) {
  const [first = "", ...rest] = line.split(" ");
  return [first, ...rest];
}

const DD = "/usr/bin/dd status=none bs=1M conv=notrunc";
const LVS_BY_LVM = lvm("lvs", "-a", VG);
const LVS = ours(`lvs -a ${VG}`);
/** A status commits: blocks that the last change let go of are free, and Meta% stays as it is. */
const SETTLE = shell("dmsetup status && sleep 2 && dmsetup status");
const ONLY_VOLUMES = ours(`lvchange -an ${VG}/${POOL}`, `lvs -a ${VG}`);
const SUMS = shell(`cd /dev/${VG} && /usr/bin/sha256sum fs snap raw raw2 late`);
const MAPPED = VG.replaceAll("-", "--");

/** A group, a file system, a snapshot of it, all by our commands. @param {string} pattern */
function storySteps(pattern) {
  return [
    CONFIGURATION,
    ours(
      `vgcreate ${VG} ${diskName(0)} ${diskName(1)}`,
      `lvcreate --thin -L 200m -n ${POOL} ${VG}`,
      `lvcreate -V 80m --thinpool ${POOL} -n fs ${VG}`,
      `lvcreate -V 64m --thinpool ${POOL} -n raw ${VG}`,
      `lvcreate -L 20m -n lin ${VG}`,
    ),
    // Small, to be read as a whole several times; mkfs.xfs wants to be told so.
    shell(`mkfs.xfs --unsupported -q -K /dev/${VG}/fs && mount /dev/${VG}/fs /mnt/fs`),
    shell(`${DD} if=${pattern} of=/mnt/fs/before count=9`),
    shell(`${DD} if=${pattern} of=/dev/${VG}/raw skip=9 seek=3 count=5 oflag=direct`),
    // Nothing is synced: the snapshot has to hold what the page cache held.
    ours(`lvcreate -s -n snap ${VG}/fs`, `lvchange -ay -K ${VG}/snap`),
    shell(`${DD} if=${pattern} of=/mnt/fs/after count=4 && rm /mnt/fs/before && sync`),
    shell(
      `mount -o nouuid,norecovery,ro /dev/${VG}/snap /mnt/snap &&
cmp -n ${9 * MIB} /mnt/snap/before ${pattern} && [ ! -e /mnt/snap/after ] && umount /mnt/snap`,
    ),
    LVS_BY_LVM,
    LVS,
    lvm("vgck", VG),
  ];
}

/**
 * Commands of ours that are killed, and finished by LVM or by the next of ours.
 * @param {string} pattern
 */
function crashSteps(pattern) {
  return [
    // With the message in the text only: real LVM sends it.
    killedAt("message-queued", `lvcreate -V 64m --thinpool ${POOL} -n raw2 ${VG}`),
    lvm("lvcreate", "-s", "-kn", "-n", "early", `${VG}/raw`),
    lvm("lvchange", "-ay", `${VG}/raw2`),
    shell(`${DD} if=${pattern} of=/dev/${VG}/raw2 count=2 oflag=direct`),
    // While the origin is suspended: the child process that holds it lets go.
    killedAt("origin-held", `lvcreate -s -kn -n late ${VG}/raw`),
    shell(
      `for i in $(seq 100); do
  dmsetup info ${MAPPED}-raw | grep -q ACTIVE && exit 0
  sleep 0.1
done
exit 1`,
    ),
    // Between the kernel's two orders, and with a device left suspended by nobody: ours goes on.
    shell(`dmsetup message ${MAPPED}-${POOL}-tpool 0 "create_snap 6 2"`),
    shell(`dmsetup suspend /dev/${VG}/raw2`),
    killedAt(
      "message-performed",
      `lvchange -ay ${VG}/raw2`,
      `lvchange -ay ${VG}/late`,
      `lvremove -y ${VG}/early`,
    ),
    ours(`lvextend -L 216m ${VG}/${POOL}`),
    SETTLE,
    LVS,
    LVS_BY_LVM,
  ];
}

/** Looking at a pool at work; then the same tables by LVM and by us. */
function comparisonSteps() {
  return [
    // Read through the kernel's metadata snapshot, which is given back.
    /** @type {Step} */ (["mortar", "pool", "check", `${VG}/${POOL}`]),
    shell(`[ "$(dmsetup status ${MAPPED}-${POOL}-tpool | cut -d' ' -f7)" = - ]`),
    // The pool is there for its volumes only.
    ONLY_VOLUMES,
    LVS_BY_LVM,
    shell("umount /mnt/fs"),
    SUMS,
    lvm("vgchange", "-an", VG),
    lvm("vgchange", "-ay", "-K", VG),
    TABLES,
    ours(`vgchange -an ${VG}`, `vgchange -ay -K ${VG}`),
    TABLES,
    ours(`vgchange -an ${VG}`),
    shell("[ -z \"$(dmsetup info -c --noheadings -o name | grep -v '^No')\" ]"),
    lvm("vgck", VG),
  ];
}

/** @param {Case} story @returns {Promise<Map<string, string>>} checksum by volume */
async function kernelMakes({ report, guest, paths, patternPath }) {
  report.scenario("our commands with the kernel as engine");
  const pattern = diskName(paths.length);
  const steps = [...storySteps(pattern), ...crashSteps(pattern), ...comparisonSteps()];
  const disks = [...paths, patternPath];
  const boot = { disks, physicalVolumes: 3, steps, timeLimitSeconds: BOOT_SECONDS_MAX };
  const done = await guest.run(boot);
  verifyStatus(report, done.steps);
  // The order that was given again after a crash.
  const again = /^.*Creation of new snapshot 6 of device 2 failed.*\n?/m;
  report.check("the kernel met the order that it had performed", again.test(done.kernelLog));
  verifyKernelLog(report, done.kernelLog.replace(again, ""));
  const printed = (/** @type {Step} */ step, nth = 0) => printedBy(done.steps, steps, step, nth);
  report.equal("our lvs prints what LVM's prints", printed(LVS), printed(LVS_BY_LVM));
  report.equal("and of a pool for its volumes only", printed(ONLY_VOLUMES), printed(LVS_BY_LVM, 2));
  report.equal("and after the crashes", printed(LVS, 1), printed(LVS_BY_LVM, 1));
  const [byLvm, byUs] = [namedTables(printed(TABLES)), namedTables(printed(TABLES, 1))];
  report.equal("our tables are LVM's", byUs, byLvm);
  return checksums(printed(SUMS));
}

/** @param {readonly StepResult[]} results @param {readonly Step[]} steps @param {Step} step */
function printedBy(results, steps, step, nth = 0) {
  const same = (/** @type {Step} */ one) => JSON.stringify(one) === JSON.stringify(step);
  const indices = steps.flatMap((one, index) => (same(one) ? [index] : []));
  return results[indices[nth] ?? -1]?.stdout ?? "";
}

/** @param {string} printed by sha256sum */
function checksums(printed) {
  const found = [...printed.matchAll(/^([0-9a-f]{64})\s+(\S+)$/gm)];
  return new Map(found.map(([, sum = "", name = ""]) => [name, sum]));
}

/** @param {Case} story @param {Map<string, string>} made @returns {Map<string, string>} */
function ourEngineGoesOn({ report, directory, paths, patternPath }, made) {
  report.scenario("the same disks with our own engine");
  verifyAtRest(report, paths.slice(0, 2), directory);
  const node = new HostNode(directory, paths.slice(0, 2));
  const mountPoint = join(directory, "mnt");
  mkdirSync(mountPoint);
  try {
    const said = node.mortar("vgchange", "-ay", "-K", VG);
    const count = made.size + 2;
    report.equal(
      "every volume is activated",
      said.trim(),
      `${count} logical volume(s) in volume group "${VG}" now active`,
    );
    const names = [...made.keys()];
    report.equal(
      "every volume reads as it did in the kernel",
      [...node.checksums(VG, names)],
      [...made],
    );
    run(["mount", "-t", "xfs", "-o", "nouuid,norecovery,ro", `/dev/${VG}/snap`, mountPoint]);
    report.equal(
      "the file in the snapshot is whole",
      run(["head", "-c", String(9 * MIB), patternPath]),
      run(["cat", join(mountPoint, "before")]),
    );
    run(["umount", mountPoint]);
    node.mortar("lvcreate", "-s", "-kn", "-n", "ours", `${VG}/raw`);
    const write = [`if=${patternPath}`, `of=/dev/${VG}/raw`, "bs=1M", "seek=30", "count=6"];
    run(["dd", ...write, "status=none", "conv=notrunc,fsync"]);
    node.mortar("lvremove", "-y", `${VG}/late`);
    const left = [...names.filter((name) => name !== "late"), "ours"];
    return node.checksums(VG, left);
  } finally {
    node.mortar("vgchange", "-an", VG);
    node.close();
    rmdirSync(mountPoint);
    rmSync(join(directory, "node"), { recursive: true });
  }
}

/** @param {Report} report @param {string[]} paths @param {string} directory */
function verifyAtRest(report, paths, directory) {
  const group = FileGroup.open(paths);
  report.equal("our reader finds labels, areas and texts sound", group.defects(), []);
  const { defects } = group.check();
  report.equal(
    "our check finds no defect",
    defects.map((defect) => defect.message),
    [],
  );
  verifyWithThinTools(report, group, directory);
  group.close();
}

const STOCK_LVS = lvm("lvs", "-a", STOCK);
const DRIVEN = ours(
  `lvcreate -s -kn -n copy ${STOCK}/thin`,
  `lvcreate -V 60m --thinpool tank -n gone ${STOCK}`,
  `lvextend -L 120m ${STOCK}/tank`,
  `lvremove -y ${STOCK}/gone`,
  `lvrename ${STOCK} tank basin`,
  `lvs -a ${STOCK}`,
);
const REFUSAL = shell(
  `printf '%s\\n' '["vgchange","-an","--engine","userspace","${STOCK}"]' | mortar-agent
[ $? -eq 5 ]`,
);
const PROMISE = `lvcreate -V 1g --thinpool basin -n over ${STOCK}`;
const PROMISES = [lvm(...split(PROMISE)), ours(PROMISE)];
/** More than the pool has: the writes wait until it has grown by itself. */
const GROWTH = shell(`${DD} if=/dev/zero of=/dev/${STOCK}/filler count=118 oflag=direct
for i in $(seq 60); do grep -q '"extended"' /run/mortar/events.jsonl && break; sleep 1; done
dmsetup status ${STOCK}-basin-tpool; cat /run/mortar/events.jsonl`);

/** LVM makes a group, our commands change it. @param {string} pattern @returns {Step[]} */
function stockSteps(pattern) {
  return [
    lvm("vgcreate", STOCK, diskName(2)),
    lvm("lvcreate", "--thin", "-L", "100m", "-n", "tank", STOCK),
    lvm("lvcreate", "-V", "60m", "--thinpool", "tank", "-n", "thin", STOCK),
    shell(`${DD} if=${pattern} of=/dev/${STOCK}/thin count=8 oflag=direct`),
    DRIVEN,
    shell(`cmp /dev/${STOCK}/thin /dev/${STOCK}/copy`),
    STOCK_LVS,
    REFUSAL,
    lvm("lvremove", "-y", `${STOCK}/copy`),
    ...PROMISES.flatMap((step) => [step, lvm("lvremove", "-y", `${STOCK}/over`)]),
    lvm("vgck", STOCK),
    shell(configuration(80)),
    ours(`lvcreate -V 140m --thinpool basin -n filler ${STOCK}`),
    GROWTH,
    lvm("vgck", STOCK),
    lvm("vgchange", "-an"),
    // The process that watched the pool has nothing left to watch.
    shell(`for i in $(seq 60); do [ -e /run/mortar/pools/${STOCK}-basin ] || exit 0; sleep 1; done
cat /run/mortar/pools/${STOCK}-basin/watch.log; exit 1`),
    ours("vgs"),
  ];
}

/** @param {Case} story @param {Map<string, string>} expected */
async function kernelGoesOn({ report, guest, directory, paths, patternPath }, expected) {
  report.scenario("back in the kernel, and a group that LVM made");
  const sums = shell(`cd /dev/${VG} && /usr/bin/sha256sum ${[...expected.keys()].join(" ")}`);
  const steps = [
    CONFIGURATION,
    ours(`vgchange -ay -K ${VG}`),
    sums,
    shell(`xfs_repair -n /dev/${VG}/fs`),
    lvm("vgck", VG),
    ...stockSteps(diskName(paths.length)),
  ];
  const disks = [...paths, patternPath];
  const boot = { disks, physicalVolumes: 3, steps, timeLimitSeconds: BOOT_SECONDS_MAX };
  const done = await guest.run(boot);
  verifyStatus(report, done.steps);
  verifyKernelLog(report, done.kernelLog);
  const printed = (/** @type {Step} */ step) => printedBy(done.steps, steps, step);
  report.equal(
    "every volume reads as our engine left it",
    [...checksums(printed(sums))],
    [...expected],
  );
  const stock = printed(STOCK_LVS);
  const driven = printed(DRIVEN);
  report.check("our lvs of LVM's group is LVM's", stock !== "" && driven.endsWith(stock), driven);
  const [byLvm, byUs] = PROMISES.map((step) => done.steps[steps.indexOf(step)]);
  report.equal("advice on a promising pool is on standard output", byUs?.stdout, byLvm?.stdout);
  // The guest's LVM keeps no backups, and says so each time.
  const figures = byLvm?.stderr.replace(/^.* is NOT backed up\.\n/m, "");
  report.equal("its figures are on standard error", byUs?.stderr, figures);
  const grown = printed(GROWTH);
  report.check("a pool that fills up grows by itself", /"kind":"extended"/.test(grown), grown);
  const said = done.steps[steps.indexOf(REFUSAL)]?.stderr ?? "";
  report.check("our own engine leaves it alone", said.includes("active in the kernel's"), said);
  verifyAtRest(report, paths.slice(0, 2), directory);
  verifyAtRest(report, paths.slice(2), directory);
}
