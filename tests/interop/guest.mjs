/**
 * A small Linux in QEMU with a real device-mapper and Debian's own LVM, as judge of what Mortar
 * writes.
 *
 * Everything in it is a copy of what is installed on this machine: the kernel and its modules,
 * busybox, LVM, the thin tools. It has no network; its disks are plain files, seen as /dev/vda,
 * /dev/vdb, … It runs a list of commands, reports the code and the output of each over a serial
 * line, and is switched off. One boot takes about ten seconds without hardware virtualisation,
 * which is not used.
 */
import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { CpioArchive } from "./cpio.mjs";
import { addMortar, NODE } from "./mortar-files.mjs";

/**
 * A command for the guest: its words, or a piece of shell script that the caller wrote itself.
 * @typedef {readonly string[] | { readonly script: string }} Step
 *
 * @typedef {object} StepResult
 * @property {string} command as it was typed in the guest
 * @property {number} status exit status
 * @property {string} stdout
 * @property {string} stderr
 *
 * @typedef {object} GuestRun
 * @property {StepResult[]} steps
 * @property {string} kernelLog what the kernel said while the steps ran
 */

const TOOLS = [
  { program: "/usr/bin/busybox", package: "busybox-static" },
  { program: "/usr/sbin/lvm", package: "lvm2" },
  { program: "/usr/sbin/dmsetup", package: "dmsetup" },
  { program: "/usr/sbin/pdata_tools", package: "thin-provisioning-tools" },
  { program: "/usr/sbin/blkdiscard", package: "util-linux" },
  { program: "/usr/bin/dd", package: "coreutils" },
  { program: "/usr/bin/sha256sum", package: "coreutils" },
  { program: "/usr/sbin/mkfs.xfs", package: "xfsprogs" },
  { program: "/usr/sbin/xfs_repair", package: "xfsprogs" },
  { program: "/usr/sbin/fstrim", package: "util-linux" },
];
/** Needed on this side only. */
const HOST_PROGRAMS = [
  { program: "/usr/bin/qemu-system-x86_64", package: "qemu-system-x86" },
  { program: "/usr/sbin/modprobe", package: "kmod" },
  { program: "/usr/bin/nbdinfo", package: "libnbd-bin" },
];
const THIN_TOOLS = ["thin_check", "thin_dump", "thin_restore", "thin_repair", "thin_delta"];
// LVM asks for dm-snapshot before it makes a thin snapshot.
const MODULES = ["virtio_pci", "virtio_blk", "dm-thin-pool", "dm-snapshot", "dm-flakey", "xfs"];
const MARK = "@@@";

const INIT = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
export DM_DISABLE_UDEV=1 LVM_SUPPRESS_FD_WARNINGS=1
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
mount -t tmpfs t /run; mount -t tmpfs t /tmp; mkdir -p /run/lock/lvm /run/lvm
while read module; do
  insmod "$module" || echo "insmod $module failed" >/dev/ttyS0
