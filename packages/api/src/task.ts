/**
 * Tasks: what takes long, told of while it goes on and after it ended.
 *
 * A change that is asked for with `Prefer: respond-async` is answered with 202 and `Location:
 * /v1/tasks/ID`; the same operation runs behind it. Operations that go on after their answer (a
 * rebalance, a full heal, a stream that is received) are followed by a task however they were begun;
 * `Location` names it in their answer of 200.
 *
 *     running ──► done | failed                 the operation has ended
 *        │  └──► interrupted                    mortard ended meanwhile
 *        └──► cancelling ──► cancelled          it was stopped, or undone
 */
import { type Static, Type } from "./schema/schema.ts";
import { Detail, Problem } from "./answer.ts";
import { pageQuery } from "./page.ts";
import { name, noBody, none, route } from "./route.ts";

export const TaskState = Type.Union([
  Type.Literal("running"), Type.Literal("cancelling"), Type.Literal("done"), Type.Literal("failed"),
  Type.Literal("cancelled"), Type.Literal("interrupted"),
]);
export type TaskState = Static<typeof TaskState>;

export const TaskCount = Type.Object({
  done: Type.Integer({ minimum: 0 }),
  total: Type.Optional(Type.Integer({ minimum: 0, description: "absent: nobody knows it" })),
  unit: Type.String({ description: "what is counted: bytes, files, snapshots, steps" }),
  note: Type.Optional(Type.String({ description: "what is done at the moment" })),
});
export type TaskCount = Static<typeof TaskCount>;

export const Task = Type.Object({
  id: Type.String({ description: "sorts by the time of its start" }),
  route: Type.String({ description: "operationId of what was asked for" }),
  path: Type.String({ description: "of the request" }),
  object: Type.String({ description: "the volume, snapshot or brick that it is about" }),
  sentence: Type.String({ description: "what is done" }),
  state: TaskState,
  by: Type.String({ description: "a token's name, or a login of the node" }),
  node: Type.String({ description: "host of the node that does it" }),
  nodeId: Type.String(),
  startedAtMs: Type.Integer(),
  endedAtMs: Type.Optional(Type.Integer()),
  progress: Type.Optional(TaskCount),
  canCancel: Type.Boolean(),
  result: Type.Optional(Type.Unknown({ description: "as its route answers; told for one task" })),
  isResultOmitted: Type.Optional(Type.Boolean({ description: "it was too long to be kept" })),
  warnings: Type.Optional(Type.Array(Type.String())),
  details: Type.Optional(Type.Array(Detail)),
  problem: Type.Optional(Problem),
});
export type Task = Static<typeof Task>;

export function isTaskOver({ state }: Pick<Task, "state">): boolean {
  return state !== "running" && state !== "cancelling";
}

export const PREFER_HEADER = "prefer";
export const RESPOND_ASYNC = "respond-async";

export const PreferHeaders = Type.Object({
  [PREFER_HEADER]: Type.Optional(
    Type.String({
      maxLength: 255, description: "`respond-async`: answer 202 with the task that does it",
    }),
  ),
});

/** RFC 7240: a list of preferences, each perhaps with a value. */
export function prefersAsync(header: string | undefined): boolean {
  return (header ?? "").split(",").some((it) => it.trim().toLowerCase() === RESPOND_ASYNC);
}

const asked: ReadonlySet<string> = new Set([
  "brickCreate", "brickPlace", "volumeCreate", "volumeAddBrick", "volumeRemoveBrick",
  "volumeReplaceBrick", "volumeResetBrick", "volumeRebalance", "volumeHeal", "volumeStart",
  "volumeStop", "snapshotCreate", "snapshotDelete", "snapshotDeleteMany", "snapshotDiff",
  "snapshotActivate", "snapshotDeactivate", "snapshotRestore", "snapshotClone",
  "snapshotFileRestore", "scheduleRun", "schedulePrune", "receiveBegin", "receiveFinish",
]);

/** Whether `Prefer: respond-async` means anything to a route. */
export function mayBeTask(operation: string): boolean {
  return asked.has(operation);
}

const task = Type.Object({ task: name });

export const taskRoutes = {
  taskList: route({
    method: "GET", path: "/v1/tasks", tag: "node",
    summary: "What takes long, of all nodes: under way and ended, the newest first",
    params: none,
    query: Type.Object(
      {
        ...pageQuery,
        state: Type.Optional(TaskState),
        route: Type.Optional(name),
        object: Type.Optional(name),
      },
      { additionalProperties: false },
    ),
    body: noBody, result: Type.Array(Task),
  }),
  taskInfo: route({
    method: "GET", path: "/v1/tasks/:task", tag: "node",
    summary: "One task, with its result", params: task, query: none, body: noBody, result: Task,
  }),
  taskCancel: route({
    method: "POST", path: "/v1/tasks/:task/cancel", tag: "node",
    summary: "Stop or undo what a task does, where that can be done",
    params: task, query: none, body: none, result: Task,
  }),
} as const;
