/** What answers the routes of tasks, and how a change becomes one. */
import {
  isEnough, isTaskOver, mayBeTask, pageOf, type PageQuery, type Problem, roleOf, type RouteName,
  type Task, type TaskState,
} from "@mortar/api";
import { StoreError } from "@mortar/store";
import { isAlwaysTask, workOf } from "../tasks/task-works.ts";
import type { Tasks } from "../tasks/tasks.ts";
import type { Handlers, Input, NodeControl } from "./handlers.ts";
import { problemOfAccess, problemOfMajority, problemOfRequest } from "./problem.ts";
import { refusedCursor } from "./pages.ts";
import { plain, type Reply } from "./reply.ts";

export type TaskRoute = Extract<RouteName, `task${string}`>;
export type TaskControl = Pick<Tasks, "list" | "info" | "cancel" | "start" | "followOn">;

const LIMIT_DEFAULT = 200;

export function taskHandlers(node: NodeControl): Pick<Handlers, TaskRoute> {
  return {
    taskList: async ({ query }) => {
      const { state, route, object, limit = LIMIT_DEFAULT, after } =
        query as PageQuery & { state?: TaskState; route?: string; object?: string };
      const wanted = node.tasks.list().filter((it) =>
        (state ?? it.state) === it.state && (route ?? it.route) === it.route &&
        (object ?? it.object) === it.object);
      // Newest first: what is told next is older.
      const page = pageOf(wanted, ({ id, startedAtMs }) => [-startedAtMs, id], paged(limit, after));
      if (page === undefined) return refusedCursor(after);
      const warnings = silentNodes(node, page.items);
      return { ...plain(page.items), warnings, ...(page.next === undefined ? {} : { next: page.next }) };
    },
    taskInfo: async ({ params }) => {
      const id = params["task"] ?? "";
      const task = await node.tasks.info(id);
      return task === undefined ? missing(id) : { ...plain(task), warnings: silentNodes(node, [task]) };
    },
    taskCancel: async ({ params, caller, askLogin }) => {
      const id = params["task"] ?? "";
      const task = await node.tasks.info(id);
      if (task === undefined) return missing(id);
      const needed = roleOf(task.route as RouteName) ?? "admin";
      if (caller !== undefined && !isEnough(caller.role, needed)) {
        return { ok: false, problem: problemOfAccess(403, `${task.sentence}: that takes the role ${needed}.`) };
      }
      if (isTaskOver(task)) return refusal(id, `The task is over: ${task.state}.`);
      if (!task.canCancel) {
        return refusal(id, `${task.sentence}: that is not stopped half-way; it comes to its end by itself.`);
      }
      const changed = await node.tasks.cancel(id, (await askLogin()) ?? "root");
      return changed === undefined ? missing(id) : plain(changed);
    },
  };
}

export interface Asked {
  readonly name: RouteName;
  readonly path: string;
  readonly input: Input;
  /** The request prefers not to wait. */
  readonly isAsync: boolean;
}

/** The answer of a change, or the task that makes it. */
export async function madeOrTask(
  node: NodeControl, { name, path, input, isAsync }: Asked, make: () => Promise<Reply<unknown>>,
): Promise<Reply<unknown>> {
  if (!mayBeTask(name)) return await make();
  const goesOn = isAlwaysTask(name, input.body);
  if (!isAsync && !goesOn) return await make();
  const by = (await input.askLogin()) ?? "root";
  const request = { route: name, path, by, work: workOf(node, name, input) };
  if (isAsync) {
    try {
      const task = await node.tasks.start(request, make);
      return { ...plain(task), task: task.id, isAccepted: true };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return { ok: false, problem: problemOfMajority(error.message) };
    }
  }
  const reply = await make();
  if (!reply.ok) return reply;
  try {
    const task = await node.tasks.followOn(request);
    return { ...reply, task: task.id };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const warning = `It was begun, and no task tells how far it is: ${error.message}`;
    return { ...reply, warnings: [...reply.warnings, warning] };
  }
}

/** Tasks of nodes that are away are as those told last. */
function silentNodes(node: NodeControl, tasks: readonly Task[]): string[] {
  const running = new Set(tasks.filter((it) => !isTaskOver(it)).map(({ nodeId }) => nodeId));
  return node.pool.peers().filter((it) => !it.connected && running.has(it.uuid)).map((it) =>
    `${it.hostname} does not answer: its tasks are shown as it told of them last.`);
}

function paged(limit: number, after: string | undefined): PageQuery {
  return { limit, ...(after === undefined ? {} : { after }) };
}

function missing(id: string): Reply<never> {
  return named(id, 404, "There is no such task: it may be forgotten", "no-such-task");
}

function refusal(id: string, detail: string): Reply<never> {
  return named(id, 409, detail, "not-cancelled");
}

function named(id: string, status: number, detail: string, type: string): Reply<never> {
  const problem: Problem = { ...problemOfRequest(409, detail), status, type, object: id };
  return {
    ok: false,
    problem: { ...problem, title: "The task cannot be found or stopped", nextStep: "GET /v1/tasks" },
  };
}
