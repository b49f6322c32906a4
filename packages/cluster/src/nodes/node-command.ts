/** Commands on nodes, and those that the daemon runs by itself. */

export interface NodeDeclaration {
  readonly uuid: string;
  readonly hostname: string;
  readonly address: string;
  readonly snapMountRoot: string;
  readonly contact?: string;
  readonly names?: readonly string[];
  readonly peerPort?: number;
}

/** What happened to commands that had been interrupted. */
export interface RecoveryReport {
  settled: { id: string; command: string; direction: "undo" | "finish" }[];
  /** Still there, to be tried again; the answer's details say why. */
  pending: { id: string; command: string; direction: "undo" | "finish" }[];
}

export interface NodeCommands {
  /** Keeps a node's own document; at every start of its daemon. */
  nodeDeclare: { args: NodeDeclaration; payload: { uuid: string } };
  /** Lets a node in, or keeps what has changed about it. */
  nodeAdd: { args: NodeDeclaration; payload: { uuid: string } };
  /**
   * Takes a node out: refused while it has bricks, of volumes or of snapshots. With `check` it is
   * only said whether it would be refused. `dead`: it never comes back, so nothing waits for it
   * any more, and bricks that were made there and are not in use go with it.
   */
  nodeRemove: {
    args: { readonly host: string; readonly check?: boolean; readonly dead?: boolean };
    payload: { uuid: string };
  };
  /** Finishes or undoes what was interrupted; at every start, and again while some is left. */
  recover: { args: object; payload: RecoveryReport };
  /** Mounts and starts what the state says is started, on this node; after `recover`. */
  bringUp: { args: object; payload: { bricksStarted: number } };
  /**
   * The same without a turn, while there is none to be had: from what was known last. What this
   * node should not have started is ended when it has its first turn.
   */
  bringUpKnown: { args: object; payload: { bricksStarted: number } };
}
