/**
 * Whether a history of commands on one volume is explained by some order of them: each at a moment
 * between its begin and its end, those that reported success with their effect, those that were
 * refused without one, and what nobody knows of with it or without.
 *
 * A search over the orders (Wing and Gong), which remembers where it has been (Lowe): a place is the
 * set of operations that are over, and the state.
 */
import { explain, type Outcome, textOf, type Verb, type VolumeState } from "./pool-model.ts";

export interface Operation {
  readonly client: string;
  readonly command: Verb;
  readonly beginMs: number;
  readonly endMs: number;
  readonly outcome: Outcome;
  /** What was answered, for people. */
  readonly said: string;
}

export type Judgement =
  | { readonly explained: true }
  /** As far as an order got, and what could not come next. */
  | { readonly explained: false; readonly longest: readonly Operation[]; readonly stuck: readonly Operation[] };

/** How long what nobody knows of may happen after its end. */
const LATE_MS_MAX = 90_000;

export function judge(
  operations: readonly Operation[], first: VolumeState, last: VolumeState,
): Judgement {
  return new Search(operations, textOf(last)).run(first);
}

class Search {
  readonly #operations: readonly Operation[];
  readonly #last: string;
  readonly #seen = new Set<string>();
  readonly #over: boolean[];
  readonly #order: Operation[] = [];
  #longest: readonly Operation[] = [];
  #stuck: readonly Operation[] = [];

  constructor(operations: readonly Operation[], last: string) {
    this.#operations = operations.toSorted((one, other) => one.beginMs - other.beginMs);
    this.#last = last;
    this.#over = this.#operations.map(() => false);
  }

  run(first: VolumeState): Judgement {
    if (this.#from(first, 0)) return { explained: true };
    return { explained: false, longest: this.#longest, stuck: this.#stuck };
  }

  /** `latestMs`: the latest begin of what is over; nothing that had to be over before may follow. */
  #from(state: VolumeState, latestMs: number): boolean {
    const certain = this.#operations.filter((it, index) => !this.#over[index] && !isUnknown(it));
    if (certain.length === 0 && textOf(state) === this.#last) return true;
    const place = `${this.#over.map(Number).join("")} ${textOf(state)}`;
    if (this.#seen.has(place)) return false;
    this.#seen.add(place);
    const firstEndMs = Math.min(Number.POSITIVE_INFINITY, ...certain.map((it) => it.endMs));
    const isLonger = this.#order.length >= this.#longest.length;
    if (isLonger) {
      this.#longest = [...this.#order];
      this.#stuck = certain.filter((it) => it.beginMs <= firstEndMs);
    }
    for (const [index, operation] of this.#operations.entries()) {
      if (operation.beginMs > firstEndMs) break;
      if (this.#over[index] || lastMomentOf(operation) < latestMs) continue;
      const next = explain(state, operation.command, operation.outcome);
      if (next === undefined) continue;
      this.#over[index] = true;
      this.#order.push(operation);
      if (this.#from(next, Math.max(latestMs, operation.beginMs))) return true;
      this.#order.pop();
      this.#over[index] = false;
    }
    return false;
  }
}

const isUnknown = ({ outcome }: Operation): boolean => outcome.kind === "unknown";

function lastMomentOf(operation: Operation): number {
  return operation.endMs + (isUnknown(operation) ? LATE_MS_MAX : 0);
}

/** One line an operation. */
export function lineOf({ client, command, beginMs, endMs, outcome, said }: Operation): string {
  const { verb, ...rest } = command;
  const words = [verb, ...Object.values(rest)].join(" ");
  const result = outcome.kind === "refused" ? outcome.code : outcome.kind;
  const times = `${(beginMs / 1000).toFixed(2)}-${(endMs / 1000).toFixed(2)}`;
  return `${times} ${client} ${words}: ${result}${said === "" ? "" : ` (${said})`}`;
}
