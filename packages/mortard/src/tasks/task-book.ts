/**
 * Tasks of all nodes, kept with the cluster's state: told of by every node, and after every restart.
 *
 *     pool/task/ID            `TaskDocument`, small: held in memory by every node
 *     pool/task-result/ID     `ResultDocument`, read when somebody asks for it
 *
 * Only the node that a task is of puts its document; of another node's, only `cancelAsked` is put. Each
 * put is upon the revision that was read. Ended tasks above KEPT_MAX are removed, the oldest first.
 */
import type { Task } from "@mortar/api";
import { type ClusterStore, StoreError, type StoreEvent } from "@mortar/store";
import { POOL_PREFIX } from "../cluster-keys.ts";
import type { Log } from "../log.ts";

const TASKS = `${POOL_PREFIX}task/`;
const RESULTS = `${POOL_PREFIX}task-result/`;
const KEPT_MAX = 300;
const RESULT_CHARACTERS_MAX = 64 * 1024;
const TRIES_MAX = 5;

export interface TaskDocument extends Omit<Task, "result"> {
  readonly schema: 1;
  /** Somebody wants it to end: who. */
  readonly cancelAsked?: string;
  /** Of the request, for the next mortard to follow what goes on without it. */
  readonly volume?: string;
  readonly bricks?: string[];
}

export class TaskBook {
  readonly #store: ClusterStore;
  readonly #log: Log;
  readonly #onChange: (task: TaskDocument) => void;
  readonly #tasks = new Map<string, TaskDocument>();
  readonly #endWatch: () => void;

  private constructor(store: ClusterStore, log: Log, onChange: (task: TaskDocument) => void) {
    this.#store = store;
    this.#log = log;
    this.#onChange = onChange;
    this.#endWatch = store.watch(TASKS, (event) => this.#told(event));
  }

  static async open(
    store: ClusterStore, log: Log, onChange: (task: TaskDocument) => void,
  ): Promise<TaskBook> {
    const book = new TaskBook(store, log, onChange);
    await book.reload();
    return book;
  }

  close(): void {
    this.#endWatch();
  }

  /** The store may be another one. Never rejects. */
  async reload(): Promise<void> {
    try {
      const entries = await this.#store.list(TASKS);
      this.#tasks.clear();
      for (const { value } of entries) this.#take(value as TaskDocument);
    } catch (error) {
      this.#log.warn({ err: error }, "tasks are not read");
    }
  }

  /** The newest first. */
  get all(): TaskDocument[] {
    return [...this.#tasks.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  get(id: string): TaskDocument | undefined {
    return this.#tasks.get(id);
  }

  /** Rejects with StoreError when nothing can be kept now. */
  async add(task: TaskDocument): Promise<void> {
    await this.#store.transaction([{ key: TASKS + task.id, expected: "absent", put: task }]);
    this.#take(task);
  }

  /** Gives what was put; undefined: it is gone. Rejects with StoreError. */
  async change(
    id: string, how: (task: TaskDocument) => TaskDocument, result?: unknown,
  ): Promise<TaskDocument | undefined> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const entry = await this.#store.get(TASKS + id);
      if (entry === undefined) return undefined;
      const text = result === undefined ? "" : JSON.stringify(result);
      const isOmitted = text.length > RESULT_CHARACTERS_MAX;
      const changed = {
        ...how(entry.value as TaskDocument), ...(isOmitted ? { isResultOmitted: true } : {}),
      };
      const resultPut = { key: RESULTS + id, expected: "absent" as const, put: { schema: 1, result } };
      const done = await this.#store.transaction([
        { key: entry.key, expected: entry.revision, put: changed },
        ...(text === "" || isOmitted ? [] : [resultPut]),
      ]);
      if (!done.committed) continue;
      this.#take(changed);
      return changed;
    }
    throw new StoreError("refused", `The task ${id} was changed by others all the while`);
  }

  async resultOf(id: string): Promise<unknown> {
    const entry = await this.#store.get(RESULTS + id);
    const document: { readonly result?: unknown } | undefined = entry?.value;
    return document?.result;
  }

  /** Of those that have ended. Never rejects: the next one tries again. */
  async forgetOld(): Promise<void> {
    const over = this.all.filter(({ endedAtMs }) => endedAtMs !== undefined).slice(KEPT_MAX);
    try {
      for (const { id } of over) {
        const entries = await Promise.all([TASKS + id, RESULTS + id].map((key) => this.#store.get(key)));
        const present = entries.filter((it) => it !== undefined);
        await this.#store.transaction(present.map(({ key, revision }) =>
          ({ key, expected: revision, delete: true as const })));
        this.#tasks.delete(id);
      }
    } catch (error) {
      this.#log.warn({ err: error }, "old tasks are not removed");
    }
  }

  #told({ changes }: StoreEvent): void {
    for (const { key, value } of changes) {
      if (value === undefined) this.#tasks.delete(key.slice(TASKS.length));
      else this.#take(value as TaskDocument);
    }
  }

  #take(task: TaskDocument): void {
    this.#tasks.set(task.id, task);
    this.#onChange(task);
  }
}
