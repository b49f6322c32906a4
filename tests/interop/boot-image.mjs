/**
 * The root file system of a small Debian with the real systemd and udev, made of the packages that are installed on
 * this machine, with Mortar below /mortar; and the initrd that starts it. Needs root, for the owners of the files.
 *
 * LVM is left out on purpose: its udev rules would give the volume groups to the kernel's device-mapper.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync, copyFileSync, existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, realpathSync, rmSync, symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CpioArchive } from "./cpio.mjs";
import { copyMortarTree, NODE } from "./mortar-files.mjs";

const PACKAGES = [
  "systemd", "systemd-sysv", "udev", "dbus", "util-linux", "mount", "kmod", "xfsprogs", "bash", "coreutils", "base-files",
  "libc-bin", "grep", "sed", "procps", "dash", "findutils", "diffutils",
];
/** What the packages above want for being installed, not for being run. */
const NOT_RUN = new Set(["adduser", "debconf", "dpkg", "python3", "libpython3-stdlib", "media-types", "libicu72"]);
const LEFT_OUT = /^\/usr\/(share\/(?!dbus-1)|lib\/(firmware|udev\/hwdb))/;
const MODULES = ["virtio_pci", "virtio_blk", "virtio_console", "ext4", "xfs", "loop", "fuse", "autofs4"];
/** Loaded by the initrd; the rest is loaded as on any machine. */
const FIRST_MODULES = ["virtio_pci", "virtio_blk", "ext4"];
const IMAGE_MIB = 900;
/** Where guest-agent.mjs expects it. */
export const MORTAR = "/mortar";
export const AGENT_PORT = "mortar.interop";

const INIT = `#!/bin/sh
mount -t proc p /proc; mount -t devtmpfs d /dev
while read module; do insmod "$module"; done </modules/list
mount -t ext4 -o rw /dev/vda /root
mount --move /dev /root/dev
umount /proc
exec switch_root /root /sbin/init
`;

/** Takes scripts from the host, one a line in base64, and answers with code, output and errors. */
const AGENT = `#!/bin/bash
until [ -e /dev/virtio-ports/${AGENT_PORT} ]; do sleep 0.2; done
exec 3<>/dev/virtio-ports/${AGENT_PORT}
boot=$(cat /proc/sys/kernel/random/boot_id)
echo "ready $boot" >&3
while read -r line <&3; do
  echo "$line" | base64 -d >/run/step.sh
  bash /run/step.sh >/run/step.out 2>/run/step.err </dev/null
  echo "done $? $(base64 -w0 /run/step.out | sed 's/^$/-/') $(base64 -w0 /run/step.err)" >&3
done
`;

const AGENT_UNIT = `[Unit]
Description=The test that drives this machine
[Service]
ExecStart=/usr/local/bin/interop-agent
[Install]
WantedBy=multi-user.target
`;

const FILES = {
  "etc/hostname": "guest\n",
  "etc/hosts": "127.0.0.1 localhost guest\n",
  // With an id there is no "first boot", on which systemd would enable all it has.
  "etc/machine-id": "6d6f72746172696e7465726f706775ff\n",
  "etc/fstab": "/dev/vda / ext4 defaults 0 0\n",
  "etc/systemd/journald.conf": "[Journal]\nStorage=persistent\nForwardToConsole=no\n",
  "etc/systemd/system/interop-agent.service": AGENT_UNIT,
};
const MASKED = ["getty@tty1", "serial-getty@ttyS0", "systemd-timesyncd", "console-getty", "systemd-logind"];

/** The packages that the guest is made of, and are not installed here. */
export function missingBootPackages(/** @type {readonly string[]} */ more = []) {
  const known = new Set(packageTable().keys());
  const programs = existsSync("/usr/sbin/mkfs.ext4") ? [] : ["e2fsprogs"];
  return [...[...PACKAGES, ...more].filter((name) => !known.has(name)), ...programs];
}

/**
 * @typedef {object} MachineOptions
 * @property {object} configuration its mortar.json
 * @property {string} fstab lines of it
 * @property {readonly string[]} [packages] beside the usual ones
 * @property {readonly string[]} [modules] the same of the kernel
 * @property {number} [imageMib]
 * @property {Record<string, string>} [files] text by path
 */

