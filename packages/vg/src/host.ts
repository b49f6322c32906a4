/** What every operation on the volume groups of this machine is given. */
import type { BootRecorder } from "./boot-groups.ts";
import type { CommitRecorder } from "./commit-recorder.ts";
import type { PoolPolicy } from "./pool-policy.ts";
import type { EngineChoice } from "./engine-choice.ts";
import type { LockOptions } from "./vg-lock.ts";

/** The moments of a change at which a process may die; tests stop there. */
export type Step =
  | "metadata-zeroed"
  | "message-queued"
  /** The kernel has the origin of a snapshot suspended. */
  | "origin-held"
  | "message-performed"
  | "text-committed"
  | "served"
  | "loop-attached";

export interface VgHost {
  /** Default `auto`. */
  readonly engine?: EngineChoice | undefined;
  readonly runDirectory: string;
  readonly locks: LockOptions;
  readonly deviceFilter: ((devicePath: string) => boolean) | undefined;
  /** Plain files that may hold a physical volume, besides the block devices. */
  readonly files?: readonly string[];
  /** Neither mounts nor loop devices: active LVs are NBD exports of their pool and nothing else. */
  readonly nbdOnly?: boolean;
  readonly warn: (sentence: string) => void;
  /** Keeps copies of the text before and after each commit; none where absent. */
  readonly recorder?: CommitRecorder | undefined;
  /** Keeps what the next start of the machine activates; nothing where absent. */
  readonly boot?: BootRecorder | undefined;
  readonly policy: PoolPolicy;
  /** Called as each step is done; whatever it throws ends the operation there, as a crash would. */
  readonly step: (step: Step) => void;
}
