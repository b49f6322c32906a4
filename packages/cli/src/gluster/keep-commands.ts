/** `snapshot hold`, `release`, `lock`, `unlock`: what keeps a snapshot, and how it ends. */
import type { SnapshotKept, SnapshotUnlocked } from "@mortar/api";
import { type XmlElement, element } from "../xml.ts";
import { type Presentation, present } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";
import { namedXml } from "./snapshot-xml.ts";
import { untilMs, utcText } from "./time-argument.ts";
import { wordOptions } from "./word-options.ts";

export const keepCommands: readonly GlusterCommand[] = [
  {
    words: ["snapshot", "hold"],
    usage: "snapshot hold <snapname> --reason TEXT [--owner NAME] [--until TIME]",
    help: "Keep a snapshot from being removed until it is released.",
    more:
      "The owner is you unless told; a time is a date, an instant, or a duration from now.\n" +
      'Example: mortar snapshot hold before-upgrade --reason "case 4711" --until 30d',
    family: "mortar",
    run: hold,
  },
  {
    words: ["snapshot", "release"],
    usage: "snapshot release <snapname> [--owner NAME]",
    help: "End a hold.",
    more: "Example: mortar snapshot release before-upgrade --owner audit",
    family: "mortar",
    run: release,
  },
  {
    words: ["snapshot", "lock"],
    usage: "snapshot lock <snapname> --until TIME",
    help: "Lock a snapshot until a time, which can be extended and never shortened.",
    more: "Example: mortar snapshot lock year-end --until 2036-12-31",
    family: "mortar",
    run: lock,
  },
  {
    words: ["snapshot", "unlock"],
    usage: "snapshot unlock <snapname> [--operator NAME]",
    help: "Ask that a lock be removed; another operator confirms it, a day later at the earliest.",
    more:
      "Who you are is what you logged in as; --operator is for where no login is known.\n" +
      "Example: mortar snapshot unlock year-end",
    family: "mortar",
    run: unlock,
  },
];

function shown<T extends { name: string; uuid: string }>(
  verb: string,
  text: (result: T) => string,
): Presentation<T> {
  const xml = (it: T): XmlElement[] => [element("snapshots", [namedXml("snapshot", it)])];
  return { text, xml, failed: `snapshot ${verb}: failed: ` };
}

async function hold(session: Session, args: readonly string[]): Promise<number> {
  const { snapshot, options } = read(args, ["reason", "owner", "until"]);
  const reason = options.get("reason");
  if (reason === undefined) throw new UsageError("Say why, with --reason TEXT.");
  const owner = options.get("owner");
  const until = options.get("until");
  const client = await session.client();
  const answer = await client.snapshotHold(snapshot, {
    reason,
    ...(owner === undefined ? {} : { owner }),
    ...(until === undefined ? {} : { untilMs: untilMs(until, Date.now()) }),
  });
  return present(session, answer, shown("hold", ({ name }) => `Snapshot ${name} is held\n`));
}

async function release(session: Session, args: readonly string[]): Promise<number> {
  const { snapshot, options } = read(args, ["owner"]);
  const owner = options.get("owner");
  const client = await session.client();
  const answer = await client.snapshotRelease(snapshot, owner === undefined ? {} : { owner });
  return present(session, answer, shown("release", ({ name }) => `Snapshot ${name} is released\n`));
}

async function lock(session: Session, args: readonly string[]): Promise<number> {
  const { snapshot, options } = read(args, ["until"]);
  const until = options.get("until");
  if (until === undefined) throw new UsageError("Say until when, with --until TIME.");
  const ms = untilMs(until, Date.now());
  const client = await session.client();
  const answer = await client.snapshotLock(snapshot, { untilMs: ms });
  return present(session, answer, shown("lock", ({ name }) =>
    `Snapshot ${name} is locked until ${utcText(ms)}\n`));
}

async function unlock(session: Session, args: readonly string[]): Promise<number> {
  const { snapshot, options } = read(args, ["operator"]);
  const operator = options.get("operator");
  const client = await session.client();
  const answer = await client.snapshotUnlock(snapshot, operator === undefined ? {} : { operator });
  return present(session, answer, shown("unlock", unlockedText));
}

function unlockedText({ name, unlocked, confirmAfterMs }: SnapshotUnlocked): string {
  if (unlocked) return `Snapshot ${name} is not locked any more\n`;
  return (
    `Snapshot ${name} is still locked. Another operator confirms with "snapshot unlock ${name}", ` +
    `after ${utcText(confirmAfterMs)}\n`
  );
}

function read(args: readonly string[], known: readonly string[]) {
  const { words, options } = wordOptions(args, known);
  const [snapshot] = words;
  if (snapshot === undefined || words.length > 1) throw new UsageError();
  return { snapshot, options };
}

/** One line for each thing that keeps it; empty: nothing does. */
export function keptLines({ holds = [], lock: locked, schedule }: SnapshotKept): string[] {
  const lines = holds.map(({ owner, reason, untilMs: until }) =>
    `held by ${owner}: ${reason}${until === undefined ? "" : `, until ${utcText(until)}`}`,
  );
  if (locked !== undefined) {
    const { removal } = locked;
    const asked = removal === undefined
      ? ""
      : `; ${removal.operator}${removal.stated === true ? " (stated)" : ""} asked on ` +
        `${utcText(removal.requestedMs)} that it be removed`;
    lines.push(`locked until ${utcText(locked.untilMs)}${asked}`);
  }
  if (schedule !== undefined) lines.push(`made by the schedule ${schedule}`);
  return lines;
}

export function keptText(snapshots: readonly (SnapshotKept & { readonly name: string })[]): string {
  return snapshots
    .flatMap((it) => keptLines(it).map((line) => `${it.name}: ${line}\n`))
    .join("");
}
