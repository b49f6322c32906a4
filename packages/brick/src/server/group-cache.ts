/**
 * Groups of callers as this node knows them (`server.manage-gids`): a credential has room for about
 * ninety, a user may have more. A worker asks the node's databases, which may be far away; the
 * request waits meanwhile, and nobody else does.
 */
interface KnownGroups {
  readonly groups: Uint32Array;
  readonly until: number;
}

const USERS_MAX = 4096;

export class GroupCache {
  readonly #users = new Map<number, KnownGroups>();

  /** Undefined: they are not known, or not any more. */
  find(uid: number, nowMs: number): Uint32Array | undefined {
    const known = this.#users.get(uid);
    if (known === undefined) return undefined;
    if (nowMs < known.until) return known.groups;
    this.#users.delete(uid);
    return undefined;
  }

  set(uid: number, groups: Uint32Array, untilMs: number): void {
    if (this.#users.size >= USERS_MAX) {
      const [first] = this.#users.keys();
      this.#users.delete(first!);
    }
    this.#users.set(uid, { groups, until: untilMs });
  }

  clear(): void {
    this.#users.clear();
  }
}
