/**
 * Tasks of this node: operations that go on while nobody waits for their answer. A task runs what its
 * route runs anyway; here is only who is told of it, and how it is stopped.
 *
 * A mortard that ended leaves its tasks as running in the book. The next one of the same node goes on
 * following those whose operation goes on by itself (`follow`), and calls the others interrupted:
 * whatever their command had begun is finished or undone by the next command, from its intent.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { isTaskOver, type Problem, type Task, type TaskCount, type TaskState } from "@mortar/api";
import type { ClusterStore } from "@mortar/store";
import type { EventLog } from "../events/event-log.ts";
import type { Reply } from "../http/reply.ts";
import type { Log } from "../log.ts";
import { TaskBook, type TaskDocument } from "./task-book.ts";
import { TaskSteps, withSteps } from "./task-steps.ts";

const LOOK_MS = 2_000;
/** What follows an operation may be refused while nodes are away. */
const REFUSALS_MAX = 30;

/** How far an operation is that goes on by itself. */
export interface Followed {
  /** Undefined: it is under way. */
  readonly ended?: Extract<TaskState, "done" | "failed" | "cancelled">;
  readonly progress?: TaskCount;
  readonly result?: unknown;
  /** Why it failed. */
  readonly sentence?: string;
}

/** What is particular to a route. */
export interface TaskWork {
  readonly object: string;
  readonly sentence: string;
  readonly volume?: string;
  readonly bricks?: string[];
  /** How much of it is done; absent: steps are counted. */
  readonly count?: () => Promise<TaskCount | undefined>;
  /** After its answer it goes on, and can be asked how far it is. */
  readonly follow?: () => Promise<Reply<Followed>>;
  /** Ends it, where that can be; a refusal says why not. */
  readonly cancel?: () => Promise<Reply<unknown>>;
  /** What it makes is removed again when the command fails. */
  readonly isUndone?: boolean;
}

export interface TaskRequest {
  readonly route: string;
  readonly path: string;
  readonly by: string;
  readonly work: TaskWork;
}

export interface TasksOptions {
  readonly store: ClusterStore;
  readonly uuid: string;
  readonly host: string;
  readonly events: Pick<EventLog, "raise">;
  /** Of a task that an earlier mortard began. */
  readonly workOf: (task: TaskDocument) => TaskWork | undefined;
  readonly log: Log;
  readonly lookMs?: number;
}

/** What an answer says besides its result. */
type Said = Partial<Pick<Task, "warnings" | "details">>;

interface Running {
  readonly work: TaskWork;
  readonly steps: TaskSteps;
  isCancelling: boolean;
}

export class Tasks {
  readonly #options: TasksOptions;
  readonly #running = new Map<string, Running>();
  #book: TaskBook | undefined;
  #isClosed = false;

  private constructor(options: TasksOptions) {
    this.#options = options;
  }

  static async open(options: TasksOptions): Promise<Tasks> {
    const tasks = new Tasks(options);
    tasks.#book = await TaskBook.open(options.store, options.log, (it) => tasks.#changed(it));
    return tasks;
  }

