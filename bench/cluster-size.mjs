/**
 * What operators ask of three nodes with 100 volumes and 1,000 snapshots, and how answers and mortard's memory grow.
 *
 * A few volumes are real and run: five of three copies, whose bricks and self-heal daemons are asked for the status. One
 * of them has a real snapshot. The others are documents in the state, copies of the real ones with names and ids of their
 * own, volumes stopped and snapshots not activated: 300 brick processes and 3,000 logical volumes have no room here, and
 * what is not started has no process in earnest either. `peer` is what is allowed, or our own figure with few.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { EtcdStore } from "../packages/store/dist/index.js";
import { ClusterStand } from "./cluster-stand.mjs";
import { median, row, rounded } from "./rows.mjs";

const ALLOWED_MS = 200;
const ALLOWED_MIB = 200;
const VOLUMES = 100;
const SNAPSHOTS = 1000;
const STARTED = 5;
/** Operations of one transaction. */
const BATCH = 50;
/** What mortard does after a change is over by then. */
const REST_MS = 20_000;

export async function rows({ rounds }) {
  const stand = new ClusterStand();
  try {
    await stand.start();
    await stand.replica("v");
    await stand.ask((client) => client.snapshotCreate({ name: "s", volume: "v", timestamp: false }));
    // On the same thin volumes, of which no snapshot is taken from then on.
    await stand.copies(STARTED - 1);
    await delay(REST_MS);
    const few = await figures(stand, rounds);
    await multiply(stand);
    await delay(REST_MS);
    const many = await figures(stand, rounds);
    const named = `${VOLUMES} volumes (${STARTED} of them run), ${SNAPSHOTS} snapshots`;
    const answers = Object.keys(many.times).map((work) => row({
      work: `${work}, ${named} (peer: allowed)`, unit: "ms", ours: [many.times[work]], peer: [ALLOWED_MS],
      higher: false, atLeast: 1, aim: 2, note: `${rounded(few.times[work])} with ${STARTED} and 1`,
    }));
    return [...answers, row({
      work: `memory of the largest mortard, ${named} (peer: allowed)`, unit: "MiB", ours: [many.memoryMiB],
      peer: [ALLOWED_MIB], higher: false, atLeast: 1, aim: 1.3, note: `${rounded(few.memoryMiB)} with ${STARTED} and 1`,
    })];
  } finally {
    await stand.close();
  }
}

async function figures(stand, rounds) {
  const questions = {
    "volume info, over the socket": () => stand.ask((client) => client.volumeInfoAll()),
    "snapshot list, over the socket": () => stand.ask((client) => client.snapshotList({})),
    "snapshot info, over the socket": () => stand.ask((client) => client.snapshotInfo({})),
    "volume status, over the socket": () => stand.ask((client) => client.volumeStatusAll({})),
    "gluster volume info": () => stand.run("gluster volume info > /dev/null"),
    "gluster snapshot list": () => stand.run("gluster snapshot list > /dev/null"),
    "gluster volume status": () => stand.run("gluster volume status > /dev/null"),
  };
  const times = {};
  for (const [work, ask] of Object.entries(questions)) {
    const found = [];
    for (let count = 0; count < 2 * rounds + 1; count++) {
      const begun = performance.now();
      await ask();
      found.push(performance.now() - begun);
    }
    times[work] = median(found);
  }
  return { times, memoryMiB: Math.max(...stand.mortards().map(residentMiB)) };
}

function residentMiB(pid) {
  const kib = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
  return kib / 1024;
}

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
    const puts = copiesOf({ volume, snapshot, volumes: VOLUMES - STARTED, snapshots: SNAPSHOTS - 1, crowd });
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
