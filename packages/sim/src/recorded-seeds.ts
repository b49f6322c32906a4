/**
 * The list of seeds that once broke a promise: a line each, `SCENARIO SEED  # what it was`. Lines
 * that are empty or begin with # say nothing.
 */
export interface RecordedSeed {
  readonly scenario: string;
  readonly seed: number;
}

/** Throws on a line that is neither, naming it. */
export function parseSeeds(text: string): RecordedSeed[] {
  const seeds: RecordedSeed[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const said = line.replace(/#.*/, "").trim();
    if (said === "") continue;
    const [, scenario, seed] = /^(\S+)\s+(\d+)$/.exec(said) ?? [];
    if (scenario === undefined || seed === undefined) {
      throw new Error(`line ${index + 1} of the recorded seeds is not "SCENARIO SEED": ${line}`);
    }
    seeds.push({ scenario, seed: Number(seed) });
  }
  return seeds;
}
