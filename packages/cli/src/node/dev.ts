/**
 * `mortar dev`: a cluster of several nodes on this machine, for trying and testing.
 *
 *     DIR/dev.json         what was made: nodes, network, group
 *     DIR/nN/              root of node N, which has the address NETWORK.N
 *     DIR/diskN.img        its disk, a loop device with the volume group GROUPN: a thin pool, and
 *                          the thin volume `brick`
 *     DIR/bN               where that is mounted, XFS; DIR/bN/exp is for a brick
 *
 * Everything is made by Mortar's own commands, as a person would type them. Begun again it makes
 * what is missing; stopped, its disks stay.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import type { CliIo } from "../io.ts";
import { VerbError } from "./verb.ts";

interface Cluster {
  readonly nodes: number;
  /** Three numbers of an address. */
  readonly network: string;
  /** What names of volume groups begin with. */
  readonly group: string;
}

const NODES_MAX = 9;
const DISK_BYTES = 1024 * 1024 * 1024;
const STEP_MS_MAX = 180_000;
const program = fileURLToPath(new URL("../main.js", import.meta.url));
const run = promisify(execFile);

export async function dev(args: readonly string[], io: CliIo): Promise<number> {
  const { values } = parseOptions(args);
  const directory = resolve(values.root ?? "/var/tmp/mortar-dev");
  if (values.stop === true) {
    await stop(directory, io);
    return 0;
  }
  const cluster = clusterOf(directory, values);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, "dev.json"), `${JSON.stringify(cluster)}\n`);
  for (const number of numbersOf(cluster)) await prepareNode(directory, cluster, number);
  // At once: those of a cluster wait for the majority of them.
  await Promise.all(numbersOf(cluster).map((number) => mortar(directory, number, ["up"])));
  for (const number of numbersOf(cluster)) {
    const root = join(directory, `n${number}`);
    io.stdout.write(`node ${number}: mortard on ${addressOf(cluster, number)}, root ${root}\n`);
  }
  for (const number of numbersOf(cluster).slice(1)) {
    const host = addressOf(cluster, number);
    await mortar(directory, 1, ["peer", "probe", host]);
    io.stdout.write(`node ${number}: ${host} is in the pool\n`);
  }
  const bricks = numbersOf(cluster).map((number) =>
    `${addressOf(cluster, number)}:${directory}/b${number}/exp`);
  io.tell?.({ root: `${directory}/n1`, bricks });
  io.stdout.write(
    `\nTry:   export MORTAR_ROOT=${directory}/n1\n` +
      "       mortar pool list\n" +
      `       mortar volume create v ${bricks.join(" ")}\n` +
      `Stop:  mortar dev --stop --root ${directory}\n`,
  );
  return 0;
}

function parseOptions(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        nodes: { type: "string" }, root: { type: "string" }, network: { type: "string" },
        group: { type: "string" }, stop: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new VerbError((error as Error).message, "mortar help dev");
  }
}

/** What was made before, or what is asked for. */
function clusterOf(
  directory: string,
  asked: { readonly nodes?: string; readonly network?: string; readonly group?: string },
): Cluster {
  const former = readCluster(directory);
  const nodes = asked.nodes === undefined ? (former?.nodes ?? 3) : Number(asked.nodes);
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > NODES_MAX) {
    throw new VerbError(`--nodes takes a number from 1 to ${NODES_MAX}.`, "mortar help dev");
  }
  const { network = former?.network ?? "127.1.1", group = former?.group ?? "mortardev" } = asked;
  if (!/^127(?:\.\d{1,3}){2}$/.test(network)) {
    throw new VerbError(`--network is 127 and two numbers, not ${network}.`, "mortar help dev");
  }
  if (!/^[A-Za-z][A-Za-z0-9_]{0,30}$/.test(group)) {
    throw new VerbError(`${group} cannot begin the name of a volume group.`, "mortar help dev");
  }
  return { nodes, network, group };
}

function readCluster(directory: string): Cluster | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, "dev.json"), "utf8")) as Cluster;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function prepareNode(directory: string, cluster: Cluster, number: number): Promise<void> {
  const root = join(directory, `n${number}`);
  const configuration = join(root, "etc/mortar/mortar.json");
  const address = addressOf(cluster, number);
  if (!existsSync(configuration)) {
    mkdirSync(join(root, "etc/mortar"), { recursive: true, mode: 0o700 });
    writeFileSync(configuration, `${JSON.stringify({ address })}\n`);
  }
  const isNew = await attachDisk(join(directory, `disk${number}.img`));
  if (isNew !== undefined) await makeBrick(directory, cluster, number, isNew);
}

/** The loop device of a disk that is new; undefined of one that was there before. */
async function attachDisk(file: string): Promise<string | undefined> {
  const wasThere = existsSync(file);
  if (!wasThere) {
    writeFileSync(file, "", { mode: 0o600 });
    truncateSync(file, DISK_BYTES);
  }
  if ((await loopsOf(file)).length > 0) return undefined;
  const { stdout } = await step("losetup", ["--find", "--show", file]);
  return wasThere ? undefined : stdout.trim();
}

async function makeBrick(
  directory: string, { group }: Cluster, number: number, loop: string,
): Promise<void> {
  const vg = `${group}${number}`;
  const device = `/dev/${vg}/brick`;
  const point = join(directory, `b${number}`);
  const own = (...words: string[]): Promise<unknown> => mortar(directory, number, words);
  await own("vgcreate", "-q", vg, loop);
  await own("lvcreate", "-q", "--thin", vg, "-L", "900M", "-n", "pool");
  await own("lvcreate", "-q", "-V", "800M", "-T", `${vg}/pool`, "-n", "brick");
  await step("mkfs.xfs", ["-q", device]);
  mkdirSync(point, { recursive: true });
  await step("mount", [device, point]);
  mkdirSync(join(point, "exp"));
}

async function stop(directory: string, io: CliIo): Promise<void> {
  const cluster = readCluster(directory);
  if (cluster === undefined) {
    throw new VerbError(`There is no cluster in ${directory}.`, "mortar dev --stop --root DIR");
  }
  for (const number of numbersOf(cluster).toReversed()) {
    await mortar(directory, number, ["down"]);
    for (const loop of await loopsOf(join(directory, `disk${number}.img`))) {
      await step("losetup", ["-d", loop]);
    }
    io.stdout.write(`node ${number} stopped\n`);
  }
}

async function loopsOf(file: string): Promise<string[]> {
  const { stdout } = await step("losetup", ["-n", "-O", "NAME", "-j", file]);
  return stdout.split("\n").map((it) => it.trim()).filter((it) => it !== "");
}

async function mortar(directory: string, number: number, words: readonly string[]): Promise<void> {
  const root = join(directory, `n${number}`);
  await step(process.execPath, [program, "--root", root, ...words]);
}

async function step(command: string, words: readonly string[]): Promise<{ stdout: string }> {
  try {
    return await run(command, [...words], { timeout: STEP_MS_MAX, cwd: "/" });
  } catch (error) {
    const { stderr = "", stdout = "" } = error as { stderr?: string; stdout?: string };
    const said = `${stdout}${stderr}`.trim();
    const shown = [command === process.execPath ? "mortar" : command, ...words.slice(
      command === process.execPath ? 1 : 0)].join(" ");
    throw new VerbError(`${shown}\n${said === "" ? (error as Error).message : said}`);
  }
}

function numbersOf({ nodes }: Cluster): number[] {
  return Array.from({ length: nodes }, (_, index) => index + 1);
}

function addressOf({ network }: Cluster, number: number): string {
  return `${network}.${number}`;
}
