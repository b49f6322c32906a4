import type { Random } from "./random.ts";

export type Counts = Readonly<Record<string, number>>;

/**
 * One kind of simulated history. A package puts it into `NAME.sim.ts`, anywhere below `src`, exported as `scenario`;
 * the runner finds it. Everything that varies comes from `random`, so a seed is a history.
 */
export interface Scenario {
  readonly name: string;
  /** There are so many histories and no more: seeds are 0 to one less, and all are run. */
  readonly seedCount?: number;
  /**
   * Live through one history. Throws when a promise was broken. Answers what to add up and show.
   */
  run(random: Random): Counts;
}

/** One whose parts wait for each other: it chooses by `random` in which order they go on. */
export interface ConcurrentScenario extends Omit<Scenario, "run"> {
  run(random: Random): Promise<Counts>;
}
