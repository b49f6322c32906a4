/**
 * The seeded runner: `npm run sim -- [--scenario NAME] [--seed N] [--seconds S] [--count C]`.
 *
 * Runs histories one seed after the other, from `--seed` (default: from the clock) until the time
 * or the count is up; a seed alone runs once. Ends with code 1 at the first broken promise, after
 * it printed the command that shows it again.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Random } from "./random.ts";
import type { Scenario } from "./scenario.ts";

const packages = fileURLToPath(new URL("../..", import.meta.url));
const SECONDS_DEFAULT = 10;

async function loadScenarios(): Promise<Map<string, Scenario>> {
  const scenarios = new Map<string, Scenario>();
  for (const name of readdirSync(packages).toSorted()) {
    for (const file of listBuilt(join(packages, name, "dist"))) {
      const loaded = (await import(pathToFileURL(file).href)) as { scenario?: Scenario };
      if (loaded.scenario) scenarios.set(loaded.scenario.name, loaded.scenario);
    }
  }
  return scenarios;
}

function listBuilt(directory: string): string[] {
  try {
    return readdirSync(directory).filter((file) => file.endsWith(".sim.js"))
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

/** Whether all histories kept their promises. */
function runScenario(scenario: Scenario, { first, count, endMs }: Limits): boolean {
  const totals = new Map<string, number>();
  let done = 0;
  for (; done < count && (done === 0 || Date.now() < endMs); done++) {
    const seed = first + done;
    try {
      for (const [key, value] of Object.entries(scenario.run(new Random(seed)))) {
        totals.set(key, (totals.get(key) ?? 0) + value);
      }
    } catch (error) {
      console.error(error instanceof Error ? error.stack : error);
      console.error(`\n${scenario.name}: seed ${seed} broke a promise; again with\n` +
        `  npm run sim -- --scenario ${scenario.name} --seed ${seed}`);
      return false;
    }
  }
  const seen = [...totals].map(([key, value]) => `${value} ${key}`).join(", ");
  console.log(`${scenario.name}: seeds ${first} to ${first + done - 1}, all well: ${seen}`);
  return true;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      scenario: { type: "string" }, seed: { type: "string" }, seconds: { type: "string" },
      count: { type: "string" },
    },
  });
  const scenarios = await loadScenarios();
  const wanted = values.scenario === undefined ? [...scenarios.keys()] : [values.scenario];
  const seed = numberOption("seed", values.seed);
  const seconds = numberOption("seconds", values.seconds);
  const count = numberOption("count", values.count);
  const once = seed !== undefined && seconds === undefined && count === undefined;
  for (const name of wanted) {
    const scenario = scenarios.get(name);
    if (!scenario) {
      console.error(
        `there is no scenario "${name}"; there are: ${[...scenarios.keys()].join(", ")}`,
      );
      return 2;
    }
    const ok = runScenario(scenario, {
      first: seed ?? Date.now() % 1_000_000_000,
      count: once ? 1 : (count ?? Number.POSITIVE_INFINITY),
      endMs: count === undefined
        ? Date.now() + (seconds ?? SECONDS_DEFAULT) * 1000
        : Number.POSITIVE_INFINITY,
    });
    if (!ok) return 1;
  }
  return 0;
}

process.exitCode = await main();
