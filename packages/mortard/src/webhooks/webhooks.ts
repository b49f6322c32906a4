/**
 * Who is told of events by HTTP, kept with the cluster's state: what is entered on any node is so on all.
 *
 *     pool/webhook/NAME    `WebhookDocument`; with the secret, since it signs what is sent
 */
import { randomBytes } from "node:crypto";
import type { WebhookCreated, WebhookInfo } from "@mortar/api";
import type { ClusterStore } from "@mortar/store";
import { POOL_PREFIX } from "../cluster-keys.ts";

const PREFIX = `${POOL_PREFIX}webhook/`;
const SECRET_BYTES = 32;

export interface WebhookDocument extends WebhookInfo {
  readonly schema: 1;
  readonly secret: string;
}

export interface NewWebhook {
  readonly name: string;
  readonly url: string;
  readonly events?: string[];
  readonly createdBy: string;
}

export class Webhooks {
  readonly #store: ClusterStore;
  #all: readonly WebhookDocument[] = [];
  readonly #endWatch: () => void;

  private constructor(store: ClusterStore) {
    this.#store = store;
    this.#endWatch = store.watch(PREFIX, () => void this.#read().catch(() => undefined));
  }

  static async open(store: ClusterStore): Promise<Webhooks> {
    const webhooks = new Webhooks(store);
    await webhooks.#read();
    return webhooks;
  }

  close(): void {
    this.#endWatch();
  }

  /** As last heard of. */
  get all(): readonly WebhookDocument[] {
    return this.#all;
  }

  /** Undefined: there is one with this name already. */
  async create({ name, url, events, createdBy }: NewWebhook): Promise<WebhookCreated | undefined> {
    const info: WebhookInfo = {
      name, url, createdAtMs: Date.now(), createdBy, ...(events === undefined ? {} : { events }),
    };
    const secret = randomBytes(SECRET_BYTES).toString("base64url");
    const put: WebhookDocument = { schema: 1, ...info, secret };
    const done = await this.#store.transaction([{ key: PREFIX + name, expected: "absent", put }]);
    await this.#read();
    return done.committed ? { ...info, secret } : undefined;
  }

  list(): WebhookInfo[] {
    return this.#all.map(({ schema: _schema, secret: _secret, ...info }) => info)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** False: there is none with this name. */
  async delete(name: string): Promise<boolean> {
    const entry = await this.#store.get(PREFIX + name);
    if (entry === undefined) return false;
    await this.#store.transaction([{ key: entry.key, expected: entry.revision, delete: true }]);
    await this.#read();
    return true;
  }

  async #read(): Promise<void> {
    this.#all = (await this.#store.list(PREFIX)).map(({ value }) => value as WebhookDocument);
  }
}
