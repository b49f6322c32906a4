/**
 * Tokens of those who ask over the network, kept with the cluster's state: one made on any node is
 * good on all of them, one that was revoked on none.
 *
 *     pool/token/NAME    `TokenDocument`: a digest of the token, never the token
 *
 * While a majority is away those that were known last are good.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Role, TokenCreated, TokenInfo } from "@mortar/api";
import type { ClusterStore } from "@mortar/store";
import { POOL_PREFIX } from "../cluster-keys.ts";
import type { Log } from "../log.ts";
import { WatchedDocuments } from "../watched-documents.ts";

const PREFIX = `${POOL_PREFIX}token/`;
const WORD = "mortar-";
const SECRET_BYTES = 32;
const DAY_MS = 24 * 3600 * 1000;

interface TokenDocument extends TokenInfo {
  readonly schema: 1;
  /** SHA-256 of the token, hex: it is random enough to need no salt. */
  readonly digest: string;
}

export interface NewToken {
  readonly name: string;
  readonly role: Role;
  readonly days?: number;
  readonly createdBy: string;
}

export interface Bearer {
  readonly name: string;
  readonly role: Role;
}

export class AccessTokens {
  readonly #documents: WatchedDocuments<TokenDocument>;

  private constructor(documents: WatchedDocuments<TokenDocument>) {
    this.#documents = documents;
  }

  static async open(store: ClusterStore, log: Log): Promise<AccessTokens> {
    return new AccessTokens(await WatchedDocuments.open<TokenDocument>(store, PREFIX, log));
  }

  close(): void {
    this.#documents.close();
  }

  /** The store is another one. */
  async reload(): Promise<void> {
    await this.#documents.reload();
  }

  /** Undefined: there is one with this name already. */
  async create({ name, role, days, createdBy }: NewToken): Promise<TokenCreated | undefined> {
    const token = WORD + randomBytes(SECRET_BYTES).toString("base64url");
    const nowMs = Date.now();
    const info: TokenInfo = {
      name, role, createdBy, createdAtMs: nowMs,
      ...(days === undefined ? {} : { expiresAtMs: nowMs + days * DAY_MS }),
    };
    const isNew = await this.#documents.add(name, { schema: 1, ...info, digest: digestOf(token) });
    return isNew ? { ...info, token } : undefined;
  }

  list(): TokenInfo[] {
    return this.#documents.all
      .map(({ schema: _schema, digest: _digest, ...info }) => info)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** False: there is none with this name. */
  async revoke(name: string): Promise<boolean> {
    return await this.#documents.remove(name);
  }

  /** Undefined: nobody's, or over. */
  bearerOf(token: string): Bearer | undefined {
    const digest = digestOf(token);
    const found = this.#documents.all.find((it) => it.digest === digest);
    if (found === undefined || (found.expiresAtMs ?? Infinity) <= Date.now()) return undefined;
    return { name: found.name, role: found.role };
  }
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
