/** The command lines of `snapshot create` and `snapshot clone`. */
import type { Output } from "../io.ts";
import { UsageError } from "./command.ts";

export interface SnapshotCreateRequest {
  readonly name: string;
  readonly volume: string;
  /** Further ones, which stock does not take. */
  readonly volumes?: string[];
  readonly timestamp: boolean;
  readonly description?: string;
}

const NAME_CHARACTERS_MAX = 255;
const DESCRIPTION_CHARACTERS_MAX = 1024;
const keywords = new Set(["no-timestamp", "description", "force"]);
const reserved = ["all", "volume", "description", "force"];

const forceWarning =
  "Warning: 'force' option is deprecated and should not be used in the future while creating " +
  "snapshot. Snapshot create command will only execute if all the bricks used in creating the " +
  "snapshot are online.\n";

/** Several volumes unless `strict`. Throws `UsageError`; notices that stop nothing go to `notices`. */
export function parseSnapshotCreate(
  args: readonly string[],
  notices: Output,
  strict: boolean,
): SnapshotCreateRequest {
  const [name, volume, ...rest] = args;
  if (name === undefined) throw new UsageError();
  if (volume === undefined) throw new UsageError("Invalid Syntax.");
  checkName(name, "snapname", "create");
  if (volume === "") throw new UsageError("Please provide the volume name");
  const words = [...rest];
  const volumes: string[] = [];
  while (words[0] !== undefined && !keywords.has(words[0])) volumes.push(words.shift()!);
  if (strict && volumes.length > 0) {
    throw new UsageError("Creating multiple volume snapshot is not supported as of now");
  }
  const forced = words.at(-1) === "force" || words[0] === "force";
  if (forced) notices.write(forceWarning);
  if (words.at(-1) === "force") words.pop();
  if (words[0] === "force") throw new UsageError();
  const timestamp = words[0] !== "no-timestamp";
  if (!timestamp) words.shift();
  const [word, description] = words;
  const request = { name, volume, timestamp, ...(volumes.length === 0 ? {} : { volumes }) };
  if (word === undefined) return request;
  if (word !== "description") throw new UsageError("Invalid Syntax.");
  if (description === undefined) throw new UsageError("Please provide a description");
  if (words.length > 2) throw new UsageError("Invalid Syntax.");
  if (description.length > DESCRIPTION_CHARACTERS_MAX) {
    notices.write(
      "snapshot create: description truncated: Description provided is longer than " +
        `${DESCRIPTION_CHARACTERS_MAX} characters\n`,
    );
  }
  return { ...request, description: description.slice(0, DESCRIPTION_CHARACTERS_MAX) };
}

export function parseSnapshotClone(args: readonly string[]): {
  cloneName: string;
  snapshot: string;
  volume?: string;
} {
  const [cloneName, snapshot, word, volume] = args;
  if (cloneName === undefined || args.length > 4) throw new UsageError();
  if (word !== undefined && (word !== "volume" || volume === undefined)) throw new UsageError();
  if (snapshot === undefined) throw new UsageError("Invalid Syntax.");
  checkName(cloneName, "clonename", "clone");
  return { cloneName, snapshot, ...(volume === undefined ? {} : { volume }) };
}

function checkName(name: string, kind: "snapname" | "clonename", verb: string): void {
  if (reserved.includes(name)) throw new UsageError(`"${name}" cannot be a ${kind}`, "stdout");
  if (name.length > NAME_CHARACTERS_MAX) {
    throw new UsageError(
      `snapshot ${verb}: failed: ${kind} cannot exceed ${NAME_CHARACTERS_MAX} characters.`,
    );
  }
  if (!/^[A-Za-z0-9_-]+$/.test(name)) {
    const title = kind === "snapname" ? "Snapname" : "Clonename";
    throw new UsageError(`${title} can contain only alphanumeric, "-" and "_" characters`);
  }
}