/**
 * @param {string} directory @param {string} version of the kernel @param {MachineOptions} machine
 * @returns {{ image: string, initrd: string }}
 */
export function buildBootImage(directory, version, machine) {
  const { configuration, fstab, packages = [], modules = [], imageMib = IMAGE_MIB, files = {} } = machine;
  const tree = join(directory, "tree");
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    mkdirSync(join(tree, "usr", name), { recursive: true });
    symlinkSync(`usr/${name}`, join(tree, name));
  }
  for (const name of ["dev", "proc", "sys", "run", "tmp", "mnt", "data", "data2", "var/log/journal", "etc/mortar"]) {
    mkdirSync(join(tree, name), { recursive: true });
  }
  symlinkSync("/run", join(tree, "var/run"));
  for (const path of filesOfPackages(packages)) copyInto(tree, path);
  for (const path of ["/etc/passwd", "/etc/group", "/etc/ld.so.cache"]) copyInto(tree, path);
  copyProgram(tree, NODE);
  copyModules(tree, version, [...MODULES, ...modules]);
  copyMortarTree(join(tree, MORTAR));
  for (const [path, text] of Object.entries({ ...FILES, ...files })) write(tree, path, text);
  write(tree, "etc/fstab", FILES["etc/fstab"] + fstab);
  write(tree, "etc/mortar/mortar.json", JSON.stringify(configuration));
  write(tree, "usr/local/bin/interop-agent", AGENT, 0o755);
  copyFileSync(fileURLToPath(new URL("guest-agent.mjs", import.meta.url)), join(tree, MORTAR, "agent.mjs"));
  write(tree, "usr/local/bin/mortar", `#!/bin/sh\nexec ${NODE} ${MORTAR}/packages/cli/dist/main.js "$@"\n`, 0o755);
  const wants = join(tree, "etc/systemd/system/multi-user.target.wants");
  mkdirSync(wants, { recursive: true });
  symlinkSync("../interop-agent.service", join(wants, "interop-agent.service"));
  symlinkSync("/lib/systemd/system/multi-user.target", join(tree, "etc/systemd/system/default.target"));
  for (const unit of MASKED) link(tree, `etc/systemd/system/${unit}.service`, "/dev/null");
  const image = join(directory, "root.img");
  execFileSync("mkfs.ext4", ["-q", "-F", "-d", tree, image, `${imageMib}M`], { timeout: 120_000 });
  rmSync(tree, { recursive: true });
  const initrd = join(directory, "boot-initrd");
  writeFileSync(initrd, buildInitrd(version));
  return { image, initrd };
}

/** @param {string} version */
function buildInitrd(version) {
  const archive = new CpioArchive();
  for (const path of ["/proc", "/dev", "/root"]) archive.directory(path);
  archive.file("/bin/busybox", readFileSync(realpathSync("/usr/bin/busybox")));
  for (const applet of ["sh", "mount", "umount", "insmod", "switch_root"]) archive.link(`/bin/${applet}`, "busybox");
  const modules = moduleFiles(version, FIRST_MODULES);
  for (const path of modules) archive.file(`/modules/${basename(path)}`, readFileSync(path));
  archive.file("/modules/list", modules.map((path) => `/modules/${basename(path)}\n`).join(""));
  archive.file("/init", INIT);
  return archive.toBuffer();
}

/** Installed packages: what each needs, and by whom a name is provided. */
function packageTable() {
  const format = "${Package}\t${Depends}, ${Pre-Depends}\t${Provides}\n";
  const text = execFileSync("dpkg-query", ["-W", "-f", format], { encoding: "utf8", maxBuffer: 1 << 26 });
  /** @type {Map<string, { name: string, needs: string[][] }>} */
  const table = new Map();
  const rows = text.split("\n").filter(Boolean).map((line) => line.split("\t"));
  for (const [name = "", needs = "", provides = ""] of rows) {
    const entry = { name, needs: names(needs).map((one) => one.split("|").map(bare)) };
    table.set(name, entry);
    for (const one of names(provides)) if (!table.has(bare(one))) table.set(bare(one), entry);
  }
  return table;
}

