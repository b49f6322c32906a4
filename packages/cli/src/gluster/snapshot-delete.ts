/** `snapshot delete`: one, all, or all of a volume. */
import type { SnapshotRemoval } from "@mortar/api";
import { element } from "../xml.ts";
import { present } from "./answer.ts";
import { type Session, UsageError } from "./command.ts";
import { failedLast } from "./snapshot-print.ts";
import { deletedXml, failedDeleteXml } from "./snapshot-xml.ts";

const failed = "snapshot delete: failed: ";

export async function snapshotDelete(session: Session, args: readonly string[]): Promise<number> {
  const [first, volume] = args;
  if (first === undefined) throw new UsageError();
  if (first === "volume") {
    if (volume === undefined || args.length > 2) throw new UsageError();
    return deleteMany(session, volume);
  }
  if (args.length > 1) throw new UsageError();
  return first === "all" ? deleteMany(session, undefined) : deleteOne(session, first);
}

async function deleteOne(session: Session, snapshot: string): Promise<number> {
  const confirmation = await session.confirm(
    "Deleting snap will erase all the information about the snap. Do you still want to continue?",
  );
  if (confirmation !== "yes") return 0;
  const client = await session.client();
  return present(session, await client.snapshotDelete(snapshot), {
    text: ({ name, pending }) => removedLine(name, pending),
    xml: ({ name, uuid }) => [
      element("snapDelete", [element("snapshots", [deletedXml({ name, uuid, removed: true })])]),
    ],
    failed,
    failedLast,
    xmlFailed: (problem) => [failedDeleteXml(snapshot, problem)],
  });
}

async function deleteMany(session: Session, volume: string | undefined): Promise<number> {
  const client = await session.client();
  const listed = await client.snapshotList(volume === undefined ? {} : { volume });
  if (!listed.ok) {
    return present(session, listed, { text: () => "", xml: () => [], failed, failedLast });
  }
  const count = listed.result.length;
  if (count > 0) {
    const where = volume === undefined ? "System" : `Volume (${volume})`;
    const confirmation = await session.confirm(
      `${where} contains ${count} snapshot(s).\nDo you still want to continue and delete them? `,
    );
    if (confirmation !== "yes") return 0;
  }
  const answer =
    count === 0
      ? ({ ok: true, result: [], warnings: [], details: [] } as const)
      : await client.snapshotDeleteMany(volume === undefined ? { all: true } : { volume });
  const exitCode = present<readonly SnapshotRemoval[]>(session, answer, {
    text: removedText,
    xml: (removals) => [
      element("snapDelete", [
        element("snapshots", [
          element("snapCount", removals.length),
          ...removals.map((removal) => deletedXml(removal)),
        ]),
      ]),
    ],
    failed,
    failedLast,
  });
  if (!answer.ok) return exitCode;
  return reportFailures(session, answer.result);
}

function removedText(removals: readonly SnapshotRemoval[]): string {
  if (removals.length === 0) return "No snapshots present\n";
  return removals
    .filter((removal) => removal.removed)
    .map((removal) => removedLine(removal.name, removal.pending))
    .join("");
}

/** Whatever could not be deleted is named, and makes the exit code 1. */
function reportFailures(session: Session, removals: readonly SnapshotRemoval[]): number {
  const kept = removals.filter((removal) => !removal.removed);
  if (kept.length === 0) return 0;
  if (session.format === "text") {
    for (const { name, opErrstr } of kept) {
      session.io.stderr.write(`${failed}${opErrstr ?? `Snapshot ${name} could not be deleted`}\n`);
    }
    session.io.stdout.write(`${failedLast}\n`);
  }
  return 1;
}

function removedLine(name: string, pending = false): string {
  if (pending) return `snapshot delete: ${name}: deletion is recorded, and pending\n`;
  return `snapshot delete: ${name}: snap removed successfully\n`;
}
