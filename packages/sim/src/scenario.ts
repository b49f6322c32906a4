import type { Random } from "./random.ts";

/**
 * One kind of simulated history. A package puts it into `src/NAME.sim.ts`, exported as `scenario`;
 * the runner finds it. Everything that varies comes from `random`, so a seed is a history.
 */
export interface Scenario {
  readonly name: string;
  /** There are so many histories and no more: seeds are 0 to one less, and all are run. */
  readonly seedCount?: number;
  /**
   * Live through one history. Throws when a promise was broken. Answers what to add up and show.
   */
  run(random: Random): Readonly<Record<string, number>>;
}
