/** The rebalance process of a volume on a node. */
import type { RebalanceCounts } from "@mortar/gluster";

/** One run of a volume's rebalance process. */
export interface RebalanceRef {
  readonly volume: string;
  readonly task: string;
}

export interface RebalanceStart {
  readonly command: "start" | "force" | "fix-layout";
}

export interface RebalanceEffects {
  /**
   * Starts the rebalance process of this run on the node. *Idempotent*: one run has one process,
   * also when it ended. A process of a former run is ended before.
   */
  startRebalance: { args: RebalanceRef & RebalanceStart; result: void };
  /** It ends when the file that it moves is moved. *Idempotent*, also when it never was. */
  stopRebalance: { args: RebalanceRef; result: void };
  /** How far it is, or how it ended. */
  rebalanceStatus: { args: RebalanceRef; result: RebalanceCounts };
}
