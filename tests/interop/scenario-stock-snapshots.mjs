/**
 * `snapshot create`, stock's and ours, one after the other in the same guest: the stock glusterd with LVM and the
 * kernel's dm-thin on one disk, then Mortar with its own engine on another. Volumes of one brick and of twelve, idle.
 * Without hardware virtualisation everything is slow, but equally so: what counts is the ratio.
 *
 * Ours is timed twice: asked over the socket, as programs do, and by `mortar`, of which most is the start of Node.js.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BootGuest } from "./boot-guest.mjs";
import { buildBootImage, missingBootPackages } from "./boot-image.mjs";
import { diskName } from "./guest.mjs";
import { newFile } from "./new-file.mjs";

/** @typedef {import("./report.mjs").Report} Report */

const MIB = 1 << 20;
const SECONDS_MAX = 1200;
const MEMORY_MIB = 4096;
const ROUNDS = 3;
const SIZES = /** @type {const} */ ([1, 12]);
const TIMES_FASTER = 10;
/** Beside those that any machine here has. glusterd and gluster are linked with libxml2, which needs libicu. */
const STOCK_PACKAGES = ["glusterfs-server", "libicu72", "lvm2", "dmsetup", "thin-provisioning-tools", "curl"];

/** Stock's LVM sees its disk only, and starts nothing by itself: Mortar's disk is not its business. */
const LVM_CONFIG = `devices { use_devicesfile=0 global_filter=[ "a|^${diskName(1)}$|", "r|.*|" ] }
activation { monitoring=0 } global { event_activation=0 }
`;

/** @param {{ report: Report, directory: string, kernelVersion: string }} options */
export async function stockSnapshots({ report, directory, kernelVersion }) {
  report.scenario("snapshots beside stock");
  const missing = missingBootPackages(STOCK_PACKAGES);
  if (process.getuid?.() !== 0 || missing.length > 0) {
    const why = missing.length > 0 ? `apt install ${missing.join(" ")}` : "run this as root: the files of a machine are root's";
    report.check("the machine can be made", false, why);
    return;
  }
  const home = join(directory, "stock-snapshots");
  mkdirSync(home);
  const { image, initrd } = buildBootImage(home, kernelVersion, {
    configuration: { engine: "userspace", devices: [diskName(2)] }, fstab: "",
    packages: STOCK_PACKAGES, modules: ["dm-thin-pool", "dm-snapshot"], imageMib: 1600,
    files: { "etc/lvm/lvmlocal.conf": LVM_CONFIG },
  });
  const disks = ["stock", "ours"].map((name) => join(home, name));
  for (const disk of disks) newFile(disk, 3072 * MIB);
  const guest = new BootGuest(home, `/boot/vmlinuz-${kernelVersion}`, initrd, [image, ...disks], MEMORY_MIB);
  try {
    await guest.ready(SECONDS_MAX);
    const stock = await measured(report, guest, "stock", STOCK);
    if (stock.length === 0) return;
    const ours = await measured(report, guest, "ours", OURS);
    if (ours.length > 0) for (const size of SIZES) tell(report, size, stock, ours);
  } finally {
    await guest.close();
    rmSync(home, { recursive: true });
  }
}

/** Prints `kind SIZE MILLISECONDS` for each creation. */
const TIMED = `set -e
timed() {
  kind=$1 size=$2; shift 2
  before=$(date +%s%N); "$@" >/tmp/said || { cat /tmp/said >&2; exit 1; }
  echo "$kind $size $((($(date +%s%N) - before) / 1000000))"
}
`;
const MOUNTED = (/** @type {string} */ group) => `for n in $(seq 0 12); do
  mkfs.xfs -q /dev/${group}/b$n 2>/dev/null; mkdir -p /${group}/b$n; mount -o nouuid /dev/${group}/b$n /${group}/b$n
  mkdir /${group}/b$n/exp
done
twelve=$(for n in $(seq 1 12); do echo guest:/${group}/b$n/exp; done)
`;

