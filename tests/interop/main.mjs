/** Mortar's formats against their other implementation, real dm-thin and real LVM in a guest: `--help`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeGuest, Guest, kernelVersion, missingPackages } from "./guest.mjs";
import { Report } from "./report.mjs";
import { boot } from "./scenario-boot.mjs";
import { fromLvm } from "./scenario-from-lvm.mjs";
import { nbd } from "./scenario-nbd.mjs";
import { kernelEngine } from "./scenario-kernel.mjs";
import { merge } from "./scenario-merge.mjs";
import { stockSnapshots } from "./scenario-stock-snapshots.mjs";
import { pingPong } from "./scenario-ping-pong.mjs";
import { trouble } from "./scenario-trouble.mjs";

/** Figures, which are of no use while anything else runs. */
const COMPARISONS = new Set(["stock-snapshots"]);
const USAGE = `usage: npm run interop -- [--only SCENARIO] [--seed N] [--rounds N] [--keep]

Scenarios, all unless one is named: trouble nbd from-lvm ping-pong ping-pong-2 kernel merge boot.
A comparison, when it is named: stock-snapshots.
tests/interop/README.md says what each does. --keep leaves the disks and the guest's logs.
For instance: npm run interop -- --only ping-pong --seed 7 --rounds 5`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", short: "h", default: false },
    seed: { type: "string", default: "1" },
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const missing = missingPackages();
if (missing.length > 0) {
  console.error("The guest is made of this machine's packages, and some are missing:");
  console.error(`  apt install ${missing.join(" ")}`);
  process.exit(2);
}
const report = new Report((line) => {
  console.log(line);
});
const directory = mkdtempSync(join(tmpdir(), "mortar-interop-"));
process.on("exit", () => {
  if (!values.keep) rmSync(directory, { recursive: true, force: true });
});
process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));
console.log(describeGuest());
const guest = new Guest(directory);
const seed = Number(values.seed);
const rounds = Number(values.rounds);
const scenarios = {
  trouble: () => trouble({ report, guest, directory, seed }),
  nbd: () => nbd({ report, guest, directory }),
  "from-lvm": () => fromLvm({ report, guest, directory, seed }),
  "ping-pong": () => pingPong({ report, guest, directory, seed, rounds }),
  "ping-pong-2": () =>
    pingPong({ report, guest, directory, seed: seed + 1, rounds: Math.ceil(rounds / 2) }),
  kernel: () => {
    // Node.js is large: only this guest has it.
    const withMortar = new Guest(join(directory, "with-mortar"), { mortar: true });
    return kernelEngine({ report, guest: withMortar, directory, seed });
  },
  merge: () => merge({ report, guest, directory, seed }),
  boot: () => boot({ report, directory, kernelVersion: kernelVersion() ?? "" }),
  "stock-snapshots": () => stockSnapshots({ report, directory, kernelVersion: kernelVersion() ?? "" }),
};
for (const [name, scenario] of Object.entries(scenarios)) {
  const isMeant = values.only === undefined ? !COMPARISONS.has(name) : values.only === name;
  if (isMeant) await scenario();
}
console.log(report.summary());
process.exitCode = report.failed > 0 ? 1 : 0;
