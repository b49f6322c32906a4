/**
 * The seeded runner:
 * `npm run sim -- [--scenario NAME] [--seed N] [--seconds S | --total S] [--count C] [--recorded]`.
 *
 * Runs histories one seed after the other, from `--seed` (default: from the clock) until the time
 * or the count is up; a seed alone runs once. `--seconds` is for each scenario, `--total` is shared
 * by them. A scenario with a last history, when named without a limit, runs to it. `--recorded`
 * runs what `seeds.txt` has. Ends with code 1 at the first broken promise, after it printed the
 * command that shows it again.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Random } from "./random.ts";
import { parseSeeds } from "./recorded-seeds.ts";
import type { ConcurrentScenario, Scenario } from "./scenario.ts";

const USAGE = `usage: npm run sim -- [--scenario NAME] [--seed N] [--count C]
                      [--seconds S | --total S] [--recorded]

Runs histories, one seed after the other, and ends with code 1 at the first broken promise, with the
command that shows it again. For instance: npm run sim -- --scenario thin --seed 7

  --scenario NAME  only this one; default: all
  --seed N         the first seed; alone: run it once. Default: from the clock
  --count C        so many seeds
  --seconds S      so long for each scenario, default 10; --total S: for all together
  --recorded       the seeds of packages/sim/seeds.txt instead`;

const packages = fileURLToPath(new URL("../..", import.meta.url));
const seedsFile = fileURLToPath(new URL("../seeds.txt", import.meta.url));
const SECONDS_DEFAULT = 10;
/** A line now and then tells that a long run is alive. */
const PROGRESS_MS = 60_000;

type AnyScenario = Scenario | ConcurrentScenario;

async function loadScenarios(): Promise<Map<string, AnyScenario>> {
  const scenarios = new Map<string, AnyScenario>();
  for (const name of readdirSync(packages).toSorted()) {
    for (const file of listBuilt(join(packages, name, "dist"))) {
      const loaded = (await import(pathToFileURL(file).href)) as { scenario?: AnyScenario };
      if (loaded.scenario) scenarios.set(loaded.scenario.name, loaded.scenario);
    }
  }
  return scenarios;
}

function listBuilt(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".sim.js"))
      .map((file) => join(directory, file));
  } catch {
    return []; // Not built, or a package without scenarios.
  }
}

function numberOption(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Error(`--${name} takes a number, not "${text}"`);
}

interface Limits {
  readonly first: number;
  readonly count: number;
  readonly endMs: number;
}

/** Adds what one history answered. False when it broke a promise, which is printed. */
async function runSeed(
  scenario: AnyScenario, seed: number, totals: Map<string, number>,
): Promise<boolean> {
  try {
    for (const [key, value] of Object.entries(await scenario.run(new Random(seed)))) {
      totals.set(key, (totals.get(key) ?? 0) + value);
    }
    return true;
  } catch (error) {
    printCauses(error);
    console.error(`\n${scenario.name}: seed ${seed} broke a promise; again with\n` +
      `  npm run sim -- --scenario ${scenario.name} --seed ${seed}`);
    return false;
  }
}

function printCauses(error: unknown): void {
  console.error(error instanceof Error ? error.stack : error);
  if (error instanceof Error && error.cause !== undefined) printCauses(error.cause);
}

function describe(totals: ReadonlyMap<string, number>): string {
  return [...totals].map(([key, value]) => `${value} ${key}`).join(", ");
}

/** Whether all histories kept their promises. */
async function runScenario(
  scenario: AnyScenario, { first, count, endMs }: Limits,
): Promise<boolean> {
  const totals = new Map<string, number>();
  const began = Date.now();
  let told = began;
  let done = 0;
  for (; done < count && (done === 0 || Date.now() < endMs); done++) {
    if (!(await runSeed(scenario, first + done, totals))) return false;
    if (Date.now() - told < PROGRESS_MS) continue;
    told = Date.now();
    console.log(`${scenario.name}: at seed ${first + done}: ${describe(totals)}`);
  }
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  const range = `seeds ${first} to ${first + done - 1}`;
  console.log(`${scenario.name}: ${range}, all well in ${seconds} s: ${describe(totals)}`);
  return true;
}

async function runRecorded(
  scenarios: ReadonlyMap<string, AnyScenario>, wanted: string | undefined,
): Promise<number> {
  const seeds = parseSeeds(readFileSync(seedsFile, "utf8"));
  const totals = new Map<string, number>();
  let done = 0;
  for (const { scenario: name, seed } of seeds) {
    if (wanted !== undefined && name !== wanted) continue;
    const scenario = scenarios.get(name);
    if (!scenario) return rejectScenario(name, scenarios);
    if (!(await runSeed(scenario, seed, totals))) return 1;
    done += 1;
  }
  console.log(`${done} recorded seeds, all well: ${describe(totals)}`);
  return 0;
}

function rejectScenario(name: string, scenarios: ReadonlyMap<string, AnyScenario>): number {
  console.error(`there is no scenario "${name}"; there are: ${[...scenarios.keys()].join(", ")}`);
  return 2;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      scenario: { type: "string" }, seed: { type: "string" }, seconds: { type: "string" },
      total: { type: "string" }, count: { type: "string" }, recorded: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const scenarios = await loadScenarios();
  if (values.recorded === true) return await runRecorded(scenarios, values.scenario);
  const wanted = values.scenario === undefined ? [...scenarios.keys()] : [values.scenario];
  const seed = numberOption("seed", values.seed);
  const total = numberOption("total", values.total);
  const seconds = numberOption("seconds", values.seconds) ?? (total && total / wanted.length);
  const count = numberOption("count", values.count);
  const bounded = seconds !== undefined || count !== undefined;
  const once = seed !== undefined && !bounded;
  for (const name of wanted) {
    const scenario = scenarios.get(name);
    if (!scenario) return rejectScenario(name, scenarios);
    const { seedCount } = scenario;
    const toEnd = seedCount !== undefined && values.scenario !== undefined && !bounded;
    const first = seed ?? (toEnd ? 0 : Date.now() % (seedCount ?? 1_000_000_000));
    const left = (seedCount ?? Number.POSITIVE_INFINITY) - first;
    const ok = await runScenario(scenario, {
      first,
      count: once ? 1 : Math.min(count ?? left, left),
      endMs: count === undefined && !toEnd
        ? Date.now() + (seconds ?? SECONDS_DEFAULT) * 1000
        : Number.POSITIVE_INFINITY,
    });
    if (!ok) return 1;
  }
  return 0;
}

process.exitCode = await main();