  /** What earlier daemons of this node left. To be called once commands can be run. */
  async takeOver(): Promise<void> {
    const { uuid, workOf, log } = this.#options;
    for (const task of this.#known().all) {
      if (task.nodeId !== uuid || isTaskOver(task) || this.#running.has(task.id)) continue;
      const work = workOf(task);
      try {
        if (work?.follow === undefined) {
          await this.#interrupt(task);
          continue;
        }
        void this.#follow(task.id, this.#begin(task.id, work));
        // The one before may have ended between being asked to cancel it and doing so.
        this.#changed(task);
      } catch (error) {
        log.warn({ task: task.id, err: error }, "a former task is not taken over");
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#book?.close();
  }

  async reload(): Promise<void> {
    await this.#known().reload();
  }

  /** The newest first, without results. */
  list(): Task[] {
    return this.#known().all.map(told);
  }

  async info(id: string): Promise<Task | undefined> {
    const task = this.#known().get(id);
    if (task === undefined) return undefined;
    const result = isTaskOver(task) ? await this.#known().resultOf(id) : undefined;
    return { ...told(task), ...(result === undefined ? {} : { result }) };
  }

  /** Begins it, and gives the task at once. Rejects with StoreError when it cannot be kept. */
  async start(request: TaskRequest, make: () => Promise<Reply<unknown>>): Promise<Task> {
    const task = await this.#add(request);
    const running = this.#begin(task.id, request.work);
    void this.#run(task.id, running, make);
    return told(task);
  }

  /** Of what was begun and answered, and goes on: the one that follows it already, if there is one. */
  async followOn(request: TaskRequest): Promise<Task> {
    const known = this.#known().all.find((it) =>
      !isTaskOver(it) && it.route === request.route && it.object === request.work.object);
    if (known !== undefined) return told(known);
    const task = await this.#add(request);
    void this.#follow(task.id, this.#begin(task.id, request.work));
    return told(task);
  }

  /** It is asked for on whichever node; the one that does it hears of it by the book. */
  async cancel(id: string, who: string): Promise<Task | undefined> {
    const changed = await this.#known().change(id, (task) =>
      isTaskOver(task) ? task : { ...task, state: "cancelling", cancelAsked: who });
    return changed === undefined ? undefined : told(changed);
  }

  #known(): TaskBook {
    if (this.#book === undefined) throw new Error("the tasks are not read yet");
    return this.#book;
  }

  async #add({ route, path, by, work }: TaskRequest): Promise<TaskDocument> {
    const { uuid, host, events } = this.#options;
    const startedAtMs = Date.now();
    const id = `${startedAtMs.toString(36).padStart(9, "0")}-${randomBytes(4).toString("hex")}`;
    const { object, sentence, volume, bricks } = work;
    const task: TaskDocument = {
      schema: 1, id, route, path, object, sentence, state: "running", by, node: host, nodeId: uuid,
      startedAtMs, canCancel: work.cancel !== undefined || work.isUndone === true,
      ...(volume === undefined ? {} : { volume }), ...(bricks === undefined ? {} : { bricks }),
    };
    await this.#known().add(task);
    void this.#known().forgetOld();
    events.raise({
      kind: "task-started", object: id, sentence: `${sentence}: begun by ${by}.`,
      data: { route, of: object },
    });
    return task;
  }

