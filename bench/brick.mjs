/**
 * Our brick and glusterfsd, on one XFS, under stock clients. Figures of the clients; CPU and memory of the brick
 * processes.
 *
 * Small files: four processes, through one mount, through four mounts of as many clients, and on three copies. Transfers:
 * through FUSE without the client kernel's page cache, and through libgfapi. "Cold": the client is mounted anew, or the
 * machine's caches are emptied, before. Before anything counts, each brick has done a little of all: ours compiles what
 * it does often while it serves.
 *
 * All of it has an end: a step that hangs is killed and its group named as not measured. When the time that is allowed
 * runs out, rounds are left out, and then whole groups, which are named too.
 */
import { connectClients, makeFiles } from "./brick-clients.mjs";
import { brickStands } from "./brick-stands.mjs";
import { SMALL, smallFiles, throughFuse, throughLibrary, TRANSFERS, WARM_TRANSFERS } from "./brick-work.mjs";
import { median, rounded, row, unmeasured } from "./rows.mjs";

const CLIENTS = 4;
const MANY_CLIENTS = 1000;
const MILLION = 1e6;
const LARGE_SECONDS = 270;
const FULL = { files: 1000, warmFiles: 500, secondsMax: 1050 };
const QUICK = { files: 150, warmFiles: 100, secondsMax: 180 };

const onThreeCopies = SMALL.map((each) => ({ ...each, atLeast: 1.2, aim: 2 }));

/** What is measured on which volumes. */
const VOLUMES = [
  {
    stands: { shape: "replica", count: 3 },
    groups: [{
      name: "replica 3", rows: onThreeCopies,
      work: (stand, { round, files }) => smallFiles(stand, { name: `a${round}`, clients: 1, files }),
    }],
  },
  {
    stands: {},
    groups: [
      { rows: SMALL, work: (stand, { round, files }) => smallFiles(stand, { name: `a${round}`, clients: 1, files }) },
      {
        name: "4 clients", rows: SMALL,
        work: (stand, { round, files }) => smallFiles(stand, { name: `b${round}`, clients: CLIENTS, files }),
      },
      { name: "FUSE", rows: TRANSFERS, work: (stand, { seconds }) => throughFuse(stand, { rows: TRANSFERS, seconds, clients: 1 }) },
      { name: "libgfapi", rows: TRANSFERS, work: (stand, { seconds }) => throughLibrary(stand, { rows: TRANSFERS, seconds }) },
      {
        name: "FUSE, 4 clients", rows: WARM_TRANSFERS,
        work: (stand, { seconds }) => throughFuse(stand, { rows: WARM_TRANSFERS, seconds, clients: CLIENTS }),
      },
    ],
  },
];

export async function rows({ rounds, seconds, quick = false, large = false }) {
  const found = [];
  const size = quick ? QUICK : FULL;
  const clock = new Clock(size.secondsMax, VOLUMES.flatMap(({ groups }) => groups).length);
  for (const { stands: wanted, groups } of VOLUMES) {
    await withStands(wanted, found, groups, async (stands) => {
      for (const stand of stands) await smallFiles(stand, { name: "warm", clients: 1, files: size.warmFiles });
      for (const group of groups) found.push(...await measure(group, stands, { rounds, seconds, files: size.files }, clock));
      if (wanted.shape === undefined) found.push(memoryRow("memory after all of this", stands.map((stand) => stand.memory())));
    });
  }
  await withStands({}, found, [{ name: "many clients", rows: [] }], async (stands) => found.push(...await manyClients(stands)));
  if (large) {
    await withStands({}, found, [{ name: "a million files", rows: [] }], async (stands) => found.push(await millionFiles(stands)));
  }
  return found;
}

/** How much time each group may take, of what all of them have. */
class Clock {
  #end;
  #groupsLeft;
  constructor(seconds, groups) {
    this.#end = performance.now() + seconds * 1000;
    this.#groupsLeft = groups;
  }

