/** A volume that distributes over two bricks, on two thin LVs of one pool, on a disk in a file. */
import type { LiveNode } from "./live-node.ts";

export const volume = "two";

/** Leaves the volume started, and mounted at `volume` in the node's directory. */
export async function createTwoBrickVolume(node: LiveNode): Promise<void> {
  const { address, directory, group } = node;
  await node.ok("truncate -s 2G disk.img && losetup -f disk.img");
  await node.ok(`vgcreate ${group} ${node.scratch.loopOf("disk.img")}`);
  await node.ok(`lvcreate --thin ${group} -L 1600M`);
  await node.ok("mkdir volume snapshot");
  for (const number of [1, 2]) {
    await node.ok(`lvcreate -V 500M -T ${group}/lvol1 -n lv${number}`);
    await node.ok(`mkfs.xfs -q /dev/${group}/lv${number} && mkdir brick${number}`);
    await node.ok(`mount /dev/${group}/lv${number} brick${number} && mkdir brick${number}/exp`);
  }
  await node.ok("mortar up");
  const bricks = [1, 2].map((number) => `${address}:${directory}/brick${number}/exp`);
  await node.ok(`gluster volume create ${volume} ${bricks.join(" ")}`);
  await node.ok(`gluster volume start ${volume}`);
  await mountVolume(node);
}

export async function mountVolume(node: LiveNode): Promise<void> {
  const log = `-o log-file=${node.directory}/client.log`;
  await node.ok(`mount -t glusterfs ${log} ${node.address}:/${volume} volume`);
}

/** Activates a snapshot, and mounts it at `snapshot` in the node's directory. */
export async function mountSnapshot(node: LiveNode, name: string): Promise<void> {
  await node.ok(`gluster snapshot activate ${name}`);
  await node.ok(`mount -t glusterfs ${node.address}:/snaps/${name}/${volume} snapshot`);
}

export async function unmountSnapshot(node: LiveNode, name: string): Promise<void> {
  await node.ok("umount snapshot");
  await node.ok(`gluster --mode=script snapshot deactivate ${name}`);
}

/** Names of the logical volumes that are no part of a pool. */
export async function thinVolumes(node: LiveNode): Promise<string[]> {
  const names = await node.ok(`lvs --noheadings -o lv_name ${node.group}`);
  return names.split("\n").map((it) => it.trim()).filter((it) => it !== "" && it !== "lvol1");
}

interface SnapshotInfoAnswer {
  readonly result: {
    readonly snapshots: readonly { readonly name: string; readonly snapVolumes: readonly { readonly name: string }[] }[];
  };
}

/** By the catalogue: the LVs that the snapshots have, one for each of the two bricks. */
export async function volumesOfSnapshots(node: LiveNode): Promise<string[]> {
  const answer = await node.ok("mortar snapshot info --json");
  const { result } = JSON.parse(answer) as SnapshotInfoAnswer;
  return result.snapshots.flatMap((it) =>
    it.snapVolumes.flatMap(({ name }) => [`${name}_0`, `${name}_1`]),
  );
}
