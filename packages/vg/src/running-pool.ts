/** A pool that is active, whichever engine carries it. */
import type { PoolClient, PoolStatus } from "@mortar/pool";

/** What both engines tell of a pool; the rest of it a pool server tells. */
export type PoolReport = Pick<PoolStatus, "uuid" | "volumes"> & Partial<PoolStatus>;

/** What both engines do for a pool. Every method throws PoolError. */
export interface PoolControl extends Pick<PoolClient, "message" | "space"> {
  status(): Promise<PoolReport>;
}

export interface RunningPool {
  readonly client: PoolControl;
  /** The run directory; a pool that the kernel carries has none, only the name of it. */
  readonly directory: string;
  /** Active for itself, not only for a thin volume of it. */
  isKept(): boolean;
  /** Make it so, or let it go with its last thin volume. */
  keep(kept: boolean): Promise<void>;
  /** Take the pool's one metadata snapshot, or let go of it. Throws PoolError. */
  hold(held: boolean): Promise<void>;
}
