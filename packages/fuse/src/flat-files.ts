/**
 * What a session serves: one directory of files of fixed size. Nodes are inode numbers from
 * FILE_NODE_MIN on, and stay the same file for ever, since the kernel keeps them across a restart
 * of the server.
 */

/** Instead of an errno: another thread does it, answers, and frees the lane. */
export const ELSEWHERE = 100_001;
/** Of what changes data: it cannot be done now, and is kept unanswered (`SessionOptions.park`). */
export const PARKED = 100_002;

/**
 * The transfer methods return 0, a positive errno, ELSEWHERE or PARKED, and may also throw; the
 * session asks `errnoOf` then. The session has checked neither node nor range: the files do, and no
 * range wraps (offsets and lengths are below 2^53).
 */
export interface FlatFiles {
  /** The node of a name, 0 if there is none. */
  find(name: string): number;
  list(): readonly { readonly name: string; readonly node: number }[];
  /** Undefined when the node is not (or no longer) served. */
  describe(node: number): { readonly sizeBytes: number; readonly mode: number } | undefined;
  /**
   * `writes` tells whether the opener wants to write. `handle` names this opening until its
   * `release`.
   */
  open(node: number, writes: boolean, handle: number): number;
  release(node: number, handle: number): void;
  /** Fill `target`, which lies in the reply buffer at the page boundary. */
  read(node: number, offset: number, target: Uint8Array): number;
  /** `source` lies in the request buffer at the page boundary. */
  write(node: number, offset: number, source: Uint8Array): number;
  flush(node: number): number;
  discard(node: number, offset: number, lengthBytes: number): number;
  zero(node: number, offset: number, lengthBytes: number): number;
  errnoOf(error: unknown): number;
}
