/**
 * `server.root-squash` and `server.all-squash`: a caller that is root, or any, becomes nobody
 * before anything is checked. Internal clients (negative pid: healing, rebalance, and the mount
 * option no-root-squash) stay what they are.
 */

export interface SquashRule {
  readonly root: boolean;
  readonly all: boolean;
  /** `server.anonuid` and `server.anongid`, 65534 unless set. */
  readonly anonymousUid: number;
  readonly anonymousGid: number;
}

/** Of a request, changed in place. */
export interface SquashedCaller {
  readonly pid: number;
  uid: number;
  gid: number;
  readonly groups: Uint32Array;
  readonly groupCount: number;
}

export const ANONYMOUS_ID = 65_534;
export const NO_SQUASH: SquashRule = {
  root: false, all: false, anonymousUid: ANONYMOUS_ID, anonymousGid: ANONYMOUS_ID,
};

export function squash(caller: SquashedCaller, rule: SquashRule): void {
  if (caller.pid < 0 || !(rule.root || rule.all)) return;
  if (rule.all || caller.uid === 0) caller.uid = rule.anonymousUid;
  if (rule.all || caller.gid === 0) caller.gid = rule.anonymousGid;
  for (let index = 0; index < caller.groupCount; index++) {
    if (rule.all || caller.groups[index] === 0) caller.groups[index] = rule.anonymousGid;
  }
}
