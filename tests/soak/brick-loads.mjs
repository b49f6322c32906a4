/**
 * Loads that know what must be there, on volumes of three of our bricks: single files against a model in memory
 * (`fsx.py`), and many processes on one tree of files (`stress.py`). After each tree is removed, no handle may be left.
 */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brickStands } from "../../bench/brick-stands.mjs";
import { missingForLive } from "../../packages/brick/dist/live.fixture.js";
import { Report } from "../interop/report.mjs";

const run = promisify(execFile);
const testdata = (/** @type {string} */ name) =>
  fileURLToPath(new URL(`../../packages/brick/testdata/${name}`, import.meta.url));
const KINDS = ["distribute", "replica", "disperse"];
const BRICKS = 3;
const ROUND_SECONDS = 60;
const STRESSERS = 6;

/**
 * @param {{ seed: number, minutes: number, kind?: string, engine?: string, log: (line: string) => void }} options
 * @returns {Promise<Report>}
 */
export async function runBrickLoads({ seed, minutes, kind, engine = "ours", log }) {
  const missing = missingForLive();
  if (missing !== undefined) throw new Error(missing);
  const kinds = kind === undefined ? KINDS : [kind];
  if (!kinds.every((each) => KINDS.includes(each))) throw new Error(`--kind is one of ${KINDS.join(", ")}`);
  const report = new Report(log);
  for (const shape of kinds) {
    report.scenario(`${shape}, ${BRICKS} bricks of ${engine}`);
    const { stands, close } = await brickStands({ shape, count: BRICKS, kinds: [engine] });
    try {
      const [stand] = stands;
      await stand.mount();
      await stand.mount([], `${stand.mountPoint}-2`);
      const rounds = Math.max(Math.round((minutes * 60) / kinds.length / ROUND_SECONDS), 1);
      const seconds = Math.min(ROUND_SECONDS, (minutes * 60) / kinds.length);
      for (let round = 0; round < rounds; round++) await oneRound(report, stand, seed + 10 * round, seconds);
    } finally {
      await close();
    }
  }
  return report;
}

/** Three models of files beside a tree that two clients change. */
async function oneRound(report, stand, seed, seconds) {
  const before = await handles(stand);
  const homes = [`seed-${seed}-a`, `seed-${seed}-b`].map((name) => join(stand.mountPoint, name));
  await run("mkdir", [join(stand.mountPoint, `fsx-${seed}`), ...homes]);
  const other = join(`${stand.mountPoint}-2`, `seed-${seed}-b`);
  await run("ls", [`${stand.mountPoint}-2`]);
  const outcomes = await Promise.all([
    ...[seed, seed + 1, seed + 2].map((each) =>
      python("fsx.py", [join(stand.mountPoint, `fsx-${seed}`), seconds, each], seconds)),
    python("stress.py", [homes[0], seconds, seed, STRESSERS / 2], seconds),
    python("stress.py", [other, seconds, seed + 1, STRESSERS / 2], seconds),
  ]);
  for (const { words, ok, text } of outcomes) report.check(`${words}: ${ok ? text : ""}`, ok, text);
  if (!outcomes.every(({ ok }) => ok)) return;
  await run("rmdir", [join(stand.mountPoint, `fsx-${seed}`), ...homes]);
  report.equal(`seed ${seed}: handles that are left`, await handles(stand), before);
}

/** How many handles each brick has. */
function handles(stand) {
  return Promise.all(stand.bricks.map(async ({ path }) => {
    const root = join(path, ".glusterfs");
    const first = (await readdir(root)).filter((name) => /^[0-9a-f]{2}$/.test(name));
    let count = 0;
    for (const name of first) {
      for (const second of await readdir(join(root, name))) count += (await readdir(join(root, name, second))).length;
    }
    return count;
  }));
}

async function python(program, words, seconds) {
  const limited = ["--kill-after=1", String(Math.round(seconds * 3 + 120)), "nice", "python3", testdata(program), ...words.map(String)];
  const title = `${program} ${words.slice(2).join(" ")}`;
  try {
    const { stdout } = await run("timeout", limited);
    return { words: title, ok: true, text: stdout.trim().split("\n").at(-1) };
  } catch (error) {
    const { stdout = "", stderr = "" } = error;
    return { words: title, ok: false, text: `${stdout}${stderr}`.trim() };
  }
}
