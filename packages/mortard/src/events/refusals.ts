/**
 * Wrong tokens, told once a minute and address: who tries thousands would else fill the events. What
 * was refused meanwhile is counted.
 */
import type { EventLog } from "./event-log.ts";

const EVERY_MS = 60_000;
const ADDRESSES_MAX = 1_000;

interface Refusals {
  toldAtMs: number;
  untold: number;
}

export class SignInRefusals {
  readonly #events: EventLog;
  readonly #nowMs: () => number;
  readonly #byAddress = new Map<string, Refusals>();

  constructor(events: EventLog, nowMs: () => number) {
    this.#events = events;
    this.#nowMs = nowMs;
  }

  note(address: string): void {
    const nowMs = this.#nowMs();
    const known = this.#byAddress.get(address);
    if (known !== undefined && nowMs - known.toldAtMs < EVERY_MS) {
      known.untold += 1;
      return;
    }
    if (this.#byAddress.size >= ADDRESSES_MAX) this.#byAddress.clear();
    this.#byAddress.set(address, { toldAtMs: nowMs, untold: 0 });
    const times = (known?.untold ?? 0) + 1;
    const often = times === 1 ? "" : `, ${times} times since it was told last`;
    this.#events.raise({
      kind: "sign-in-refused", object: address, data: { times },
      sentence: `${address} asked with a token that is nobody's${often}.`,
      nextStep: "see what was asked for: mortar audit",
    });
  }
}
