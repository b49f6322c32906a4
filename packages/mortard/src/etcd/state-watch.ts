/** Whether the state can be changed, asked every few seconds: who wants to know does not wait. */
import type { NodeStatus } from "@mortar/api";
import type { SwitchableStore } from "./switchable-store.ts";

export type StateView = NonNullable<NodeStatus["clusterState"]>;

const EVERY_MS = 5_000;

export class StateWatch {
  readonly #store: SwitchableStore;
  #view: StateView;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: SwitchableStore, isCluster: boolean) {
    this.#store = store;
    this.#view = { kind: isCluster ? "etcd" : "file", writable: !store.isLastKnown };
  }

  /** As it was some seconds ago. */
  get view(): StateView {
    return this.#view;
  }

  open(): void {
    this.#timer = setInterval(() => void this.look().catch(() => undefined), EVERY_MS);
    this.#timer.unref();
    void this.look().catch(() => undefined);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async look(): Promise<void> {
    const { kind, writable, reason } = await this.#store.status();
    const shown = kind === "etcd" ? "etcd" : "file";
    this.#view = { kind: shown, writable, ...(reason === undefined ? {} : { reason }) };
  }
}