  /** When the next group has to be done. Throws when there is no time left. */
  nextEnd() {
    const now = performance.now();
    if (now > this.#end) throw new Error("the time was over");
    return now + Math.max(this.#end - now, 0) / this.#groupsLeft--;
  }
}

/** Stands for these groups; that they could not be had is a row of each. */
async function withStands(wanted, found, groups, body) {
  let close = async () => undefined;
  try {
    const made = await brickStands(wanted);
    ({ close } = made);
    await body(made.stands);
  } catch (error) {
    for (const { name = "1 client" } of groups) found.push(unmeasured(name, error));
  } finally {
    await close();
  }
}

async function measure(group, stands, options, clock) {
  const begun = performance.now();
  const measured = group.rows.map(() => new Map(stands.map(({ kind }) => [kind, noFigures()])));
  let slowest = 0;
  try {
    const end = clock.nextEnd();
    for (let round = 0; round < options.rounds; round++) {
      const started = performance.now();
      if (round > 0 && started + slowest > end) break;
      for (const stand of round % 2 === 0 ? stands : stands.toReversed()) {
        const results = await group.work(stand, { ...options, round });
        for (const [index, figures] of results.entries()) {
          const all = measured[index].get(stand.kind);
          for (const [kind, figure] of Object.entries(figures)) all[kind].push(figure);
        }
      }
      slowest = Math.max(slowest, performance.now() - started);
    }
  } catch (error) {
    // Whatever hangs goes with its client; the next group mounts anew.
    for (const stand of stands) await stand.unmount().catch(() => undefined);
    return [unmeasured(group.name ?? "1 client", error)];
  }
  console.error(`brick: ${group.name ?? "1 client"}: ${Math.round((performance.now() - begun) / 1000)} s`);
  return group.rows.flatMap((each, index) => rowsOf(group.name, each, measured[index], options.rounds));
}

const noFigures = () => ({ rate: [], cpu: [], kernel: [], busy: [], bricks: [] });

/**
 * What the peer's client and kernel need remains when the brick costs nothing: where the processors are all at work, no
 * brick can be faster than that.
 */
function boundOf({ busy, bricks }) {
  if (busy.length === 0) return "";
  const bound = rounded(median(bricks.map((part) => 1 / (1 - part))));
  return `peer: processors ${percent(busy)} busy; a brick for nothing: ${bound}`;
}

const percent = (parts) => `${Math.round(median(parts) * 100)} %`;

function rowsOf(group, { work, bs, atLeast, aim }, measured, wanted) {
  const ours = measured.get("ours");
  const peer = measured.get("glusterfsd");
  const name = group === undefined ? work : `${group}: ${work}`;
  const unit = bs === undefined ? "operations/s" : bs === "1M" ? "MiB/s" : "IOPS";
  const done = ours.rate.length;
  const note = [boundOf(peer), done < wanted ? `${done} of ${wanted} rounds: the time was over` : ""].filter(Boolean).join("; ");
  return [
    row({ work: name, unit, ours: ours.rate, peer: peer.rate, higher: true, atLeast, aim, note }),
    row({
      work: `${name}: CPU of the brick`, unit: "s/million", ours: ours.cpu, peer: peer.cpu, higher: false,
      atLeast: 2, aim: 3.3, note: `in the kernel: ${percent(ours.kernel)} and ${percent(peer.kernel)}`,
    }),
  ];
}

async function manyClients(stands) {
  const [ours, peer] = [[], []];
  for (const stand of stands) {
    const into = stand.kind === "ours" ? ours : peer;
    // The first time is for what is compiled, and for threads that are started.
    for (const counts of [false, true]) {
      const { seconds, memory } = await connectClients(stand, MANY_CLIENTS);
      if (counts) into.push({ seconds, memory });
    }
  }
  return [
    row({
      work: `${MANY_CLIENTS} clients come in`, unit: "s", ours: ours.map(({ seconds }) => seconds),
      peer: peer.map(({ seconds }) => seconds), higher: false, atLeast: 1, aim: 1.5,
    }),
    memoryRow(`memory with ${MANY_CLIENTS} clients`, [ours[0].memory, peer[0].memory]),
  ];
}

async function millionFiles(stands) {
  const made = [];
  for (const stand of stands) made.push(await makeFiles(stand, MILLION, LARGE_SECONDS));
  const counts = made.map((count) => Math.round(count / 1000) * 1000);
  return memoryRow(`memory after ${[...new Set(counts)].join(" and ")} files`, stands.map((stand) => stand.memory()));
}

/** Ours first. Pages of programs count, though all bricks of a node share them: the note tells what is a brick's own. */
function memoryRow(work, [ours, peer]) {
  return row({
    work, unit: "MiB", ours: [ours.resident], peer: [peer.resident], higher: false, atLeast: 1, aim: 2,
    note: `own: ${Math.round(ours.own)} and ${Math.round(peer.own)} MiB`,
  });
}
