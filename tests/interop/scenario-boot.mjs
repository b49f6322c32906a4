/**
 * A machine with the real systemd, on which `mortar install` was done: its pools, logical volumes and file systems are
 * back after a power cut and after a reboot in order, and a shutdown takes them away in the order in which nothing is
 * lost, also while a program still uses one of them.
 *
 * One group lies on a disk, the other in a file of the root file system, behind a loop device that a start forgets.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BootGuest } from "./boot-guest.mjs";
import { buildBootImage, missingBootPackages, MORTAR } from "./boot-image.mjs";
import { diskName } from "./guest.mjs";
import { newFile } from "./new-file.mjs";

/**
 * @typedef {import("./report.mjs").Report} Report
 * @typedef {{ report: Report, guest: BootGuest }} Case
 */

const MIB = 1 << 20;
/** Without hardware virtualisation, on a machine that others use too. */
const BOOT_SECONDS_MAX = 900;
/** systemd kills what does not end after 90 s; a shutdown that waits for that is not in order. */
const SHUTDOWN_SECONDS_MAX = 80;
const FSTAB = `/dev/vg0/home /data xfs noauto,x-mortar 0 0
/dev/vg1/files /data2 xfs noauto,x-mortar 0 0
`;

/** @param {{ report: Report, directory: string, kernelVersion: string }} options */
export async function boot({ report, directory, kernelVersion }) {
  report.scenario("a machine with systemd");
  const missing = missingBootPackages();
  if (process.getuid?.() !== 0 || missing.length > 0) {
    const why = missing.length > 0 ? `apt install ${missing.join(" ")}` : "run this as root: the files of a machine are root's";
    report.check("the machine can be made", false, why);
    return;
  }
  const home = join(directory, "boot");
  mkdirSync(home);
  const node = { configuration: { engine: "userspace" }, fstab: FSTAB };
  const { image, initrd } = buildBootImage(home, kernelVersion, node);
  const disk = join(home, "disk1");
  newFile(disk, 1024 * MIB);
  const guest = new BootGuest(home, `/boot/vmlinuz-${kernelVersion}`, initrd, [image, disk]);
  const story = { report, guest };
  try {
    await install(story);
    await powerCut(story);
    await inOrder(story);
    await whileInUse(story);
  } finally {
    await guest.close();
    rmSync(home, { recursive: true });
  }
}

const INSTALL = `set -e
mortar install
systemctl daemon-reload
systemctl enable --now mortar mortard
systemctl is-active mortar mortard`;

/** Command lines in one process: without hardware virtualisation it takes long to start. */
const MAKE = [
  `vgcreate vg0 ${diskName(1)}`,
  "lvcreate --thin -L 500m -n pool vg0",
  "lvcreate -V 1g --thinpool pool -n home vg0",
  "vgcreate vg1 /dev/loop0",
  "lvcreate --thin -L 200m -n pool vg1",
  "lvcreate -V 400m --thinpool pool -n files vg1",
];
const LINES = MAKE.map((line) => `'${JSON.stringify(line.split(" "))}'`).join(" ");
const MAKE_GROUPS = `truncate -s 300M /var/disk2 && losetup /dev/loop0 /var/disk2 &&
printf '%s\\n' ${LINES} '' | node ${MORTAR}/agent.mjs`;
const MAKE_FILE_SYSTEMS = "mkfs.xfs -q /dev/vg0/home && mkfs.xfs -q /dev/vg1/files && mount /data && mount /data2";

const WRITE = `set -e
cd /data
for i in 1 2 3 4 5 6 7 8; do dd if=/dev/urandom of=file$i bs=64k count=$((i * 11)) status=none; done
cp file1 file2 /data2
sha256sum file* >/data2/sums
sync`;
const VERIFY = "cd /data && sha256sum -c --quiet /data2/sums && cmp file1 /data2/file1";

/** @param {Case} story */
async function install({ report, guest }) {
  await guest.ready(BOOT_SECONDS_MAX);
  await must(report, guest, "mortar install, and its units are active", INSTALL);
  await must(report, guest, "two groups with pools, one on a disk, one in a file", MAKE_GROUPS);
  await must(report, guest, "with file systems on them", MAKE_FILE_SYSTEMS);
  await must(report, guest, "files are written and synced", WRITE);
}

