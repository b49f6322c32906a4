/**
 * What the daemon told last, by question. All parts of the page that ask the same share one answer,
 * which is asked for anew by a clock, when an event says that something changed, and after every
 * command. Meanwhile, and when the daemon cannot be reached, the last answer stays, marked as old.
 *
 * A question is asked only while a part of the page shows its answer, and while the tab is visible.
 */
import type { Problem } from "@mortar/api";
import { type Signal, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { answerOf, tell, Unreachable } from "./call.ts";
import type { CallInput, Result, RouteName } from "./routes.ts";
import { session } from "./session.ts";

export interface Resource<T> {
  readonly data: T | undefined;
  readonly problem: Problem | undefined;
  /** What could not be asked, in sentences. */
  readonly notes: readonly string[];
  readonly isLoading: boolean;
}

interface Entry {
  readonly state: Signal<Resource<unknown>>;
  readonly load: () => Promise<void>;
  readonly everyMs: number;
  users: number;
  loading: Promise<void> | undefined;
  isAgain: boolean;
  loadedAtMs: number;
}

const EVERY_MS = 10_000;
const FRESH_MS = 1_000;
const LOOK_MS = 1_000;
const SETTLE_MS = 250;

/** Since when the daemon does not answer; undefined: it does. */
export const lostSinceMs = signal<number | undefined>(undefined);

const entries = new Map<string, Entry>();

export interface Asking {
  readonly everyMs?: number;
  readonly skip?: boolean;
}

export function useResource<N extends RouteName>(
  name: N,
  input: CallInput<N> = {},
  { everyMs = EVERY_MS, skip = false }: Asking = {},
): Resource<Result<N>> {
  const key = JSON.stringify([name, input]);
  const entry = entryOf(key, name, input, everyMs);
  useEffect(() => {
    if (skip) return undefined;
    entry.users += 1;
    if (performance.now() - entry.loadedAtMs > FRESH_MS) void refresh(entry);
    return () => {
      entry.users -= 1;
    };
  }, [key, skip, session.value]);
  return entry.state.value as Resource<Result<N>>;
}

let settling: ReturnType<typeof setTimeout> | undefined;

/** Something changed: all that is shown is asked for anew, once for what happens in one go. */
export function refreshShown(): void {
  // Not put off by what comes next: where something happens all the while it would never be.
  settling ??= setTimeout(() => {
    settling = undefined;
    for (const entry of entries.values()) if (entry.users > 0) void refresh(entry);
  }, SETTLE_MS);
}

/** At once, to be awaited after a command. */
export async function refreshNow(): Promise<void> {
  const shown = [...entries.values()].filter(({ users }) => users > 0);
  await Promise.all(shown.map(refresh));
}

/** Another who signs in may see other things. */
export function forgetAll(): void {
  for (const [key, entry] of entries) {
    entry.state.value = EMPTY;
    entry.loadedAtMs = Number.NEGATIVE_INFINITY;
    if (entry.users === 0) entries.delete(key);
  }
}

export function watchClock(): void {
  setInterval(() => {
    if (document.hidden) return;
    const now = performance.now();
    for (const [key, entry] of entries) {
      if (entry.users > 0 && now - entry.loadedAtMs >= entry.everyMs) void refresh(entry);
      else if (entry.users === 0 && now - entry.loadedAtMs > KEPT_MS) entries.delete(key);
    }
  }, LOOK_MS);
}

const KEPT_MS = 300_000;
const EMPTY: Resource<never> = {
  data: undefined, problem: undefined, notes: [], isLoading: true,
};

function entryOf<N extends RouteName>(
  key: string, name: N, input: CallInput<N>, everyMs: number,
): Entry {
  const known = entries.get(key);
  if (known !== undefined) return known;
  const state = signal<Resource<unknown>>(EMPTY);
  const entry: Entry = {
    state, everyMs, users: 0, loading: undefined, isAgain: false,
    loadedAtMs: Number.NEGATIVE_INFINITY,
    load: async () => {
      state.value = await loaded(name, input, state.value);
    },
  };
  entries.set(key, entry);
  return entry;
}

/** One question at a time; what changes meanwhile is asked for once more. */
async function refresh(entry: Entry): Promise<void> {
  if (entry.loading !== undefined) {
    entry.isAgain = true;
    await entry.loading;
    return;
  }
  entry.loading = (async () => {
    do {
      entry.isAgain = false;
      await entry.load();
      entry.loadedAtMs = performance.now();
    } while (entry.isAgain);
  })();
  try {
    await entry.loading;
  } finally {
    entry.loading = undefined;
  }
}

/** As they came. */
const texts = new WeakMap<Resource<unknown>, string>();

/** What did not change keeps its identity: it is not even read, and nothing that shows it is drawn anew. */
async function loaded<N extends RouteName>(
  name: N, input: CallInput<N>, before: Resource<unknown>,
): Promise<Resource<unknown>> {
  try {
    const told = await tell(name, input);
    lostSinceMs.value = undefined;
    if (told.text !== "" && told.text === texts.get(before)) return before;
    const answer = answerOf<N>(told);
    if (!answer.ok) return { ...before, problem: answer.problem, isLoading: false };
    const notes = [...answer.warnings, ...answer.details.map(({ detail }) => detail)];
    const now = { data: answer.result, problem: undefined, notes, isLoading: false };
    texts.set(now, told.text);
    return now;
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    lostSinceMs.value ??= Date.now();
    return before.isLoading ? { ...before, isLoading: false } : before;
  }
}
