/** What a task of each route is about, how far it is, and how it is stopped: by the commands there are. */
import type { RouteName, StreamHeader, StreamPlace, TaskCount, VolumeTaskReport } from "@mortar/api";
import type { Answer, CommandArgs, CommandName, CommandPayload } from "@mortar/cluster";
import { type Reply, replyOf } from "../http/reply.ts";
import type { TaskDocument } from "./task-book.ts";
import type { Followed, TaskWork } from "./tasks.ts";

export interface TaskCommands {
  run<N extends CommandName>(name: N, args: CommandArgs<N>): Promise<Answer<CommandPayload<N>>>;
}

export interface TaskInput {
  readonly params: Readonly<Record<string, string>>;
  readonly query: object;
  readonly body: object;
}

type Fields = Readonly<Record<string, unknown>>;

const sentences: Partial<Record<RouteName, (object: string) => string>> = {
  brickCreate: (it) => `The brick ${it} is made`,
  brickPlace: (it) => `Bricks for the volume ${it} are made`,
  volumeCreate: (it) => `The volume ${it} is created`,
  volumeAddBrick: (it) => `Bricks are added to ${it}`,
  volumeReplaceBrick: (it) => `A brick of ${it} is replaced`,
  volumeResetBrick: (it) => `A brick of ${it} is reset`,
  volumeStart: (it) => `The volume ${it} is started`,
  volumeStop: (it) => `The volume ${it} is stopped`,
  snapshotCreate: (it) => `The snapshot ${it} is taken`,
  snapshotDelete: (it) => `The snapshot ${it} is deleted`,
  snapshotDeleteMany: (it) => `Snapshots of ${it} are deleted`,
  snapshotDiff: (it) => `The snapshot ${it} is compared`,
  snapshotActivate: (it) => `The snapshot ${it} is activated`,
  snapshotDeactivate: (it) => `The snapshot ${it} is deactivated`,
  snapshotRestore: (it) => `A volume is put back to the snapshot ${it}`,
  snapshotClone: (it) => `The snapshot ${it} is cloned`,
  snapshotFileRestore: (it) => `Files of the snapshot ${it} are brought back`,
  scheduleRun: (it) => `The schedule ${it} is run`,
  schedulePrune: (it) => `Snapshots of ${it} are pruned`,
  receiveFinish: (it) => `The volume ${it} is made of what was received`,
};

/** Of a request. What follows an operation is only for one that begins something. */
export function workOf(commands: TaskCommands, route: RouteName, input: TaskInput): TaskWork {
  const { params, query, body } = input;
  const fields = { ...query, ...body, ...params } as Fields;
  const volume = text(fields["volume"]);
  const object = params["snapshot"] ?? params["volume"] ?? params["schedule"] ??
    text(fields["name"]) ?? text(fields["brick"]) ?? volume ?? text(fields["from"]) ?? "the cluster";
  const following = followedWork(commands, route, { volume, fields });
  if (following !== undefined) return following;
  const sentence = sentences[route]?.(object) ?? `${route} of ${object}`;
  return {
    object, sentence,
    ...(route === "brickCreate" || route === "brickPlace" ? { isUndone: true } : {}),
    ...(route === "snapshotDeleteMany" ? { count: removals(commands, volume) } : {}),
  };
}

/** Of a task that an earlier daemon began; undefined: it does not go on by itself. */
export function workAgain(commands: TaskCommands, task: TaskDocument): TaskWork | undefined {
  const { volume, bricks } = task;
  const fields = { action: "start", full: true, bricks };
  return followedWork(commands, task.route as RouteName, { volume, fields });
}

/** Begun by an answer of 200 as well: they are followed however they were asked for. */
export function isAlwaysTask(route: RouteName, body: object): boolean {
  return startsWhatGoesOn(route, body as Fields);
}

function startsWhatGoesOn(route: RouteName, fields: Fields): boolean {
  const action = text(fields["action"]);
  if (route === "volumeRebalance") return action !== "stop" && action !== "status";
  if (route === "volumeRemoveBrick") return action === "start";
  return route === "receiveBegin" || (route === "volumeHeal" && fields["full"] === true);
}

interface Of {
  readonly volume: string | undefined;
  readonly fields: Fields;
}

function followedWork(
  commands: TaskCommands, route: RouteName, { volume, fields }: Of,
): TaskWork | undefined {
  if (volume === undefined || !startsWhatGoesOn(route, fields)) return undefined;
  if (route === "volumeRebalance") return rebalance(commands, volume);
  if (route === "volumeHeal") return fullHeal(commands, volume);
  if (route === "receiveBegin") return receive(commands, volume, fields["header"] as StreamHeader);
  const bricks = (fields["bricks"] ?? []) as string[];
  return removeBrick(commands, volume, bricks);
}