/** @param {Case} story */
async function powerCut({ report, guest }) {
  report.scenario("a power cut, and systemd");
  const writer = "while :; do dd if=/dev/zero of=/data/later bs=1M count=40 conv=fsync status=none; done";
  await must(report, guest, "a program goes on writing", `systemd-run --quiet sh -c '${writer}'; sleep 3`);
  await guest.powerCut();
  await verifyUp(report, guest);
  await must(report, guest, "the pool is sound", "mortar pool check vg0/pool");
}

/** @param {Case} story */
async function inOrder({ report, guest }) {
  report.scenario("systemctl reboot");
  await verifyShutdown(report, guest, await guest.reboot(BOOT_SECONDS_MAX));
  const { stdout } = await guest.run("journalctl -b -1 -o cat _SYSTEMD_UNIT=mortar.service + UNIT=mortar.service + UNIT=mortard.service");
  const order = [
    "Stopping mortard.service", "Stopped mortard.service", "Stopping mortar.service", "unmounted /data", "deactivated vg0/",
    "Stopped mortar.service",
  ].map((words) => stdout.lastIndexOf(words));
  report.check("the daemon ends, then file systems, then logical volumes and pools", isAscending(order), stdout.slice(-3000));
  await must(report, guest, "no journal of a file system had to be replayed", "! dmesg | grep -E 'XFS .*(Starting recovery)'");
}

/** @param {Case} story */
async function whileInUse({ report, guest }) {
  report.scenario("systemctl reboot while a program uses a file system");
  await must(report, guest, "a program writes there", [
    "systemd-run --quiet sh -c 'cd /data; while :; do echo more; sleep 0.2; done >>/data/log'",
    "sleep 2; cp /data/file3 /data/unsynced",
  ].join("\n"));
  await verifyShutdown(report, guest, await guest.reboot(BOOT_SECONDS_MAX));
  await must(report, guest, "what was written last and not synced is there", "cmp /data/file3 /data/unsynced && [ -s /data/log ]");
}

/** @param {Report} report @param {BootGuest} guest @param {number} seconds */
async function verifyShutdown(report, guest, seconds) {
  report.note(`shut down after ${seconds.toFixed(1)} s`);
  report.check(`nothing hangs: at most ${SHUTDOWN_SECONDS_MAX} s`, seconds <= SHUTDOWN_SECONDS_MAX, `${seconds} s`);
  await verifyUp(report, guest);
  const { stdout } = await guest.run("journalctl -b -1 -o cat -p warning --no-pager | tail -40");
  const bad = stdout.split("\n").filter((line) => /I\/O error|Corruption|timed out|Failed unmounting/i.test(line));
  report.equal("the journal of the shutdown has no I/O error and no timeout", bad, []);
}

/** @param {Report} report @param {BootGuest} guest */
async function verifyUp(report, guest) {
  const begun = Date.now();
  await guest.ready(BOOT_SECONDS_MAX);
  const { stdout: state } = await guest.run("systemctl is-system-running --wait", BOOT_SECONDS_MAX);
  const up = await guest.run("systemctl show --value -p ActiveEnterTimestampMonotonic -p InactiveExitTimestampMonotonic mortar");
  const [from = NaN, to = NaN] = up.stdout.split("\n").filter(Boolean).map(Number).sort((a, b) => a - b);
  report.note(`up ${((Date.now() - begun) / 1000).toFixed(0)} s later; mortar.service took ${((to - from) / 1e6).toFixed(1)} s`);
  const failed = await guest.run("systemctl --failed --no-legend; journalctl -b -u mortar -u mortard -o cat --no-pager | tail -30");
  report.check("no unit has failed", state.trim() === "running", state + failed.stdout);
  await must(report, guest, "mortar.service and mortard.service are active", "systemctl is-active mortar mortard");
  const mounts = await guest.run("findmnt -n -o TARGET,FSTYPE /data; findmnt -n -o TARGET,FSTYPE /data2; ls /dev/vg0 /dev/vg1");
  const words = mounts.stdout.split(/\s+/).filter(Boolean);
  report.equal("both file systems are mounted, and both groups active", words, [
    "/data", "xfs", "/data2", "xfs", "/dev/vg0:", "home", "/dev/vg1:", "files",
  ]);
  await must(report, guest, "what was synced is there", VERIFY);
}

/** @param {Report} report @param {BootGuest} guest @param {string} property @param {string} script */
async function must(report, guest, property, script) {
  const { status, stdout, stderr } = await guest.run(script);
  report.check(property, status === 0, `${script}\ncode ${status}\n${stdout}${stderr}`);
}

/** @param {readonly number[]} places */
function isAscending(places) {
  return places.every((place, index) => place >= 0 && place > (places[index - 1] ?? -1));
}
