/** The optional configuration file, ROOT/etc/mortar/mortar.json. */
import { readFileSync } from "node:fs";
import { type NodeConfig, NodeConfigSchema, firstMismatch } from "@mortar/api";

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** What the file says, with the defaults filled in. A missing file is all defaults. */
export type Settings = Required<Omit<NodeConfig, OfPools | Optional>> &
  Pick<NodeConfig, OfPools | Optional>;

type Optional = "address" | "etcdCluster" | "web" | "socketGroup";

/** HTTP for those who have a token. */
export type WebSettings = NonNullable<NodeConfig["web"]>;

/** What the volume groups read for themselves, as in the command line. */
type OfPools = "devices" | "engine" | "thinPools";

/** Written out instead of left away. */
const EVERY_ADDRESS = ["0.0.0.0", "::"];

const defaults: Settings = {
  hostNames: [],
  glusterPort: 24007,
  peerPort: 24017,
  trustedNetworks: ["127.0.0.0/8", "::1/128"],
  etcd: "etcd",
  certificateDays: 365,
  brickPortFirst: 49152,
  brickPortLast: 60999,
  glusterfsd: "glusterfsd",
  transactionWaitMs: 20_000,
  snapshotViewIdleSeconds: 300,
  hookLimitSeconds: 10,
  hooksRequired: false,
  guestAgents: [],
  clientConnectionsMax: 10_000,
  logLevel: "info",
};

/** Reads and checks the file. Throws `ConfigError` that names the file and what is wrong. */
export function readSettings(file: string): Settings {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return defaults;
    throw new ConfigError(`${file}: ${(error as Error).message}`, { cause: error });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const mismatch = firstMismatch(NodeConfigSchema, value);
  if (mismatch !== undefined) throw new ConfigError(`${file}: ${mismatch}`);
  const settings = { ...defaults, ...(value as NodeConfig) };
  if (settings.brickPortFirst > settings.brickPortLast) {
    throw new ConfigError(`${file}: brickPortFirst is greater than brickPortLast`);
  }
  const { address, ...others } = settings;
  return address === undefined || EVERY_ADDRESS.includes(address) ? others : settings;
}
