/** Long runs on real parts: `npm run soak -- --help`. */
import { parseArgs } from "node:util";
import { runBlockSoak } from "./block.mjs";
import { whatIsMissing } from "./block-rig.mjs";
import { runBrickSoak } from "./brick.mjs";
import { runBrickLoads } from "./brick-loads.mjs";
import { runHealSoak } from "./heal.mjs";
import { runGfapi } from "./gfapi.mjs";
import { runMemory } from "./memory.mjs";
import { runPool } from "./pool.mjs";
import { runOrdering } from "./ordering.mjs";
import { runPosix } from "./posix.mjs";
import { runRepair } from "./repair.mjs";
import { runRequests } from "./requests.mjs";
import { runVerify } from "./verify.mjs";

const rings = {
  block: runBlockSoak, verify: runVerify, memory: runMemory, brick: runBrickSoak, heal: runHealSoak,
  posix: runPosix, fsx: runBrickLoads, gfapi: runGfapi, repair: runRepair, ordering: runOrdering,
  pool: runPool, requests: runRequests,
};
const USAGE = `usage: npm run soak -- [--only RING] [--seed N] [--minutes N | --seconds N] [--operations N]
                       [--kind distribute|replica|arbiter|disperse] [--engine ours|glusterfsd]
                       [--trouble kill|cut|wipe|stop] [--processes N]

Rings, all unless one is named: ${Object.keys(rings).join(" ")}. tests/soak/README.md says what each does.
For instance: npm run soak -- --only fsx --kind replica --minutes 60`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", short: "h", default: false },
    seed: { type: "string", default: "1" },
    operations: { type: "string", default: "10000" },
    minutes: { type: "string", default: "5" },
    seconds: { type: "string" },
    only: { type: "string" },
    kind: { type: "string" },
    engine: { type: "string", default: "ours" },
    trouble: { type: "string" },
    processes: { type: "string" },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
if (values.only !== undefined && !Object.hasOwn(rings, values.only)) {
  console.error(`There is no ring "${values.only}".\n${USAGE}`);
  process.exit(2);
}
const missing = whatIsMissing();
if (missing !== undefined) {
  console.error(`The soak cannot run here: ${missing}`);
  process.exit(2);
}
const log = (/** @type {string} */ line) => {
  console.log(line);
};
const options = {
  seed: Number(values.seed), operations: Number(values.operations), 
  minutes: values.seconds === undefined ? Number(values.minutes) : Number(values.seconds) / 60,
  ...(values.kind === undefined ? {} : { kind: values.kind }), engine: values.engine, log,
  ...(values.trouble === undefined ? {} : { trouble: values.trouble }),
  ...(values.processes === undefined ? {} : { processes: Number(values.processes) }),
};
let failed = 0;
let passed = 0;
for (const [name, ring] of Object.entries(rings)) {
  if (values.only !== undefined && values.only !== name) continue;
  try {
    const report = await ring(options);
    failed += report.failed;
    passed += report.passed;
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}: ${error instanceof Error ? error.stack : String(error)}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
