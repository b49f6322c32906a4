/** What a command that has ended is worth telling operators: on the node that ran it, once. */
import type { ScheduleRun, SnapshotRemoval } from "@mortar/api";
import type {
  Answer, ClusterState, CommandArgs, CommandName, CommandPayload,
} from "@mortar/cluster";
import type { EventNote } from "./event-log.ts";

/** Clients with a time limit of their own notice a pause of this length. */
const PAUSE_MS_MAX = 1_000;

interface Ended<N extends CommandName> {
  readonly args: CommandArgs<N>;
  readonly payload: CommandPayload<N>;
  /** After the command. */
  readonly state: ClusterState;
}

type Telling = { readonly [N in CommandName]?: (ended: Ended<N>) => EventNote[] };

const telling: Telling = {
  volumeCreate: ({ payload: { name } }) =>
    [{ kind: "volume-created", object: name, sentence: `The volume ${name} was created.` }],
  volumeStart: ({ payload: { name } }) =>
    [{ kind: "volume-started", object: name, sentence: `The volume ${name} was started.` }],
  volumeStop: ({ payload: { name } }) =>
    [{ kind: "volume-stopped", object: name, sentence: `The volume ${name} was stopped.` }],
  volumeDelete: ({ payload: { name } }) =>
    [{ kind: "volume-deleted", object: name, sentence: `The volume ${name} was deleted.` }],
  snapshotClone: ({ args: { snapshot }, payload: { name } }) => [{
    kind: "volume-created", object: name, data: { snapshot },
    sentence: `The volume ${name} was created from the snapshot ${snapshot}.`,
  }],
  snapshotCreate: ({ payload: { name, volume, pauseMs, autoDeleted } }) => [
    taken(name, volume, pauseMs),
    ...pause(name, pauseMs),
    ...autoDeleted.map((it) => deleted(it, "to make room for a new one")),
  ],
  snapshotDelete: ({ payload: { name, pending } }) => pending === true ? [] : [deleted(name)],
  snapshotDeleteMany: ({ payload }) => removals(payload),
  snapshotPrune: ({ payload }) => removals(payload, "a safety snapshot whose time was over"),
  snapshotRestore: ({ payload: { name, volume, others = [] } }) =>
    [volume, ...others.map((it) => it.volume)].map((it) => ({
      kind: "snapshot-restored", object: name, data: { volume: it },
      sentence: `The volume ${it} was put back to the snapshot ${name}.`,
    })),
  scheduleRun: ({ payload, state }) => scheduled(payload, state),
  scheduleTick: ({ payload, state }) => payload.flatMap((run) => scheduled(run, state)),
  schedulePrune: ({ payload }) =>
    payload.flatMap(({ schedule, removals: of }) => removals(of, `pruned by ${schedule}`)),
};

export function commandEvents<N extends CommandName>(
  name: N, args: CommandArgs<N>, answer: Answer<CommandPayload<N>>, state: ClusterState,
): EventNote[] {
  if (!answer.ok) return [];
  return telling[name]?.({ args, payload: answer.payload, state }) ?? [];
}

function taken(name: string, volume: string, pauseMs: number | undefined): EventNote {
  const after = pauseMs === undefined ? "" : `; writes were held for ${Math.round(pauseMs)} ms`;
  return {
    kind: "snapshot-created", object: name,
    sentence: `The snapshot ${name} of ${volume} was taken${after}.`,
    data: { volume, ...(pauseMs === undefined ? {} : { pauseMs }) },
  };
}

function pause(name: string, pauseMs: number | undefined): EventNote[] {
  if (pauseMs === undefined || pauseMs <= PAUSE_MS_MAX) return [];
  return [{
    kind: "snapshot-pause-long", object: name, data: { pauseMs },
    sentence: `Writes were held for ${Math.round(pauseMs)} ms while the snapshot ${name} was taken.`,
    nextStep: `snapshot info ${name}: which hook or lock took the time?`,
  }];
}

function deleted(name: string, why?: string): EventNote {
  const because = why === undefined ? "" : `: ${why}`;
  return {
    kind: "snapshot-deleted", object: name,
    sentence: `The snapshot ${name} was deleted${because}.`,
  };
}

function removals(of: readonly SnapshotRemoval[], why?: string): EventNote[] {
  return of.filter((it) => it.removed && it.pending !== true).map((it) => deleted(it.name, why));
}

function scheduled(run: ScheduleRun, state: ClusterState): EventNote[] {
  const { schedule, snapshot, error } = run;
  const pruned = removals(run.removals, `pruned by ${schedule}`);
  if (snapshot === undefined) {
    const reason = error ?? "no reason was given";
    return [...pruned, {
      kind: "schedule-failed", object: schedule,
      sentence: `The schedule ${schedule} took no snapshot: ${reason}`,
      nextStep: "gluster snapshot schedule list: when is it tried again?",
    }];
  }
  const document = state.snapshots.get(snapshot)?.document;
  const volume = document?.volumes.map((it) => it.origin).join(", ") ?? "";
  const pauseMs = document?.pauseMs;
  return [
    ...pruned,
    {
      kind: "schedule-ran", object: schedule, data: { snapshot },
      sentence: `The schedule ${schedule} took the snapshot ${snapshot}.`,
    },
    taken(snapshot, volume, pauseMs),
    ...pause(snapshot, pauseMs),
  ];
}