const STOCK = `${TIMED}
mkdir -p /var/lib/glusterd /var/log/glusterfs /run/gluster
# glusterd does not start with a geo-replication that lacks its Python; without any it does.
rm -rf /usr/lib/*/glusterfs/gsyncd
export LVM_SUPPRESS_FD_WARNINGS=1
{ vgcreate -q stock ${diskName(1)}
  lvcreate -q --thin -L 2600m -n pool stock
  for n in $(seq 0 12); do lvcreate -q -V 400m --thinpool pool -n b$n stock; done
} >/tmp/made 2>&1 || { cat /tmp/made >&2; exit 1; }
${MOUNTED("stock")}
glusterd -p /run/glusterd.pid || { tail -n 40 /var/log/glusterfs/glusterd.log >&2; exit 1; }
until gluster pool list >/dev/null 2>&1; do sleep 1; done
gluster --mode=script volume create one guest:/stock/b0/exp >/dev/null
gluster --mode=script volume create twelve $twelve >/dev/null
gluster volume start one >/dev/null; gluster volume start twelve >/dev/null
sleep 5
for round in $(seq ${ROUNDS}); do
  timed command 1 gluster --mode=script snapshot create o$round one no-timestamp
  timed command 12 gluster --mode=script snapshot create t$round twelve no-timestamp
done
gluster snapshot list >&2
gluster --mode=script volume stop one force >/dev/null; gluster --mode=script volume stop twelve force >/dev/null
kill $(cat /run/glusterd.pid); sleep 2
umount /stock/b*; vgchange -q -an stock >/dev/null
`;

const REQUEST = "curl -sf --unix-socket /run/mortar/mortard.sock -H content-type:application/json";
const OURS = `${TIMED}
ask() { ${REQUEST} http://mortar/v1/snapshots -d "{\\"name\\":\\"$1\\",\\"volume\\":\\"$2\\",\\"timestamp\\":false}"; }
mortar vgcreate -q ours ${diskName(2)} >/dev/null
mortar lvcreate -q --thin -L 2600m -n pool ours >/dev/null
for n in $(seq 0 12); do mortar lvcreate -q -V 400m --thinpool pool -n b$n ours >/dev/null; done
${MOUNTED("ours")}
mortar up >/dev/null
mortar volume create one guest:/ours/b0/exp >/dev/null
mortar volume create twelve $twelve >/dev/null
mortar volume start one >/dev/null; mortar volume start twelve >/dev/null
sleep 5
for round in $(seq ${ROUNDS}); do
  timed request 1 ask o$round one
  timed request 12 ask t$round twelve
done
timed command 1 mortar snapshot create oc one no-timestamp
timed command 12 mortar snapshot create tc twelve no-timestamp
mortar snapshot list >&2
`;

/** @param {Report} report @param {BootGuest} guest @param {string} whose @param {string} script */
async function measured(report, guest, whose, script) {
  const { status, stdout, stderr } = await guest.run(script, SECONDS_MAX);
  report.check(`${whose}: snapshots are taken`, status === 0, stderr.slice(-3000) + stdout);
  if (status !== 0) return [];
  return stdout.split("\n").map((line) => {
    const [kind = "", size = "", took = ""] = line.split(" ");
    return { kind, size: Number(size), tookMs: Number(took) };
  });
}

/**
 * @param {Report} report @param {number} size
 * @param {Awaited<ReturnType<typeof measured>>} stock @param {Awaited<ReturnType<typeof measured>>} ours
 */
function tell(report, size, stock, ours) {
  const of = (/** @type {typeof stock} */ all, /** @type {string} */ kind) => {
    const times = all.filter((it) => it.kind === kind && it.size === size).map((it) => it.tookMs);
    return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
  };
  const peer = of(stock, "command");
  const [request, command] = [of(ours, "request"), of(ours, "command")];
  const bricks = size === 1 ? "1 brick" : `${size} bricks`;
  report.note(`snapshot create, ${bricks}: stock ${peer} ms; ours ${request} ms over the socket ` +
    `(${(peer / request).toFixed(1)} times), ${command} ms by the command (${(peer / command).toFixed(1)} times)`);
  report.check(`${bricks}: at least ${TIMES_FASTER} times as fast as stock, over the socket`,
    peer / request >= TIMES_FASTER, `${peer} / ${request}`);
}
