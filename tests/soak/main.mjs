/**
 * Long runs on real parts.
 *
 *     npm run soak [-- --seed N] [--operations N] [--minutes N] [--only block|verify|memory|brick]
 */
import { parseArgs } from "node:util";
import { runBlockSoak } from "./block.mjs";
import { whatIsMissing } from "./block-rig.mjs";
import { runBrickSoak } from "./brick.mjs";
import { runMemory } from "./memory.mjs";
import { runVerify } from "./verify.mjs";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    operations: { type: "string", default: "10000" },
    minutes: { type: "string", default: "5" },
    only: { type: "string" },
  },
});
const missing = whatIsMissing();
if (missing !== undefined) {
  console.error(`The soak cannot run here: ${missing}`);
  process.exit(2);
}
const log = (/** @type {string} */ line) => {
  console.log(line);
};
const options = { seed: Number(values.seed), operations: Number(values.operations), minutes: Number(values.minutes), log };
const rings = { block: runBlockSoak, verify: runVerify, memory: runMemory, brick: runBrickSoak };
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
