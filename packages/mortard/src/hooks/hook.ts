/**
 * Hooks: what is to be quiet while a snapshot is taken. Two kinds:
 *
 *     a script        DIRECTORY/NAME before|after, with MORTAR_SNAPSHOT and MORTAR_VOLUMES set
 *     a guest agent   of a virtual machine: its file systems are frozen and thawed
 *
 * The part after runs for every hook whose part before was begun, whatever became of that.
 */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

export type Hook =
  | {
      readonly kind: "script";
      readonly name: string;
      readonly path: string;
      readonly limitMs: number;
      readonly required: boolean;
    }
  | {
      readonly kind: "guest-agent";
      readonly name: string;
      /** Unix socket of the agent's channel. */
      readonly socket: string;
      readonly limitMs: number;
      readonly required: boolean;
    };

export interface HookSettings {
  readonly limitMs: number;
  readonly required: boolean;
}

/** A virtual machine that has its disks on a volume. */
export interface GuestAgentSettings {
  readonly volume: string;
  readonly name: string;
  readonly socket: string;
  readonly limitSeconds?: number;
  readonly required?: boolean;
}

/**
 * In the order of their names. A file that others than its owner may write to is not run: it is
 * told of in `refused`.
 */
export function scriptHooks(
  directory: string,
  settings: HookSettings,
): { readonly hooks: Hook[]; readonly refused: string[] } {
  const hooks: Hook[] = [];
  const refused: string[] = [];
  for (const name of namesIn(directory)) {
    const path = join(directory, name);
    const { mode, uid } = lstatSync(path);
    if ((mode & S_IFMT) !== S_IFREG || (mode & 0o111) === 0) continue;
    const isSafe = (mode & 0o022) === 0 && (uid === 0 || uid === process.getuid?.());
    if (isSafe) hooks.push({ kind: "script", name, path, ...settings });
    else refused.push(`${path} is not run: others than root may write to it`);
  }
  return { hooks, refused };
}

export function agentHooks(
  agents: readonly GuestAgentSettings[],
  volumes: readonly string[],
  { limitMs, required }: HookSettings,
): Hook[] {
  return agents
    .filter((agent) => volumes.includes(agent.volume))
    .map((agent) => ({
      kind: "guest-agent",
      name: agent.name,
      socket: agent.socket,
      limitMs: agent.limitSeconds === undefined ? limitMs : agent.limitSeconds * 1000,
      required: agent.required ?? required,
    }));
}

const S_IFMT = 0o170000;
const S_IFREG = 0o100000;

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => !/^\.|~$/.test(name)).toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