/** @param {string} list */
function names(list) {
  return list.split(",").map((one) => one.trim()).filter(Boolean);
}

/** Without version and architecture. @param {string} name */
function bare(name) {
  return name.trim().replace(/[ (:].*/, "");
}

/** @param {readonly string[]} more @returns {string[]} */
function filesOfPackages(more) {
  const table = packageTable();
  const wanted = [...PACKAGES, ...more];
  /** @type {Set<string>} */
  const taken = new Set();
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const entry = table.get(name);
    if (entry === undefined || taken.has(entry.name)) continue;
    if (NOT_RUN.has(entry.name) && !more.includes(entry.name)) continue;
    taken.add(entry.name);
    for (const alternatives of entry.needs) {
      const found = alternatives.find((one) => table.has(one));
      if (found !== undefined) wanted.push(found);
    }
  }
  const list = execFileSync("dpkg-query", ["-L", ...taken], { encoding: "utf8", maxBuffer: 1 << 26 });
  return [...new Set(list.split("\n"))].filter((path) => path.startsWith("/") && !LEFT_OUT.test(real(path)));
}

/** With /lib and the like as what they are links to. @param {string} path */
function real(path) {
  return path.replace(/^\/(bin|sbin|lib|lib64)(?=\/|$)/, "/usr/$1");
}

/** A file, link or directory of this machine, at the same place. @param {string} tree @param {string} path */
function copyInto(tree, path) {
  const target = join(tree, real(path));
  const found = lstatSync(path, { throwIfNoEntry: false });
  const there = lstatSync(target, { throwIfNoEntry: false });
  if (found === undefined || (there !== undefined && (!there.isDirectory() || found.isSymbolicLink()))) return;
  if (found.isDirectory()) {
    mkdirSync(target, { recursive: true });
    chmodSync(target, found.mode & 0o7777);
    return;
  }
  mkdirSync(dirname(target), { recursive: true });
  if (found.isSymbolicLink()) symlinkSync(readlinkSync(path), target);
  else if (found.isFile()) {
    copyFileSync(path, target);
    chmodSync(target, found.mode & 0o7777);
  }
}

/** With the libraries that it is linked with. @param {string} tree @param {string} program */
function copyProgram(tree, program) {
  const linked = execFileSync("ldd", [program], { encoding: "utf8" });
  for (const path of [program, ...(linked.match(/\/\S+/g) ?? [])]) {
    const target = join(tree, real(path));
    if (existsSync(target)) continue;
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(realpathSync(path), target);
    chmodSync(target, 0o755);
  }
}

/** @param {string} tree @param {string} version @param {readonly string[]} modules */
function copyModules(tree, version, modules) {
  for (const path of moduleFiles(version, modules)) copyInto(tree, path);
  for (const name of ["modules.builtin", "modules.builtin.modinfo", "modules.order"]) {
    copyInto(tree, `/lib/modules/${version}/${name}`);
  }
  execFileSync("depmod", ["-b", tree, version]);
}

/** In the order in which they have to be loaded. @param {string} version @param {readonly string[]} modules */
function moduleFiles(version, modules) {
  const files = new Set();
  for (const module of modules) {
    const lines = execFileSync("modprobe", ["-S", version, "-D", module], { encoding: "utf8" });
    for (const [, path] of lines.matchAll(/^insmod (\S+)/gm)) files.add(path);
  }
  return /** @type {string[]} */ ([...files]);
}

/** @param {string} tree @param {string} path @param {string} text @param {number} [mode] */
function write(tree, path, text, mode = 0o644) {
  const target = join(tree, path);
  mkdirSync(dirname(target), { recursive: true });
  rmSync(target, { force: true });
  writeFileSync(target, text, { mode });
}

/** @param {string} tree @param {string} path @param {string} to */
function link(tree, path, to) {
  rmSync(join(tree, path), { force: true });
  symlinkSync(to, join(tree, path));
}
