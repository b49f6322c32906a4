/**
 * Who is told of events by HTTP, kept with the cluster's state: what is entered on any node is so on all.
 *
 *     pool/webhook/NAME    `WebhookDocument`; with the secret, since it signs what is sent
 */
import { randomBytes } from "node:crypto";
import type { WebhookCreated, WebhookInfo } from "@mortar/api";
import type { ClusterStore } from "@mortar/store";
import { POOL_PREFIX } from "../cluster-keys.ts";
import type { Log } from "../log.ts";
import { WatchedDocuments } from "../watched-documents.ts";

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
  readonly #documents: WatchedDocuments<WebhookDocument>;

  private constructor(documents: WatchedDocuments<WebhookDocument>) {
    this.#documents = documents;
  }

  static async open(store: ClusterStore, log: Log): Promise<Webhooks> {
    return new Webhooks(await WatchedDocuments.open<WebhookDocument>(store, PREFIX, log));
  }

  close(): void {
    this.#documents.close();
  }

  /** The store is another one. */
  async reload(): Promise<void> {
    await this.#documents.reload();
  }

  /** As last heard of. */
  get all(): readonly WebhookDocument[] {
    return this.#documents.all;
  }

  /** Undefined: there is one with this name already. */
  async create({ name, url, events, createdBy }: NewWebhook): Promise<WebhookCreated | undefined> {
    const info: WebhookInfo = {
      name, url, createdAtMs: Date.now(), createdBy, ...(events === undefined ? {} : { events }),
    };
    const secret = randomBytes(SECRET_BYTES).toString("base64url");
    const isNew = await this.#documents.add(name, { schema: 1, ...info, secret });
    return isNew ? { ...info, secret } : undefined;
  }

  list(): WebhookInfo[] {
    return this.all.map(({ schema: _schema, secret: _secret, ...info }) => info)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** False: there is none with this name. */
  async delete(name: string): Promise<boolean> {
    return await this.#documents.remove(name);
  }
}
