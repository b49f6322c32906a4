/**
 * Tokens of those who ask over the network, kept with the cluster's state: one made on any node is
 * good on all of them, one that was revoked on none.
 *
 *     pool/token/NAME    `TokenDocument`: a digest of the token, never the token
 *
 * They are held in memory, and read again when the store tells of a change; while a majority is away
 * those that were known last are good.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Role, TokenCreated, TokenInfo } from "@mortar/api";
import type { ClusterStore } from "@mortar/store";
import { POOL_PREFIX } from "../cluster-keys.ts";

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
  readonly #store: ClusterStore;
  #byDigest: ReadonlyMap<string, TokenDocument> = new Map();
  readonly #endWatch: () => void;

  private constructor(store: ClusterStore) {
    this.#store = store;
    this.#endWatch = store.watch(PREFIX, () => void this.#read().catch(() => undefined));
  }

  static async open(store: ClusterStore): Promise<AccessTokens> {
    const tokens = new AccessTokens(store);
    await tokens.#read();
    return tokens;
  }

  close(): void {
    this.#endWatch();
  }

  /** Undefined: there is one with this name already. */
  async create({ name, role, days, createdBy }: NewToken): Promise<TokenCreated | undefined> {
    const token = WORD + randomBytes(SECRET_BYTES).toString("base64url");
    const nowMs = Date.now();
    const info: TokenInfo = {
      name, role, createdBy, createdAtMs: nowMs,
      ...(days === undefined ? {} : { expiresAtMs: nowMs + days * DAY_MS }),
    };
    const put: TokenDocument = { schema: 1, ...info, digest: digestOf(token) };
    const done = await this.#store.transaction([{ key: PREFIX + name, expected: "absent", put }]);
    await this.#read();
    return done.committed ? { ...info, token } : undefined;
  }

  list(): TokenInfo[] {
    return [...this.#byDigest.values()]
      .map(({ schema: _schema, digest: _digest, ...info }) => info)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** False: there is none with this name. */
  async revoke(name: string): Promise<boolean> {
    const entry = await this.#store.get(PREFIX + name);
    if (entry === undefined) return false;
    await this.#store.transaction([{ key: entry.key, expected: entry.revision, delete: true }]);
    await this.#read();
    return true;
  }

  /** Undefined: nobody's, or over. */
  bearerOf(token: string): Bearer | undefined {
    const found = this.#byDigest.get(digestOf(token));
    if (found === undefined || (found.expiresAtMs ?? Infinity) <= Date.now()) return undefined;
    return { name: found.name, role: found.role };
  }

  async #read(): Promise<void> {
    const entries = await this.#store.list(PREFIX);
    const documents = entries.map(({ value }) => value as TokenDocument);
    this.#byDigest = new Map(documents.map((it) => [it.digest, it]));
  }
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
