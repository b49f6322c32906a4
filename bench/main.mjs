/**
 * All benchmarks of the project, each against its peer in the same run:
 *
 *     npm run bench [-- GROUP ...] [--json] [--rounds N] [--seconds S] [--quick] [--large]
 *
 * A group is a list of files that export `rows({ rounds, seconds, quick, large })`; `quick` is one round of one second,
 * on less; `large` adds what takes very long. A ratio
 * says how many times ours is better than the peer; "at least" and "aim" are what it should be. Machines are noisy:
 * figures of different runs do not compare, ratios within a run do.
 */
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { table } from "./rows.mjs";

const GROUPS = {
  pool: ["transfers", "first-writes", "pool-open", "pool-check"],
  snapshot: ["snapshots"],
  nbd: ["nbd"],
  stalls: ["stalls"],
  brick: ["brick"],
  volume: ["volume-snapshots"],
  cluster: ["cluster-size"],
  page: ["page"],
};

/** The Debian package that has each program we compare with. */
const PROGRAMS = {
  fio: "fio",
  "qemu-storage-daemon": "qemu-system-common",
  "qemu-img": "qemu-utils",
  "qemu-nbd": "qemu-utils",
  thin_check: "thin-provisioning-tools",
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string" },
    seconds: { type: "string" },
    quick: { type: "boolean", default: false },
    large: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const say = (line) => console.error(line);

if (values.help || positionals.some((name) => !(name in GROUPS))) {
  say(`usage: npm run bench [-- ${Object.keys(GROUPS).join("|")} ...] [--json] [--rounds N] [--seconds S] [--quick] [--large]`);
  process.exit(values.help ? 0 : 2);
}

const installed = installMissing();
const { quick, large } = values;
const options = { rounds: positive("rounds", quick ? 1 : 3), seconds: positive("seconds", quick ? 1 : 3), quick, large };
const machine = {
  cpu: cpus()[0]?.model ?? "unknown",
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
  installed,
  ...options,
};
say(`${machine.cores} cores of ${machine.cpu}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, ` +
  `Node.js ${machine.node}; ${options.rounds} rounds of ${options.seconds} s` +
  (installed.length > 0 ? `; installed ${installed.join(", ")}` : ""));
const found = [];
let failed = false;
for (const group of positionals.length > 0 ? positionals : Object.keys(GROUPS)) {
  for (const name of GROUPS[group]) {
    say(`${group}: ${name} ...`);
    try {
      const { rows } = await import(`./${name}.mjs`);
      const part = await rows(options);
      found.push(...part);
      if (!values.json) console.log(`${table(part)}\n`);
    } catch (error) {
      failed = true;
      say(`${group}: ${name} failed: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
}
if (values.json) console.log(JSON.stringify({ machine, rows: found }, undefined, 2));
const missed = found.filter(({ ratio, atLeast }) => atLeast !== undefined && ratio < atLeast);
const tell = values.json ? say : console.log;
for (const { work, ratio, atLeast } of missed) tell(`missed: ${work}: ${ratio} of at least ${atLeast}`);
for (const { work, failure } of found) {
  if (failure === undefined) continue;
  failed = true;
  tell(`not measured: ${work}: ${failure}`);
}
process.exitCode = failed ? 1 : 0;

function positive(name, byDefault) {
  const value = Number(values[name] ?? byDefault);
  if (!Number.isInteger(value) || value <= 0) {
    say(`--${name} takes a whole number above 0, not "${values[name]}"`);
    process.exit(2);
  }
  return value;
}

function installMissing() {
  const packages = new Set();
  for (const [program, name] of Object.entries(PROGRAMS)) {
    try {
      execFileSync("which", [program], { stdio: "ignore" });
    } catch {
      packages.add(name);
    }
  }
  if (packages.size === 0) return [];
  say(`installing with apt: ${[...packages].join(" ")}`);
  execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  return [...packages];
}
