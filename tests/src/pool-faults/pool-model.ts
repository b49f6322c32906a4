/**
 * What management commands do to one volume and its snapshots, as far as the history is judged. The
 * guest, a node that is let in and taken out, is one more of these things: it is `Created` or not.
 */

export interface VolumeState {
  /** Absent: there is no such volume. */
  readonly status?: "Created" | "Started" | "Stopped";
  /** Of the option that is set; empty when it never was. */
  readonly option: string;
  /** Of the bricks that are added and removed those that it has, by number, ascending. */
  readonly extras: readonly number[];
  /** By name: whether it is activated. */
  readonly snapshots: Readonly<Record<string, boolean>>;
}

export type Verb =
  | { readonly verb: "create" | "start" | "stop" | "delete" | "probe" | "detach" }
  | { readonly verb: "add" | "remove"; readonly brick: number }
  | { readonly verb: "set"; readonly value: string }
  | {
      readonly verb: "snapshot" | "snapshot-delete" | "activate" | "deactivate";
      readonly snapshot: string;
    };

/** `unknown`: it may have happened, or happen a little later, or never. */
export type Outcome =
  | { readonly kind: "ok" | "unknown" }
  | { readonly kind: "refused"; readonly code: string };

export const noVolume: VolumeState = { option: "", extras: [], snapshots: {} };

/** The state after a command that is performed; a code: it is refused so, and changes nothing. */
export function perform(state: VolumeState, command: Verb): VolumeState | string {
  if ("snapshot" in command) return performOnSnapshot(state, command.verb, command.snapshot);
  const { status } = state;
  if (command.verb === "create") {
    return status === undefined ? { ...noVolume, status: "Created" } : "volume-exists";
  }
  if (command.verb === "probe") return { ...noVolume, status: "Created" };
  if (status === undefined) return "volume-missing";
  if ("brick" in command) return performOnBrick(state, command);
  switch (command.verb) {
    case "start":
      return status === "Started" ? "volume-started" : { ...state, status: "Started" };
    case "stop":
      return status === "Started" ? { ...state, status: "Stopped" } : "volume-not-started";
    case "set":
      return { ...state, option: command.value };
    default:
      if (status === "Started") return "volume-started";
      return Object.keys(state.snapshots).length > 0 ? "volume-has-snapshots" : noVolume;
  }
}

function performOnBrick(
  state: VolumeState, { verb, brick }: Extract<Verb, { readonly brick: number }>,
): VolumeState | string {
  const isThere = state.extras.includes(brick);
  if (isThere === (verb === "add")) return "brick-refused";
  const extras = isThere ? state.extras.filter((it) => it !== brick) : [...state.extras, brick];
  return { ...state, extras: extras.toSorted((one, other) => one - other) };
}

function performOnSnapshot(
  state: VolumeState, verb: "snapshot" | "snapshot-delete" | "activate" | "deactivate", name: string,
): VolumeState | string {
  const isActive = state.snapshots[name];
  if (verb === "snapshot") {
    if (state.status === undefined) return "volume-missing";
    if (isActive !== undefined) return "snapshot-exists";
    if (state.status !== "Started") return "volume-not-started";
    return { ...state, snapshots: { ...state.snapshots, [name]: false } };
  }
  if (isActive === undefined) return "snapshot-missing";
  if (verb === "snapshot-delete") {
    const { [name]: _gone, ...snapshots } = state.snapshots;
    return { ...state, snapshots };
  }
  if (isActive === (verb === "activate")) return isActive ? "snapshot-active" : "snapshot-inactive";
  return { ...state, snapshots: { ...state.snapshots, [name]: verb === "activate" } };
}

/** Refusals that say something of the state; all others say nothing. */
export const tellingCodes: ReadonlySet<string> = new Set([
  "volume-exists", "volume-missing", "volume-started", "volume-not-started",
  "volume-has-snapshots", "snapshot-exists", "snapshot-missing", "snapshot-active",
  "snapshot-inactive",
]);

/** The state after an operation that had this outcome; undefined: it cannot have had it here. */
export function explain(state: VolumeState, command: Verb, outcome: Outcome): VolumeState | undefined {
  const result = perform(state, command);
  if (outcome.kind === "refused") {
    // With several reasons to refuse, any of them may be told.
    return typeof result === "string" ? state : undefined;
  }
  return typeof result === "string" ? undefined : result;
}

/** The same state always as the same text. */
export function textOf({ status, option, extras, snapshots }: VolumeState): string {
  return JSON.stringify([status, option, extras, Object.entries(snapshots).toSorted(([one], [other]) => (one < other ? -1 : 1))]);
}
