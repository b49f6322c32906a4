/**
 * A hundred volumes and a thousand snapshots in the state of a cluster, as copies of the documents of one volume and one
 * snapshot, with names and ids of their own: volumes stopped, snapshots not activated. For what shows them and asks no
 * brick; `cluster-size` makes real ones.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EtcdStore } from "../packages/store/dist/index.js";

const VOLUMES = 100;
const SNAPSHOTS = 1000;
/** Operations of one transaction. */
const BATCH = 50;

/** Copies the documents of the volume `v` and the snapshot `s`; `crowd` snapshots are of one volume. */
export async function multiply(stand, { crowd = 0 } = {}) {
  const tls = join(stand.stateDirectory(1), "tls");
  const pem = (name) => readFileSync(join(tls, name));
  const store = await EtcdStore.open({
    endpoints: [`https://${stand.hosts[0]}:24018`], prefix: "mortar",
    tls: { ca: pem("authority.pem"), certificate: pem("node.pem"), key: pem("node.key") },
  });
  try {
    const volume = (await store.get("volume/v")).value;
    const snapshot = (await store.get("snapshot/s")).value;
    const puts = copiesOf({ volume, snapshot, volumes: VOLUMES - 1, snapshots: SNAPSHOTS - 1, crowd });
    for (let first = 0; first < puts.length; first += BATCH) {
      const done = await store.transaction(puts.slice(first, first + BATCH));
      if (!done.committed) throw new Error(`the state has ${done.conflicts.join()} already`);
    }
  } finally {
    await store.close();
  }
}

/** What puts so many copies of a volume and of a snapshot into the store; `crowd` of them are of one volume. */
export function copiesOf({ volume, snapshot, volumes: volumeCount, snapshots: snapshotCount, crowd = 0 }) {
  const volumes = Array.from({ length: volumeCount }, (_, index) => volumeAs(volume, `many${index}`));
  const snapshots = Array.from({ length: snapshotCount }, (_, index) =>
    snapshotAs(snapshot, { name: `taken${index}`, volume: volumes[index < crowd ? 0 : index % volumes.length] }));
  return [
    ...volumes.map((put) => ({ key: `volume/${put.name}`, expected: "absent", put })),
    ...snapshots.map((put) => ({ key: `snapshot/${put.name}`, expected: "absent", put })),
  ];
}

function volumeAs(volume, name) {
  const bricks = volume.bricks.map((brick, index) => ({ ...brick, id: `${name}-client-${index}`, path: `${brick.path}-${name}` }));
  return { ...volume, name, id: randomUUID(), status: "Stopped", bricks };
}

function snapshotAs(snapshot, { name, volume }) {
  const id = randomUUID();
  const lv = id.replaceAll("-", "");
  const volumes = snapshot.volumes.map((it) => ({
    ...it, name: lv, volumeId: id, origin: volume.name, originId: volume.id, volume,
    bricks: it.bricks.map((brick, index) => ({
      ...brick, id: `${volume.name}-client-${index}`, thin: { ...brick.thin, lv: `${lv}_${index}` },
      path: brick.path.replaceAll(it.name, lv), mountPoint: brick.mountPoint.replaceAll(it.name, lv),
    })),
  }));
  return { ...snapshot, name, id: randomUUID(), volumes };
}
