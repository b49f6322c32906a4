/** The command line of `volume create`. */
import type { VolumeCreateBody } from "@mortar/api";
import { type Session, UsageError } from "./command.ts";

const NAME_CHARACTERS_MAX = 255;

/** Words that cannot be the name of a volume. */
const reservedNames = [
  "volume",
  "type",
  "subvolumes",
  "option",
  "end-volume",
  "all",
  "volume_not_in_ring",
  "description",
  "force",
  "snap-max-hard-limit",
  "snap-max-soft-limit",
  "auto-delete",
  "activate-on-create",
];

/** The layout words that may stand between the name and the bricks. */
interface Layout {
  replica?: number;
  arbiter?: number;
  disperse?: number;
  disperseData?: number;
  redundancy?: number;
  transport?: string;
  /** `disperse` without a count: the number of bricks. */
  disperseAll?: boolean;
}

/** Throws `UsageError` for whatever can be refused without asking the daemon. */
export function parseVolumeCreate(args: readonly string[]): VolumeCreateBody {
  const [name, ...rest] = args;
  if (name === undefined) throw new UsageError();
  checkVolumeName(name);
  if (rest.length === 0) throw new UsageError();
  const force = rest.at(-1) === "force";
  const words = force ? rest.slice(0, -1) : rest;
  const layout: Layout = {};
  let position = 0;
  while (position < words.length) {
    const used = readLayoutWord(layout, words, position);
    if (used === 0) break;
    position += used;
  }
  const bricks = words.slice(position);
  checkBricks(bricks);
  const { disperseAll, ...counts } = layout;
  // With data bricks told of, it says no more than they do.
  if (disperseAll === true && counts.disperseData === undefined) counts.disperse = bricks.length;
  const { replica } = counts;
  if (replica !== undefined && bricks.length % replica !== 0) {
    throw new UsageError("number of bricks is not a multiple of replica count");
  }
  return { name, bricks, ...counts, force };
}

export async function confirmTwoCopies(session: Session): Promise<void> {
  const confirmation = await session.confirm(
    "Replica 2 volumes are prone to split-brain. Use Arbiter or Replica 3 to avoid this. " +
      "See: http://docs.gluster.org/en/latest/Administrator-Guide/" +
      "Split-brain-and-ways-to-deal-with-it/.\nDo you still want to continue?\n",
  );
  if (confirmation !== "yes") throw new UsageError();
}

function checkVolumeName(name: string): void {
  if (name === "" || name.startsWith("-") || name.includes("/")) throw new UsageError();
  if (reservedNames.includes(name)) {
    throw new UsageError(`"${name}" cannot be the name of a volume.`);
  }
  if (name.length > NAME_CHARACTERS_MAX) throw new UsageError("Volume name exceeds 256 characters.");
  const wrong = /[^A-Za-z0-9_-]/u.exec(name);
  if (wrong !== null) {
    throw new UsageError(
      `Volume name should not contain "${wrong[0]}" character.\n` +
        "Volume names can onlycontain alphanumeric, '-' and '_' characters.",
    );
  }
}

/** Takes one option of the layout; returns how many words it used, 0 when it is none. */
function readLayoutWord(layout: Layout, words: readonly string[], position: number): number {
  const word = words[position];
  const value = words[position + 1];
  switch (word) {
    case "replica":
      once(word, layout.replica);
      if (layout.disperse !== undefined || layout.disperseAll === true) throw mixedLayouts();
      layout.replica = count(value, 2, "replica count should be greater than 1");
      return 2;
    case "arbiter":
      readArbiter(layout, value);
      return 2;
    case "thin-arbiter":
      throw new UsageError("thin-arbiter volumes are not supported by this version of Mortar.");
    case "disperse":
      return readDisperse(layout, value);
    case "disperse-data":
      once(word, layout.disperseData);
      if (layout.replica !== undefined) throw mixedLayouts();
      layout.disperseData = count(value, 2, "disperse-data must be greater than 1");
      return 2;
    case "redundancy":
      once(word, layout.redundancy);
      if (layout.replica !== undefined) throw mixedLayouts();
      layout.redundancy = count(value, 1, "redundancy must be greater than 0");
      return 2;
    case "transport":
      if (layout.transport !== undefined) {
        throw new UsageError("'transport' option given more than one time");
      }
      if (value !== "tcp" && value !== "rdma" && value !== "tcp,rdma") throw new UsageError();
      layout.transport = value;
      return 2;
    default:
      return 0;
  }
}

function readArbiter(layout: Layout, value: string | undefined): void {
  if (layout.replica === undefined) {
    throw new UsageError("arbiter option must be preceded by replica option.");
  }
  once("arbiter", layout.arbiter);
  if (value !== "1" || layout.replica > 3) {
    throw new UsageError(
      "For arbiter configuration, replica count must be 2 and arbiter count must be 1. " +
        "The 3rd brick of the replica will be the arbiter",
    );
  }
  layout.arbiter = 1;
  layout.replica = 3;
}

function readDisperse(layout: Layout, value: string | undefined): number {
  if (layout.disperse !== undefined || layout.disperseAll === true) {
    throw new UsageError("disperse option given twice");
  }
  if (layout.replica !== undefined) throw mixedLayouts();
  if (value === undefined || !/^[0-9]+$/.test(value)) {
    layout.disperseAll = true;
    return 1;
  }
  layout.disperse = count(value, 3, "disperse count must be greater than 2");
  return 2;
}

function mixedLayouts(): UsageError {
  return new UsageError("replicated-dispersed volume is not supported");
}

function once(word: string, value: unknown): void {
  if (value !== undefined) throw new UsageError(`${word} option given twice`);
}

function count(value: string | undefined, least: number, refusal: string): number {
  if (value === undefined) throw new UsageError();
  const parsed = /^[0-9]{1,4}$/.test(value) ? Number(value) : 0;
  if (parsed < least) throw new UsageError(refusal);
  return parsed;
}

export function checkBricks(bricks: readonly string[]): void {
  if (bricks.length === 0) throw new UsageError("No bricks specified");
  const seen = new Set<string>();
  for (const brick of bricks) {
    const [, host] = /^([^\s/]+):\/./.exec(`${brick}.`) ?? [];
    if (host === undefined) {
      throw new UsageError(
        `Wrong brick type: ${brick}, use <HOSTNAME>:<export-dir-abs-path>`,
      );
    }
    if (host === "localhost" || host === "127.0.0.1" || /^0\.\d+\.\d+\.\d+$/.test(host)) {
      throw new UsageError(
        "Please provide a valid hostname/ip other than localhost, 127.0.0.1 or loopback " +
          "address (0.0.0.0 to 0.255.255.255).",
      );
    }
    if (seen.has(brick)) throw new UsageError(`Found duplicate exports ${brick}`);
    seen.add(brick);
  }
}