function rebalance(commands: TaskCommands, volume: string): TaskWork {
  return {
    object: volume, volume, sentence: `Files of ${volume} are brought to where they belong`,
    follow: async () => movedOf(replyOf(await commands.run("volumeRebalance", { volume, action: "status" }))),
    cancel: async () => replyOf(await commands.run("volumeRebalance", { volume, action: "stop" })),
  };
}

function removeBrick(commands: TaskCommands, volume: string, bricks: string[]): TaskWork {
  const asked = { volume, bricks };
  return {
    object: volume, volume, bricks, sentence: `Bricks of ${volume} are emptied`,
    follow: async () =>
      movedOf(replyOf(await commands.run("volumeRemoveBrick", { ...asked, action: "status" }))),
    cancel: async () => replyOf(await commands.run("volumeRemoveBrick", { ...asked, action: "stop" })),
  };
}

function movedOf(reply: Reply<VolumeTaskReport>): Reply<Followed> {
  if (!reply.ok) return reply;
  const { status, nodes } = reply.result;
  const files = nodes.reduce((sum, it) => sum + it.files, 0);
  const failures = nodes.reduce((sum, it) => sum + it.failures, 0);
  const mebibytes = Math.round(nodes.reduce((sum, it) => sum + it.sizeBytes, 0) / 2 ** 20);
  const progress = { done: files, unit: "files", note: `${mebibytes} MiB moved, ${failures} failures` };
  const ended = endOf(status);
  const followed: Followed = { progress, ...(ended === undefined ? {} : { ended, result: reply.result }) };
  return { ...reply, result: { ...followed, sentence: `It ended as ${status}` } };
}

function endOf(status: VolumeTaskReport["status"]): Followed["ended"] {
  if (status.endsWith("completed")) return "done";
  if (status.endsWith("failed")) return "failed";
  return status.endsWith("stopped") || status === "not started" ? "cancelled" : undefined;
}

/** Daemons that do not answer are waited for; one that has walked since it was asked has ended. */
function fullHeal(commands: TaskCommands, volume: string): TaskWork {
  let looks = 0;
  return {
    object: volume, volume, sentence: `All of ${volume} is compared and healed`,
    follow: async () => {
      const reply = replyOf(await commands.run("volumeHealStatistics", { volume }));
      if (!reply.ok) return reply;
      looks += 1;
      const bricks = reply.result.bricks;
      const walks = bricks.flatMap(({ crawls = [] }) => crawls.filter(({ type }) => type === "FULL").slice(-1));
      const healed = walks.reduce((sum, it) => sum + it.healed, 0);
      const ended = walks.filter(({ endedAt }) => endedAt !== undefined).length;
      const progress: TaskCount = {
        done: ended, total: Math.max(walks.length, 1), unit: "walks", note: `${healed} objects healed`,
      };
      const isOver = looks > 2 && ended === walks.length && bricks.every((it) => it.crawls !== undefined);
      return {
        ...reply, result: { progress, ...(isOver ? { ended: "done", result: reply.result } : {}) },
      };
    },
  };
}

function receive(
  commands: TaskCommands, volume: string, header: StreamHeader | undefined,
): TaskWork {
  const sizes = header?.bricks.map(({ sizeBytes }) => sizeBytes);
  return {
    object: volume, volume, sentence: `A snapshot of ${volume} is received`,
    follow: async () => {
      const reply = replyOf(await commands.run("receiveList", {}));
      if (!reply.ok) return reply;
      const found = reply.result.find((it) => it.volume === volume);
      if (found?.incoming !== undefined) {
        return { ...reply, result: { progress: receivedOf(found.incoming.place, sizes) } };
      }
      const ended = found?.held === undefined ||
        (header !== undefined && found.held.id !== header.snapshot.id) ? "cancelled" : "done";
      return { ...reply, result: { ended, result: found ?? { volume } } };
    },
    cancel: async () => replyOf(await commands.run("receiveAbandon", { volume })),
  };
}

/** Places on the bricks, not bytes of the stream: what is not sent of them is counted too. */
function receivedOf({ brick, offset }: StreamPlace, sizes: readonly number[] | undefined): TaskCount {
  const note = `brick ${brick + 1}`;
  if (sizes === undefined) return { done: offset, unit: "bytes", note: `of ${note}` };
  const before = sizes.slice(0, brick).reduce((sum, it) => sum + it, 0);
  const total = sizes.reduce((sum, it) => sum + it, 0);
  return { done: Math.min(total, before + offset), total, unit: "bytes", note };
}

function removals(commands: TaskCommands, volume: string | undefined): () => Promise<TaskCount> {
  let total: number | undefined;
  return async () => {
    const answer = await commands.run("snapshotList", volume === undefined ? {} : { volume });
    const left = answer.ok ? answer.payload.length : 0;
    total ??= left;
    return { done: Math.max(0, total - left), total: Math.max(total, left), unit: "snapshots" };
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
