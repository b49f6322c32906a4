/**
 * What a node does when the majority of etcd's members is away: waits for it with what it knew last;
 * goes on without it, as a cluster of its own, when it is lost for good; or forgets the cluster.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { CommandFailure, keyOf, type NodeDocument } from "@mortar/cluster";
import { isAway, type OpenState } from "../etcd/open-state.ts";
import type { MemberPlace, StateMover } from "../etcd/state-mover.ts";
import type { Log } from "../log.ts";

export interface PoolRecoveryOptions {
  readonly uuid: string;
  readonly host: string;
  readonly state: OpenState;
  readonly mover: StateMover;
  readonly others: () => readonly NodeDocument[];
  readonly contactOf: (node: NodeDocument) => string;
  readonly isListed: () => boolean;
  readonly home: () => MemberPlace;
  /** Begins anew, with nothing. */
  readonly forget: () => Promise<void>;
  readonly log: Log;
}

const RETRY_MS = 1_000;
const EG_INTRNL = 30_800;

export class PoolRecovery {
  readonly #options: PoolRecoveryOptions;
  #isRecovering = false;
  #isClosed = false;

  constructor(options: PoolRecoveryOptions) {
    this.#options = options;
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Resolves when the state is more than what was known last; false: this node ends before. */
  async majority(): Promise<boolean> {
    const { store } = this.#options.state;
    while (!this.#isClosed && store.isLastKnown) {
      await sleep(RETRY_MS, undefined, { ref: false });
      await this.#attempt();
    }
    return !this.#isClosed;
  }

  /** The others are marked as gone. Throws `CommandFailure`. */
  async recover(isConfirmed: boolean): Promise<{ readonly gone: string[] }> {
    const { state, mover, others, contactOf, home, log } = this.#options;
    const gone = others().map(contactOf);
    await this.#checkRecovery(gone, isConfirmed);
    const goneSinceMs = Date.now();
    const keys = new Set(others().map((it) => keyOf.node(it.uuid)));
    this.#isRecovering = true;
    try {
      await mover.recover(home(), ({ key, value }) =>
        (keys.has(key) ? { ...value, goneSinceMs } : value));
    } finally {
      this.#isRecovering = false;
      state.etcd.resume();
    }
    log.warn({ gone }, "this node goes on without the others");
    return { gone };
  }

  /** The cluster goes on without this node. Throws `CommandFailure`. */
  async leave(isConfirmed: boolean): Promise<void> {
    const { host, state, isListed, forget } = this.#options;
    if (state.membership.membership.kind !== "etcd") {
      throw this.#refusal("This node is in no cluster", {
        detail: "There is nothing to leave.", nextStep: "mortar status",
      });
    }
    if (isListed() && (await state.store.status()).writable) {
      throw this.#refusal("This node is in its cluster", {
        detail: "The majority of the cluster answers.",
        nextStep: `On another node: mortar peer detach ${host}`,
      });
    }
    if (!isConfirmed) {
      throw this.#refusal("Nothing was changed", {
        detail: "This node would forget its volumes and snapshots, and end their bricks. What is " +
          "on its disks stays: a cluster that still counts on it has it back by another probe.",
        nextStep: "mortar peer leave --yes",
      });
    }
    await forget();
  }

  async #attempt(): Promise<void> {
    const { state, mover, log } = this.#options;
    const { membership } = state.membership;
    const isWaiting = (): boolean =>
      !this.#isClosed && !this.#isRecovering && state.store.isLastKnown;
    if (membership.kind !== "etcd" || !isWaiting()) return;
    try {
      const next = await state.connection.open(membership);
      if (isWaiting()) await mover.majorityIsBack(next);
      else await next.close();
    } catch (error) {
      if (!isAway(error)) log.warn({ err: error }, "the cluster's state cannot be read");
      state.store.notReached((error as Error).message);
    }
  }

  async #checkRecovery(gone: readonly string[], isConfirmed: boolean): Promise<void> {
    const { state } = this.#options;
    const nothing = "There is nothing to recover";
    const { membership } = state.membership;
    if (membership.kind !== "etcd") {
      throw this.#refusal(nothing, { detail: "This node is alone.", nextStep: "mortar status" });
    }
    if (membership.external === true) {
      throw this.#refusal(`${nothing} here`, {
        detail: "The state is in an etcd of somebody else.",
        nextStep: "Recover that etcd by its own means, for instance: etcdctl snapshot restore",
      });
    }
    if ((await state.store.status()).writable) {
      throw this.#refusal(nothing, {
        detail: "The majority of the cluster answers.",
        nextStep: "A node that never comes back is taken out by: mortar peer detach HOST force",
      });
    }
    if (isConfirmed) return;
    const hosts = gone.join(", ");
    throw this.#refusal("Nothing was changed", {
      detail: `This node would go on alone, and ${hosts} would count as gone. Should the majority ` +
        "be alive elsewhere, two clusters would use the same bricks. What was decided last, and " +
        "not heard of here, would be lost.",
      nextStep: `Make sure that ${hosts} cannot start any more, then: mortar peer recover --yes`,
    });
  }

  #refusal(
    sentence: string, said: { readonly detail: string; readonly nextStep: string },
  ): CommandFailure {
    const { host } = this.#options;
    return new CommandFailure("node-unfit", EG_INTRNL, sentence, [{ node: host, ...said }]);
  }
}