  #begin(id: string, work: TaskWork): Running {
    const running = { work, steps: new TaskSteps(), isCancelling: false };
    this.#running.set(id, running);
    return running;
  }

  async #run(id: string, running: Running, make: () => Promise<Reply<unknown>>): Promise<void> {
    const { work, steps } = running;
    const counting = setInterval(() => void this.#count(id, running), this.#lookMs);
    counting.unref();
    let reply: Reply<unknown>;
    try {
      reply = await withSteps(steps, make);
    } catch (error) {
      reply = { ok: false, problem: problemOfDeath(error) };
    } finally {
      clearInterval(counting);
    }
    if (reply.ok && work.follow !== undefined) return await this.#follow(id, running);
    if (steps.isRefused && !reply.ok) return await this.#end(id, { ended: "cancelled" });
    const progress = await this.#progressOf(running);
    if (!reply.ok) return await this.#end(id, { ended: "failed", ...progress }, reply.problem);
    const { result, warnings, details } = reply;
    await this.#end(id, { ended: "done", result, ...progress }, undefined, { warnings, details });
  }

  async #follow(id: string, running: Running): Promise<void> {
    let refused: Problem | undefined;
    for (let refusals = 0; refusals < REFUSALS_MAX && !this.#isClosed;) {
      await this.#pause();
      const reply = await running.work.follow!().catch((error: unknown): Reply<Followed> =>
        ({ ok: false, problem: problemOfDeath(error) }));
      if (!reply.ok) {
        refused = reply.problem;
        refusals += 1;
        continue;
      }
      refusals = 0;
      const { ended, progress, sentence } = reply.result;
      if (ended !== undefined) {
        const problem = ended === "failed" ? problemOfDeath(new Error(sentence ?? "It failed")) : undefined;
        return await this.#end(id, reply.result, problem);
      }
      if (progress !== undefined) await this.#tell(id, progress);
    }
    if (!this.#isClosed) await this.#end(id, { ended: "failed" }, refused);
  }

  async #count(id: string, running: Running): Promise<void> {
    const { progress } = await this.#progressOf(running);
    if (progress !== undefined && this.#running.has(id)) await this.#tell(id, progress);
  }

  async #progressOf({ work, steps }: Running): Promise<{ progress?: TaskCount }> {
    const counted = await work.count?.().catch(() => undefined);
    if (counted !== undefined) return { progress: counted };
    if (steps.done === 0 && steps.note === undefined) return {};
    const note = steps.note === undefined ? {} : { note: steps.note };
    return { progress: { done: steps.done, unit: "steps", ...note } };
  }

  async #tell(id: string, progress: TaskCount): Promise<void> {
    const before = this.#known().get(id);
    if (before === undefined || JSON.stringify(before.progress) === JSON.stringify(progress)) return;
    try {
      await this.#known().change(id, (task) => isTaskOver(task) ? task : { ...task, progress });
    } catch (error) {
      this.#options.log.debug({ task: id, err: error }, "a task's progress is not kept");
    }
  }

  /** Until it is kept: nobody else will say how it ended. */
  async #end(
    id: string, { ended = "done", progress, result }: Followed, problem?: Problem, { warnings = [], details = [] }: Said = {},
  ): Promise<void> {
    this.#running.delete(id);
    const { events, log } = this.#options;
    const how = (task: TaskDocument): TaskDocument => ({
      ...task, state: ended, endedAtMs: Date.now(), canCancel: false,
      ...(progress === undefined ? {} : { progress }),
      ...(problem === undefined ? {} : { problem }),
      ...(warnings.length === 0 ? {} : { warnings }),
      ...(details.length === 0 ? {} : { details }),
    });
    while (!this.#isClosed) {
      try {
        const task = await this.#known().change(id, how, result);
        if (task === undefined) return;
        const { sentence, route, object } = task;
        events.raise({
          kind: "task-ended", object: id, severity: ended === "failed" ? "warning" : "note",
          sentence: `${sentence}: ${ended}${problem === undefined ? "" : `: ${problem.detail}`}.`,
          data: { route, of: object, state: ended },
          nextStep: problem?.nextStep,
        });
        return;
      } catch (error) {
        log.warn({ task: id, err: error }, "how a task ended is not kept yet");
        await this.#pause();
      }
    }
  }

  async #interrupt(task: TaskDocument): Promise<void> {
    const detail = `mortard ended on ${task.node} while it was under way. What it had begun is ` +
      "finished or undone by the next command; see what is there before it is asked for again.";
    const problem: Problem = {
      ...problemOfDeath(new Error(detail)), type: "interrupted", title: "It was interrupted",
      node: task.node, object: task.object,
    };
    await this.#known().change(task.id, (it) => ({
      ...it, state: "interrupted", endedAtMs: Date.now(), canCancel: false, problem,
    }));
    this.#options.events.raise({
      kind: "task-interrupted", object: task.id, sentence: `${task.sentence}: ${detail}`,
      data: { route: task.route, of: task.object },
    });
  }

  /** Somebody, on any node, wants a task of this one to end. */
  #changed({ id, cancelAsked, nodeId }: TaskDocument): void {
    const running = nodeId === this.#options.uuid ? this.#running.get(id) : undefined;
    if (running === undefined || cancelAsked === undefined || running.isCancelling) return;
    running.isCancelling = true;
    running.steps.cancel();
    const { cancel } = running.work;
    if (cancel === undefined) return;
    void (async () => {
      try {
        const reply = await cancel();
        if (reply.ok) return;
        this.#options.log.warn({ task: id, problem: reply.problem }, "a task is not cancelled");
      } catch (error) {
        this.#options.log.warn({ task: id, err: error }, "a task is not cancelled");
      }
      await this.#goesOn(id, running);
    })();
  }

  /** It could not be stopped: whoever asked for it sees that it runs. */
  async #goesOn(id: string, running: Running): Promise<void> {
    try {
      await this.#known().change(id, (task) => {
        const { cancelAsked: _asked, ...rest } = task;
        return isTaskOver(task) ? task : { ...rest, state: "running" };
      });
    } catch (error) {
      this.#options.log.warn({ task: id, err: error }, "a task is shown as being cancelled, and goes on");
    }
    running.isCancelling = false;
  }

  /** Nobody waits for it to end the daemon. */
  async #pause(): Promise<void> {
    await sleep(this.#lookMs, undefined, { ref: false });
  }

  get #lookMs(): number {
    return this.#options.lookMs ?? LOOK_MS;
  }
}

function told(task: TaskDocument): Task {
  const { schema: _schema, cancelAsked: _asked, volume: _volume, bricks: _bricks, ...rest } = task;
  return rest;
}

function problemOfDeath(error: unknown): Problem {
  const detail = error instanceof Error ? error.message : String(error);
  return {
    type: "task-failed", title: "The task failed", status: 500, detail, opErrno: 5, opErrstr: detail,
    details: [], warnings: [],
  };
}
