/**
 * Our brick under the stock client: four processes with a model each of what must be there, then files that are
 * written and read while the brick is killed again and again.
 */
import { execFile } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { LiveBrick, missingForLive } from "../../packages/brick/dist/live.fixture.js";
import { Report } from "../interop/report.mjs";

const run = promisify(execFile);
const testdata = (/** @type {string} */ name) =>
  fileURLToPath(new URL(`../../packages/brick/testdata/${name}`, import.meta.url));
const PROCESSES = 4;

/**
 * @param {{ seed: number, minutes: number, log: (line: string) => void }} options
 * @returns {Promise<Report>}
 */
export async function runBrickSoak({ seed, minutes, log }) {
  const missing = missingForLive();
  if (missing !== undefined) throw new Error(missing);
  const report = new Report(log);
  const half = Math.max(Math.round((minutes * 60) / 2), 10);
  const brick = new LiveBrick("soak", 33_000 + (process.pid % 1000));
  try {
    await brick.prepare();
    await brick.startOurs();
    await brick.mount();
    report.scenario("a model of all files");
    const models = Array.from({ length: PROCESSES }, (_, index) =>
      python("model-load.py", [brick.mountPoint, half, seed + index], half));
    for (const outcome of await Promise.all(models)) report.check("the model holds", outcome.ok, outcome.text);
    report.scenario("files through kills");
    const load = python("verified-load.py", [brick.mountPoint, half, 8], half);
    for (let waited = 0; waited + 5 < half; waited += 5) {
      await pause(5000);
      await brick.kill();
      await brick.startOurs();
    }
    const outcome = await load;
    report.check("what was acknowledged is there", outcome.ok, outcome.text);
  } finally {
    await brick.remove();
  }
  return report;
}

/** @param {string} program @param {readonly (string | number)[]} words @param {number} seconds */
async function python(program, words, seconds) {
  const limited = ["--kill-after=1", String(seconds * 2 + 120), "python3", testdata(program), ...words.map(String)];
  try {
    const { stdout } = await run("timeout", limited);
    return { ok: true, text: stdout.trim() };
  } catch (error) {
    const { stdout = "", stderr = "" } = /** @type {{ stdout?: string, stderr?: string }} */ (error);
    return { ok: false, text: `${stdout}${stderr}`.trim() };
  }
}
