/**
 * Where operators ask a node: on its socket, and over the network; who may do so, and which programs
 * elsewhere are told of events.
 */
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { AuditLog } from "../access/audit-log.ts";
import { AccessTokens } from "../access/tokens.ts";
import type { WebSettings } from "../config.ts";
import type { NodeEvents } from "../events/node-events.ts";
import type { Log } from "../log.ts";
import type { NodePaths } from "../paths.ts";
import type { NodePartsOptions } from "../node-parts.ts";
import { WebhookSender } from "../webhooks/webhook-sender.ts";
import { Webhooks } from "../webhooks/webhooks.ts";
import { type TaskCommands, workAgain } from "../tasks/task-works.ts";
import { Tasks } from "../tasks/tasks.ts";
import type { NodeControl } from "./handlers.ts";
import { IdempotentAnswers } from "./idempotency.ts";
import { httpServer, listen } from "./server.ts";
import { WebListener, type WebListenerOptions } from "./web-listener.ts";

export interface ListenersOptions {
  readonly version: string;
  readonly uuid: string;
  readonly host: string;
  /** For tasks of an earlier daemon that go on. */
  readonly commands: TaskCommands;
  /** Whether another node answers. */
  readonly isHeard: (node: string) => boolean;
  readonly paths: Pick<NodePaths, "logDirectory" | "logFile" | "socketPath">;
  readonly settings: {
    readonly web?: WebSettings | undefined;
    readonly socketGroup?: string | undefined;
  };
  readonly state: Pick<NodePartsOptions["state"], "store" | "tls">;
  readonly events: Pick<NodeEvents, "log" | "refusals">;
  readonly log: Log;
}

interface Kept {
  readonly tokens: AccessTokens;
  readonly list: Webhooks;
  readonly tasks: Tasks;
}

export class Listeners {
  readonly webhooks: { readonly list: Webhooks; readonly sender: WebhookSender };
  readonly #options: ListenersOptions;
  readonly #tokens: AccessTokens;
  readonly tasks: Tasks;
  readonly answers: IdempotentAnswers;
  #socket: FastifyInstance | undefined;
  #web: WebListener | undefined;

  private constructor(options: ListenersOptions, kept: Kept) {
    const { events, uuid, state: { store }, isHeard, log } = options;
    const { tokens, list, tasks } = kept;
    this.#options = options;
    this.#tokens = tokens;
    this.tasks = tasks;
    this.answers = new IdempotentAnswers({ store, uuid, isHeard, nowMs: Date.now, log });
    this.webhooks = { list, sender: new WebhookSender({ webhooks: list, events: events.log, log }) };
  }

  /** Nobody is listened to yet. */
  static async open(options: ListenersOptions): Promise<Listeners> {
    const { state: { store }, uuid, host, commands, events, log } = options;
    const tasks = await Tasks.open({
      store, uuid, host, events: events.log, log, workOf: (task) => workAgain(commands, task),
    });
    const tokens = await AccessTokens.open(store, log);
    return new Listeners(options, { tokens, tasks, list: await Webhooks.open(store, log) });
  }

  async listen(node: NodeControl): Promise<void> {
    const { version, paths, settings, log } = this.#options;
    const audit = new AuditLog(join(paths.logDirectory, "audit.jsonl"));
    const access = { tokens: this.#tokens, audit };
    const http = { node, version, log, logFile: paths.logFile, access };
    this.#socket = await httpServer(http);
    await listen(this.#socket, paths.socketPath, settings.socketGroup);
    await this.#openWeb(http);
    log.info({ socket: paths.socketPath }, "serving commands");
    void this.tasks.takeOver();
  }

  /** The store is another one. */
  reload(): void {
    void this.#tokens.reload();
    void this.webhooks.list.reload();
    void this.tasks.reload();
  }

  async close(): Promise<void> {
    this.webhooks.sender.close();
    await this.#web?.close();
    await this.#socket?.close();
    this.webhooks.list.close();
    this.#tokens.close();
    this.tasks.close();
  }

  /** A port that is taken, or a key that cannot be read, keeps nobody from the rest. */
  async #openWeb(http: Omit<WebListenerOptions, "settings" | "tls">): Promise<void> {
    const { settings, state, events, log } = this.#options;
    if (settings.web === undefined) return;
    try {
      const onRefused = (address: string): void => events.refusals.note(address);
      this.#web = await WebListener.open({
        ...http, onRefused, settings: settings.web, tls: state.tls,
      });
    } catch (error) {
      log.error({ err: error, web: settings.web }, "the web is not served");
    }
  }
}
