/**
 * What operators ask of three nodes with 100 volumes and 1,000 snapshots, and how answers and mortard's memory grow on the
 * way there.
 *
 * Everything is real, and as small as it can be: of the volumes, five of three copies and five of one brick run, whose
 * bricks and self-heal daemons are asked for the status; the others have three bricks and are not started, since 300 brick
 * processes have no room beside three nodes on two cores. The snapshots are of the volumes of one brick, each a thin
 * volume of its own, taken one by one and not activated. `peer` is what is allowed.
 */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterStand } from "./cluster-stand.mjs";
import { median, row, rounded } from "./rows.mjs";

const ALLOWED_MS = 200;
const ALLOWED_MIB = 200;
const STEPS = [{ volumes: 10, snapshots: 100 }, { volumes: 50, snapshots: 500 }, { volumes: 100, snapshots: 1000 }];
const STEPS_QUICK = [{ volumes: 10, snapshots: 10 }, { volumes: 20, snapshots: 20 }];
/** Of each kind. */
const RUNNING = 5;
/** What mortard does after a change is over by then. */
const REST_MS = 15_000;

const commands = ["gluster volume info", "gluster snapshot list", "gluster volume status"];
const questions = {
  "volume info, over the socket": (client) => client.volumeInfoAll(),
  "snapshot list, over the socket": (client) => client.snapshotList({}),
  "volume status, over the socket": (client) => client.volumeStatusAll({}),
  "snapshot info, over the socket": (client) => client.snapshotInfo({}),
};

export async function rows({ rounds, quick }) {
  const size = new ClusterSize();
  try {
    await size.start();
    const steps = quick ? STEPS_QUICK : STEPS;
    const found = [];
    for (const step of steps) {
      await size.grow(step);
      await delay(REST_MS);
      found.push(await size.figures(2 * rounds + 5));
    }
    return rowsOf(steps, found);
  } finally {
    await size.close();
  }
}

/** `found`: the figures of each step. */
export function rowsOf(steps, found) {
  const named = ({ volumes, snapshots }) => `${volumes} volumes, ${snapshots} snapshots`;
  const last = found.at(-1);
  const where = named(steps.at(-1));
  const before = (of) => found.slice(0, -1).map((it, index) => `${rounded(of(it))} with ${named(steps[index])}`).join("; ");
  const answers = Object.keys(last.times).map((work) => row({
    work: `${work}, ${where} (peer: allowed)`, unit: "ms", ours: [median(last.times[work])], peer: [ALLOWED_MS],
    higher: false, atLeast: 1, aim: 2,
    note: `longest ${rounded(Math.max(...last.times[work]))}; ${before((it) => median(it.times[work]))}`,
  }));
  const largest = (it) => Math.max(...it.memoryMiB);
  return [...answers, row({
    work: `memory of mortard, the largest of three nodes, ${where} (peer: allowed)`, unit: "MiB", ours: [largest(last)],
    peer: [ALLOWED_MIB], higher: false, atLeast: 1, aim: 1.3,
    note: `each ${last.memoryMiB.map(rounded).join(", ")}; ${before(largest)}`,
  })];
}

/** Three nodes, and what there is on them by now. */
export class ClusterSize {
  #stand = new ClusterStand();
  #volumes = 0;
  #snapshots = 0;

  async start() {
    const stand = this.#stand;
    await stand.start();
    await stand.replica("v");
    await stand.copies(RUNNING - 1);
    for (let index = 0; index < RUNNING; index++) await stand.spread(`one${index}`, 1, index);
    this.#volumes = 2 * RUNNING;
  }

  async grow({ volumes, snapshots }) {
    while (this.#volumes < volumes) await this.#stand.idle(`idle${this.#volumes++}`);
    while (this.#snapshots < snapshots) {
      const name = `taken${this.#snapshots}`;
      const volume = `one${this.#snapshots++ % RUNNING}`;
      await this.#stand.ask((client) => client.snapshotCreate({ name, volume, timestamp: false }));
    }
  }

  async figures(runs) {
    const times = {};
    for (const command of commands) times[`\`${command}\``] = await this.#stand.times(command, runs);
    for (const [work, question] of Object.entries(questions)) {
      times[work] = [];
      for (let count = 0; count < runs; count++) {
        const begun = performance.now();
        await this.#stand.ask(question);
        times[work].push(performance.now() - begun);
      }
    }
    return { times, memoryMiB: this.#stand.mortards().map(residentMiB) };
  }

  async close() {
    await this.#stand.close();
  }
}

function residentMiB(pid) {
  const kib = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
  return kib / 1024;
}
