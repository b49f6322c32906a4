/**
 * What this run types for each line of the recorded session, and which lines of it are not a
 * user's: every recorded command is named here, or the test fails.
 */
import type { ScratchNode } from "./scratch-node.ts";

export type Line =
  /** Run it, compare its output. `drop`: recorded or printed lines that depend on the machine. */
  | { readonly run: string; readonly drop?: readonly RegExp[]; readonly why?: string }
  /** Run it, do not compare. */
  | { readonly only: string; readonly why: string }
  | { readonly skip: string };

/** Lines that the recorder's machine needed, or that look into glusterd's and LVM's own files. */
const notOurs: Readonly<Record<string, string>> = {
  "export LVM_SUPPRESS_FD_WARNINGS=1": "the recorder's environment",
  "LVM_SUPPRESS_FD_WARNINGS=1": "the recorder's environment",
  "cd /tmp": "the recorder's directory",
  "mkdir -p /work": "the recorder's directory",
  "cd /work": "the recorder's directory",
  "modprobe dm_thin_pool": "Mortar needs no device-mapper",
  "modprobe fuse": "the machine has it before the test starts",
  "modprobe loop": "the machine has it before the test starts",
  "sleep 5": "mortar up returns when the daemon answers",
  "for i in 1 2 3 4 5": "shown by set -x, not a command",
  "vgcfgbackup -f /work/vg.txt bd-vg": "the recorder's look at LVM's metadata",
  "cat /work/vg.txt": "the recorder's look at LVM's metadata",
  "head -150": "the recorder's look at glusterd's volfiles",
  "cat /var/lib/glusterd/vols/KVMvolume/info": "a file of glusterd's own",
};

/** `ls -la` of a mount shows the directory above it, which is the machine's. */
const parentDirectory = [/ \.\.$/];

const mkfsOfDeviceMapper = {
  drop: [/^mkfs\.xfs: small data volume, ignoring data volume stripe unit/],
  why: "device-mapper tells a stripe of the chunk's size; a loop device tells none",
};

export function linesOf(node: ScratchNode): (command: string) => Line | undefined {
  const at = (path: string) => `${node.directory}${path}`;
  const { group, address } = node;
  const lines: Readonly<Record<string, Line>> = {
    "dd if=/dev/zero of=bd-loop-thin count=1024 bs=1M": {
      only: "truncate -s 1024M bd-loop-thin",
      why: "dd tells a rate; a sparse file of the same size does",
    },
    "losetup /dev/loop0 bd-loop-thin": { run: "losetup -f bd-loop-thin" },
    "vgcreate bd-vg /dev/loop0": {
      run: `vgcreate ${group} $(losetup -j bd-loop-thin -O NAME -n)`,
    },
    "lvcreate --thin bd-vg -L 1000M": { run: `lvcreate --thin ${group} -L 1000M` },
    "lvcreate -V 1000M -T /dev/bd-vg/lvol1 -n lv1": {
      run: `lvcreate -V 1000M -T /dev/${group}/lvol1 -n lv1`,
    },
    lvs: { run: "lvs" },
    "lvs -a -o +thin_id,time,tags,uuid": { run: "lvs -a -o +thin_id,time,tags,uuid" },
    "mkfs.xfs /dev/bd-vg/lv1": { run: `mkfs.xfs /dev/${group}/lv1`, ...mkfsOfDeviceMapper },
    "mount /dev/bd-vg/lv1 /mnt/": {
      run: `mkdir ${at("/mnt")}; mount /dev/${group}/lv1 ${at("/mnt/")}`,
    },
    "mkdir /mnt/exp": { run: `mkdir ${at("/mnt/exp")}` },
    "sleep 3": {
      only: `for try in $(seq 60); do cat ${at("/cli/hello")} && break; sleep 0.25; done`,
      why: "the mounted client tries to connect again every three seconds",
    },
    "systemctl start glusterd": { only: "mortar up", why: "Mortar's daemon, not glusterd" },
    "mkdir -p /cli": { run: `mkdir -p ${at("/cli")}` },
    "mount -t glusterfs vm:/KVMvolume /cli": {
      run: `mount -t glusterfs ${address}:/KVMvolume ${at("/cli")}`,
    },
    "echo hello": { only: `echo hello > ${at("/cli/hello")}`, why: "set -x hides the redirection" },
    "echo changed": {
      only: `echo changed > ${at("/cli/hello")}`,
      why: "set -x hides the redirection",
    },
    "dd if=/dev/urandom of=/cli/img bs=1M count=20": {
      run: `dd if=/dev/urandom of=${at("/cli/img")} bs=1M count=20`,
      drop: [/bytes .* copied/],
      why: "a rate",
    },
    "rm /cli/img": { run: `rm ${at("/cli/img")}` },
    "cat /cli/hello": { run: `cat ${at("/cli/hello")}` },
    "ls -la /cli": { run: `ls -la ${at("/cli")}`, drop: parentDirectory },
    "umount /cli": { run: `umount ${at("/cli")}` },
    "mkdir -p /snapm": { run: `mkdir -p ${at("/snapm")}` },
    "mount -t glusterfs vm:/snaps/KMVS1/KVMvolume /snapm": {
      run: `mount -t glusterfs ${address}:/snaps/KMVS1/KVMvolume ${at("/snapm")}`,
    },
    "ls -la /snapm": { run: `ls -la ${at("/snapm")}`, drop: parentDirectory },
    "umount /snapm": { run: `umount ${at("/snapm")}` },
  };
  return (command) => {
    const known = lines[command];
    if (known !== undefined) return known;
    const reason = notOurs[command];
    if (reason !== undefined) return { skip: reason };
    if (command.startsWith("cat /var/lib/glusterd/vols/")) return { skip: "glusterd's volfiles" };
    if (!command.startsWith("gluster ")) return undefined;
    return { run: command.replace("vm:/mnt/exp", `${address}:${at("/mnt/exp")}`) };
  };
}