done </modules/list
stty -F /dev/ttyS1 -opost -echo
dmesg -c >/dev/null
sh /steps.sh >/dev/ttyS1 2>/dev/ttyS0
poweroff -f
`;

/** What is missing on this machine for a guest, as apt packages; empty when it can be started. */
export function missingPackages() {
  const programs = [...TOOLS, ...HOST_PROGRAMS].filter(({ program }) => !existsSync(program));
  const missing = programs.map((tool) => tool.package);
  if (kernelVersion() === undefined) missing.push("linux-image-amd64");
  return [...new Set(missing)];
}

/** The newest installed kernel that has dm-thin. */
export function kernelVersion() {
  const versions = existsSync("/lib/modules") ? readdirSync("/lib/modules") : [];
  return versions
    .filter((version) => existsSync(`/boot/vmlinuz-${version}`))
    .filter((version) => existsSync(`/lib/modules/${version}/kernel/drivers/md/dm-thin-pool.ko`))
    .sort((left, right) => left.localeCompare(right, "en", { numeric: true }))
    .at(-1);
}

/** What the guest is made of, for the record. */
export function describeGuest() {
  const qemu = execFileSync("qemu-system-x86_64", ["--version"], { encoding: "utf8" });
  const lvm = execFileSync("lvm", ["version"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const lvmVersion = /LVM version:\s+(\S+)/.exec(lvm)?.[1] ?? "?";
  return `Linux ${kernelVersion()}, LVM ${lvmVersion}, ${qemu.split("\n", 1)[0]}`;
}

export class Guest {
  #directory;
  #base;
  #kernel;
  #boots = 0;

  /**
   * @param {string} directory for the image of the guest and its logs
   * @param {{ mortar?: boolean }} [contents] `mortar`: with Node.js and this tree's packages
   */
  constructor(directory, { mortar = false } = {}) {
    const version = kernelVersion();
    if (version === undefined)
      throw new Error("no kernel with dm-thin in /boot; apt install linux-image-amd64");
    this.#directory = directory;
    this.#kernel = `/boot/vmlinuz-${version}`;
    this.#base = buildBase(version, mortar);
  }

  /**
   * Boot, run the steps in order, switch off. A step that fails does not stop the others.
   * @param {{ disks: readonly string[], physicalVolumes: number, steps: readonly Step[],
   *   timeLimitSeconds?: number }} run LVM sees the first `physicalVolumes` disks only
   * @returns {Promise<GuestRun>}
   */
  async run({ disks, physicalVolumes, steps, timeLimitSeconds = 240 }) {
    this.#boots += 1;
    const directory = join(this.#directory, `boot${this.#boots}`);
    mkdirSync(directory, { recursive: true });
    const paths = {
      initrd: join(directory, "initrd"),
      console: join(directory, "console"),
      results: join(directory, "results"),
    };
    const script = new CpioArchive();
    script.file("/steps.sh", stepsScript(steps));
    script.file("/etc/lvm/lvm.conf", lvmConfiguration(physicalVolumes));
    writeFileSync(paths.initrd, Buffer.concat([this.#base, script.toBuffer()]));
    const words = qemuArguments(this.#kernel, paths, disks);
    const ended = await runQemu(words, timeLimitSeconds);
    rmSync(paths.initrd);
    const results = readFileSync(paths.results, "latin1").replaceAll("\r\n", "\n");
    if (!results.includes(`${MARK}DONE`)) {
      const tail = readFileSync(paths.console, "latin1").slice(-2000);
      throw new Error(
        `the guest ${ended}; its results are in ${paths.results}, its console ended with:\n${tail}`,
      );
    }
    return parseResults(results, steps);
  }
}

/** @param {string} version @param {boolean} mortar */
function buildBase(version, mortar) {
  const archive = new CpioArchive();
  for (const path of [
    "/bin",
    "/sbin",
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/tmp",
    "/mnt",
    "/var/lock",
  ]) {
    archive.directory(path);
  }
  for (const { program } of TOOLS) addProgram(archive, program);
  if (mortar) {
    addProgram(archive, NODE);
    addMortar(archive);
  }
  for (const tool of THIN_TOOLS) archive.link(`/usr/sbin/${tool}`, "pdata_tools");
  const applets = execFileSync("/usr/bin/busybox", ["--list"], { encoding: "utf8" });
  for (const applet of applets.split("\n").filter((name) => name !== "")) {
    if (!archive.has(`/bin/${applet}`)) archive.link(`/bin/${applet}`, "/usr/bin/busybox");
  }
  const modules = moduleFiles(version);
  for (const path of modules) archive.file(`/modules/${basename(path)}`, readFileSync(path));
  const list = modules.map((path) => `/modules/${basename(path)}\n`);
  archive.file("/modules/list", list.join(""));
  archive.file("/init", INIT);
  return archive.toBuffer();
}

/**
 * The program and the libraries it is linked with.
 * @param {CpioArchive} archive
 * @param {string} program
 */
function addProgram(archive, program) {
  archive.file(program, readFileSync(realpathSync(program)));
  let linked = "";
  try {
    linked = execFileSync("ldd", [program], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    return; // Linked statically.
  }
  for (const [library] of linked.matchAll(/\/\S+/g)) {
    if (!archive.has(library)) archive.file(library, readFileSync(realpathSync(library)));
  }
}

/** In the order in which they have to be loaded. @param {string} version */
function moduleFiles(version) {
  const files = new Set();
  for (const module of MODULES) {
    const lines = execFileSync("modprobe", ["-S", version, "-D", module], { encoding: "utf8" });
    for (const [, path] of lines.matchAll(/^insmod (\S+)/gm)) files.add(path);
  }
  return [...files];
}

/** @param {number} physicalVolumes */
function lvmConfiguration(physicalVolumes) {
  const accepted = Array.from(
    { length: physicalVolumes },
    (_, index) => `"a|^${diskName(index)}$|"`,
  );
  return [
    "activation { udev_sync=0 udev_rules=0 monitoring=0 }",
    'devices { obtain_device_list_from_udev=0 external_device_info_source="none" use_devicesfile=0',
    `  filter=[ ${[...accepted, '"r|.*|"'].join(", ")} ] }`,
    "global { use_lvmpolld=0 event_activation=0 }",
    "backup { backup=0 archive=0 }",
    "",
  ].join("\n");
}

/** The name of the n-th disk in the guest. @param {number} index */
export function diskName(index) {
  return `/dev/vd${String.fromCharCode("a".charCodeAt(0) + index)}`;
}

/** @param {string} word */
export function quote(word) {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** @param {Step} step */
function commandOf(step) {
  return "script" in step ? step.script : step.map(quote).join(" ");
}

/** @param {readonly Step[]} steps */
function stepsScript(steps) {
  const lines = steps.map((step, index) => [
    `printf '\\n${MARK}STEP ${index}\\n'`,
    `(\n${commandOf(step)}\n) >/tmp/stdout 2>/tmp/stderr </dev/null`,
    "status=$?",
    `cat /tmp/stdout; printf '\\n${MARK}STDERR\\n'; cat /tmp/stderr`,
    `printf '\\n${MARK}STATUS %d\\n' $status`,
  ]);
  lines.push([`printf '\\n${MARK}KERNEL\\n'`, "dmesg", `printf '\\n${MARK}DONE\\n'`]);
  return `${lines.flat().join("\n")}\n`;
}

/** @param {string} results @param {readonly Step[]} steps @returns {GuestRun} */
function parseResults(results, steps) {
  const between = /\n@@@STEP (\d+)\n([^]*?)\n@@@STDERR\n([^]*?)\n@@@STATUS (\d+)\n/g;
  const found = [...results.matchAll(between)].map(
    ([, index, stdout = "", stderr = "", status]) => {
      const step = steps[Number(index)];
      return { command: step ? commandOf(step) : "", status: Number(status), stdout, stderr };
    },
  );
  if (found.length !== steps.length)
    throw new Error(`the guest answered ${found.length} of ${steps.length} steps`);
  const kernelLog = /\n@@@KERNEL\n([^]*)\n@@@DONE\n/.exec(results)?.[1] ?? "";
  return { steps: found, kernelLog };
}

/**
 * @param {string} kernel @param {{ initrd: string, console: string, results: string }} paths
 * @param {readonly string[]} disks
 */
function qemuArguments(kernel, paths, disks) {
  const file = (/** @type {string} */ path) => path.replaceAll(",", ",,");
  return [
    "-accel",
    "tcg,thread=multi",
    "-cpu",
    "max",
    "-m",
    "1536",
    "-smp",
    "2",
    "-nodefaults",
    "-no-reboot",
    "-display",
    "none",
    "-serial",
    `file:${paths.console}`,
    "-serial",
    `file:${paths.results}`,
    "-kernel",
    kernel,
    "-initrd",
    paths.initrd,
    "-append",
    "console=ttyS0 panic=-1 quiet",
    // The guest's flushes need not survive this machine, only the guest.
    ...disks.flatMap((disk) => [
      "-drive",
      `file=${file(disk)},format=raw,if=virtio,cache=unsafe,discard=unmap`,
    ]),
  ];
}

/**
 * How it ended, in words.
 * @param {string[]} words
 * @param {number} timeLimitSeconds
 * @returns {Promise<string>}
 */
function runQemu(words, timeLimitSeconds) {
  return new Promise((resolve, reject) => {
    const child = spawn("qemu-system-x86_64", words, { stdio: ["ignore", "ignore", "pipe"] });
    let complaint = "";
    let late = false;
    child.stderr.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
      complaint += text;
    });
    const killer = () => {
      child.kill("SIGKILL");
    };
    const timer = setTimeout(() => {
      late = true;
      killer();
    }, timeLimitSeconds * 1000);
    process.once("exit", killer);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      process.off("exit", killer);
      if (late) resolve(`did not finish in ${timeLimitSeconds} s`);
      else resolve(`ended with ${signal ?? code} before it was done ${complaint}`);
    });
  });
}
