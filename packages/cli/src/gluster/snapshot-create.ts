/** The command lines of `snapshot create` and `snapshot clone`. */
import type { Output } from "../io.ts";
import { UsageError } from "./command.ts";

export interface SnapshotCreateRequest {
  readonly name: string;
  readonly volume: string;
  readonly timestamp: boolean;
  readonly description?: string;
}

const NAME_CHARACTERS_MAX = 255;
const DESCRIPTION_CHARACTERS_MAX = 1024;
const reserved = ["all", "volume", "description", "force"];

const forceWarning =
  "Warning: 'force' option is deprecated and should not be used in the future while creating " +
  "snapshot. Snapshot create command will only execute if all the bricks used in creating the " +
  "snapshot are online.\n";

/** Throws `UsageError`; notices that stop nothing go to `notices`. */
export function parseSnapshotCreate(
  args: readonly string[],
  notices: Output,
): SnapshotCreateRequest {
  const [name, volume, ...rest] = args;
  if (name === undefined) throw new UsageError();
  if (volume === undefined) throw new UsageError("Invalid Syntax.");
  checkName(name, "snapname", "create");
  if (volume === "") throw new UsageError("Please provide the volume name");
  const words = [...rest];
  const forced = words.at(-1) === "force" || words[0] === "force";
  if (forced) notices.write(forceWarning);
  if (words.at(-1) === "force") words.pop();
  if (words[0] === "force") throw new UsageError();
  const timestamp = words[0] !== "no-timestamp";
  if (!timestamp) words.shift();
  const [word, description] = words;
  if (word === undefined) return { name, volume, timestamp };
  if (word !== "description") {
    throw new UsageError(
      timestamp ? "Creating multiple volume snapshot is not supported as of now" : "Invalid Syntax.",
    );
  }
  if (description === undefined) throw new UsageError("Please provide a description");
  if (words.length > 2) throw new UsageError("Invalid Syntax.");
  if (description.length > DESCRIPTION_CHARACTERS_MAX) {
    notices.write(
      "snapshot create: description truncated: Description provided is longer than " +
        `${DESCRIPTION_CHARACTERS_MAX} characters\n`,
    );
  }
  return {
    name,
    volume,
    timestamp,
    description: description.slice(0, DESCRIPTION_CHARACTERS_MAX),
  };
}

export function parseSnapshotClone(args: readonly string[]): {
  cloneName: string;
  snapshot: string;
} {
  const [cloneName, snapshot] = args;
  if (cloneName === undefined || args.length > 2) throw new UsageError();
  if (snapshot === undefined) throw new UsageError("Invalid Syntax.");
  checkName(cloneName, "clonename", "clone");
  return { cloneName, snapshot };
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
