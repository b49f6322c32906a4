/**
 * Where the state of the cluster is, as this node knows: STATE/membership.json.
 *
 * Its rename is the commit point of every change of that: of the way from the embedded store to
 * etcd and back, and of joining and leaving. Absent: embedded.
 *
 *     { "schema": 1, "kind": "embedded" }
 *     { "schema": 1, "kind": "etcd", "cluster": UUID, "endpoints": ["https://HOST:PORT", …] }
 *     { …, "external": true }          it is not ours: mortar.json says how to reach it
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "../durable-file.ts";

export type Membership =
  | { readonly schema: 1; readonly kind: "embedded" }
  | {
      readonly schema: 1;
      readonly kind: "etcd";
      /** Which cluster; a random uuid. */
      readonly cluster: string;
      readonly endpoints: readonly string[];
      readonly external?: boolean;
    };

export const embedded: Membership = { schema: 1, kind: "embedded" };

export class MembershipFile {
  readonly #file: string;
  #membership: Membership;

  /** Throws when the file is there and damaged. */
  constructor(stateDirectory: string) {
    this.#file = join(stateDirectory, "membership.json");
    this.#membership = read(this.#file);
  }

  get membership(): Membership {
    return this.#membership;
  }

  /** Durable when it returns. */
  write(membership: Membership): void {
    writeDurably(this.#file, `${JSON.stringify(membership, undefined, 2)}\n`);
    this.#membership = membership;
  }
}

function read(file: string): Membership {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return embedded;
    throw error;
  }
  const membership = parse(text);
  if (membership !== undefined) return membership;
  throw new Error(`${file} does not say where the state is. Restore it from a backup.`);
}

function parse(text: string): Membership | undefined {
  try {
    const value = JSON.parse(text) as Partial<Extract<Membership, { kind: "etcd" }>>;
    const { schema, kind, cluster, endpoints, external } = value as Record<string, unknown>;
    if (schema !== 1) return undefined;
    if (kind === "embedded") return embedded;
    const isWhole = kind === "etcd" && typeof cluster === "string" && Array.isArray(endpoints) &&
      endpoints.length > 0 && endpoints.every((it) => typeof it === "string");
    if (!isWhole) return undefined;
    const membership = { schema: 1, kind: "etcd", cluster, endpoints } as const;
    return external === true ? { ...membership, external } : membership;
  } catch {
    return undefined;
  }
}
