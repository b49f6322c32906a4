/** Locks of clients at the bricks of a node, and how they drain. */
import type { DrainLeave, DrainState, LockClaim } from "../snapshots/hold-effects.ts";

interface BrickLockModel {
  held: LockClaim[];
  waiting: LockClaim[];
  /** Undefined: it does not drain. */
  leaves: readonly DrainLeave[] | undefined;
}

export class LockModel {
  readonly #bricks = new Map<string, BrickLockModel>();

  /** Paths of the bricks that drain. */
  get draining(): string[] {
    return [...this.#bricks].filter(([, it]) => it.leaves !== undefined).map(([path]) => path);
  }

  /** False: it has to wait. Ask again. */
  lock(path: string, claim: LockClaim): boolean {
    const brick = this.#brick(path);
    brick.waiting = brick.waiting.filter((it) => !same(it, claim));
    const { leaves } = brick;
    const goesOn = leaves === undefined
      || brick.held.some((it) => it.process === claim.process && it.owner === claim.owner)
      || leaves.some((it) =>
        it.process === claim.process
        && (it.owner ?? claim.owner) === claim.owner
        && (it.domain ?? claim.domain) === claim.domain);
    (goesOn ? brick.held : brick.waiting).push(claim);
    return goesOn;
  }

  unlock(path: string, claim: LockClaim): void {
    const brick = this.#brick(path);
    brick.held = brick.held.filter((it) => !same(it, claim));
  }

  drain(
    path: string,
    { holds, leaves }: { readonly holds: boolean; readonly leaves: readonly DrainLeave[] },
  ): DrainState {
    const brick = this.#brick(path);
    if (holds) brick.leaves = leaves;
    return { drains: true, old: 0, held: brick.held, waiting: brick.waiting };
  }

  endDrain(path: string): void {
    this.#brick(path).leaves = undefined;
  }

  #brick(path: string): BrickLockModel {
    const known = this.#bricks.get(path);
    if (known !== undefined) return known;
    const brick: BrickLockModel = { held: [], waiting: [], leaves: undefined };
    this.#bricks.set(path, brick);
    return brick;
  }
}

function same(a: LockClaim, b: LockClaim): boolean {
  return a.process === b.process && a.owner === b.owner && a.domain === b.domain;
}
