/**
 * Three nodes on this machine, as `mortar dev` makes them, each with a disk in a file; a stock mount of a volume over
 * them. Everything goes through the programs and the socket that operators use.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MortarClient } from "../packages/api/dist/index.js";
import { LiveNode } from "../tests/dist/live-node.js";

const NODES = 3;
const ANSWER_MS_MAX = 120_000;

export class ClusterStand {
  #node = new LiveNode();
  #root = join(this.#node.directory, "dev");
  #network = `127.${200 + (process.pid % 50)}.${(process.pid >> 6) & 255}`;
  #group = `b${(process.pid % 36 ** 4).toString(36)}n`;
  hosts = Array.from({ length: NODES }, (_, index) => `${this.#network}.${index + 1}`);
  /** Of node 1. */
  client = new MortarClient({ socketPath: join(this.#root, "n1/run/mortar/mortard.sock"), timeoutMs: ANSWER_MS_MAX });
  mountPoint = join(this.#node.directory, "mnt");

  /** `number` counts from 1. */
  run(line, number = 1) {
    return this.#node.ok(`export MORTAR_ROOT=${this.#root}/n${number}; ${line}`, { seconds: 300 });
  }

  async start() {
    const where = `--root ${this.#root} --network ${this.#network} --group ${this.#group}`;
    await this.run(`mortar dev --nodes ${NODES} ${where}`);
  }

  /** One brick a node, on the nodes' own thin volumes; mounted. */
  async replica(name) {
    const bricks = this.hosts.map((host, index) => `${host}:${this.#root}/b${index + 1}/exp`);
    await this.run(`gluster --mode=script volume create ${name} replica ${NODES} ${bricks.join(" ")}`);
    await this.run(`gluster volume start ${name} && mkdir -p ${this.mountPoint}`);
    const log = join(this.#node.directory, "mount.log");
    await this.run(`mount -t glusterfs -o log-file=${log} ${this.hosts[0]}:/${name} ${this.mountPoint}`);
  }

  /** `count` bricks over all nodes, from that node on, each on a thin volume made for it; started, not mounted. */
  async spread(name, count, first = 0) {
    const bricks = [];
    for (let index = first; index < first + count; index++) {
      const node = index % NODES;
      const brick = `${this.hosts[node]}:${this.#root}/made-${name}-${index}/exp`;
      await this.run(`mortar brick create ${brick} --size 512M --vg ${this.#group}${node + 1}`);
      bricks.push(brick);
    }
    await this.run(`gluster --mode=script volume create ${name} ${bricks.join(" ")} && gluster volume start ${name}`);
  }

  /** So many volumes of three copies, on directories of the nodes' thin volumes; started, not mounted. */
  async copies(count) {
    for (let index = 0; index < count; index++) {
      const bricks = this.hosts.map((host, node) => `${host}:${this.#root}/b${node + 1}/copy${index}`);
      await this.run(`gluster --mode=script volume create copy${index} replica ${NODES} ${bricks.join(" ")} force`);
      await this.run(`gluster volume start copy${index}`);
    }
  }

  /** A volume of three copies that is not started. */
  async idle(name) {
    const bricks = this.hosts.map((host, node) => `${host}:${this.#root}/b${node + 1}/${name}`);
    await this.ask((client) => client.volumeCreate({ name, bricks, replica: NODES, force: true }));
  }

  /** Milliseconds that a line takes in a shell, its output thrown away, run so many times. */
  async times(line, runs) {
    const said = await this.run(`TIMEFORMAT=%3R; for run in {1..${runs}}; do time ${line} &> /dev/null; done 2>&1`);
    return said.trim().split("\n").map((seconds) => 1000 * Number(seconds));
  }

  /** Process ids. */
  mortards() {
    return this.hosts.map((_, index) =>
      Number(readFileSync(join(this.#root, `n${index + 1}/run/mortar/mortard.pid`), "latin1")));
  }

  stateDirectory(number) {
    return join(this.#root, `n${number}/var/lib/mortar`);
  }

  /** Answers the result. Throws an error that says what was refused. */
  async ask(call) {
    const answer = await call(this.client);
    if (!answer.ok) throw new Error(answer.problem.detail);
    return answer.result;
  }

  async close() {
    await this.#node.run(`umount -l ${this.mountPoint}`).catch(() => undefined);
    await this.#node.run(`mortar dev --stop --root ${this.#root}`, { seconds: 120 }).catch(() => undefined);
    await this.#node.close();
  }
}
