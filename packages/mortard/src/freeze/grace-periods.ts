/**
 * Grace periods of the kernel's RCU, hurried while a file system freezes.
 *
 * To freeze one the kernel takes three locks one after the other, each of which waits for all
 * processors to have passed a quiet state. That takes 10 to 30 ms each, the writers being held
 * from the first one on; expedited, by interrupts to the processors, all three take below one.
 * Of a snapshot's pause it would be most.
 *
 *     /sys/kernel/rcu_expedited    0 as ever; 1: grace periods are expedited
 *     RUN/frozen/rcu-expedited     is there while the 1 is ours: the next start of mortard takes
 *                                  it back if this one dies
 *
 * Whoever finds a 1 leaves it as it is: an operator's, or another node's of this machine, which
 * takes it back itself. A kernel that cannot be told, as in a container, freezes as slowly as it
 * does.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SWITCH = "/sys/kernel/rcu_expedited";
export const EXPEDITED_MARKER = "rcu-expedited";

export class GracePeriods {
  readonly #marker: string;
  readonly #switch: string;
  #users = 0;

  /** `file` stands for the kernel's switch, for tests. */
  constructor(directory: string, file: string = SWITCH) {
    this.#marker = join(directory, EXPEDITED_MARKER);
    this.#switch = file;
  }

  async hurriedDuring<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#users++ === 0) this.#hurry();
    try {
      return await work();
    } finally {
      if (--this.#users === 0) this.takeBack();
    }
  }

  /** Also what a mortard before this one left. *Idempotent*. */
  takeBack(): void {
    if (!existsSync(this.#marker)) return;
    try {
      writeFileSync(this.#switch, "0\n");
      rmSync(this.#marker);
    } catch {
      // The marker stays, for the next time or the next start.
    }
  }

  #hurry(): void {
    try {
      if (readFileSync(this.#switch, "latin1").trim() !== "0") return;
      writeFileSync(this.#marker, "", { mode: 0o600 });
      writeFileSync(this.#switch, "1\n");
    } catch {
      rmSync(this.#marker, { force: true });
    }
  }
}
