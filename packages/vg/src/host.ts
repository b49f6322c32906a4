/** What every operation on the volume groups of this machine is given. */
import type { LockOptions } from "./vg-lock.ts";

/** The moments of a change at which a process may die; tests stop there. */
export type Step =
  | "metadata-zeroed"
  | "message-queued"
  | "message-performed"
  | "text-committed"
  | "served"
  | "loop-attached";

export interface VgHost {
  readonly runDirectory: string;
  readonly locks: LockOptions;
  readonly deviceFilter: ((devicePath: string) => boolean) | undefined;
  readonly warn: (sentence: string) => void;
  /** Called as each step is done; whatever it throws ends the operation there, as a crash would. */
  readonly step: (step: Step) => void;
}
