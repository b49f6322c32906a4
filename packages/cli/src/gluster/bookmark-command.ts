/** `snapshot bookmark`: what a difference is told by when its snapshot is gone. */
import { join } from "node:path";
import { type BookmarkSummary, TransferClient } from "@mortar/api";
import { ProgressLine } from "../progress-line.ts";
import { element, type XmlElement } from "../xml.ts";
import { present, presentProblem } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";
import { wordOptions } from "./word-options.ts";

export const bookmarkCommand: GlusterCommand = {
  words: ["snapshot", "bookmark"],
  usage:
    "snapshot bookmark [--of VOLUME] <snapname> <name>\n" +
    "       snapshot bookmark list [<volname>] | delete <name>",
  help: "Keep what a difference can be sent from, though the snapshot is deleted.",
  more:
    "A bookmark has no data: digests of the snapshot's content, some 0.03% of it, on the nodes of\n" +
    "its bricks. The snapshot is read once for it, at low priority, and must not be activated.\n" +
    "To send from a bookmark all of the later snapshot is read, and what differs is sent.\n" +
    "    mortar snapshot bookmark monday monday-sent\n" +
    "    mortar snapshot delete monday\n" +
    "    mortar snapshot send -i monday-sent tuesday | ssh backup mortar snapshot receive home",
  family: "mortar",
  run,
};

const FAILED = "snapshot bookmark: failed: ";
const CALL_MS_MAX = 300_000;

async function run(session: Session, args: readonly string[]): Promise<number> {
  const { words, options } = wordOptions(args, ["of"]);
  const [first, second, ...more] = words;
  if (first === undefined || more.length > 0) throw new UsageError();
  const client = await session.client(CALL_MS_MAX);
  if (first === "list") {
    return present(session, await client.bookmarkList(second === undefined ? {} : { volume: second }), {
      text: listText, xml: (all) => all.map(xmlOf), failed: FAILED,
    });
  }
  if (second === undefined) throw new UsageError();
  if (first === "delete") {
    return present(session, await client.bookmarkDelete(second), {
      text: ({ name }) => `snapshot bookmark: ${name}: deleted\n`, xml: (it) => [xmlOf(it)],
      failed: FAILED,
    });
  }
  return await make(session, { snapshot: first, name: second, volume: options.get("of") });
}

interface Asked {
  readonly snapshot: string;
  readonly name: string;
  readonly volume: string | undefined;
}

async function make(session: Session, { snapshot, name, volume }: Asked): Promise<number> {
  const client = await session.client(CALL_MS_MAX);
  const begun = await client.bookmarkBegin({ snapshot, name, ...(volume === undefined ? {} : { volume }) });
  if (!begun.ok) return presentProblem(session, begun.problem, { failed: FAILED });
  const { id, bricks } = begun.result;
  const transfer = new TransferClient(join(session.root, "run/mortar/mortard.sock"));
  const { stderr } = session.io;
  const line = new ProgressLine("snapshot bookmark", stderr);
  const read = bricks.map(() => 0);
  const total = bricks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  try {
    // Bricks are on different disks: all at a time.
    await Promise.all(bricks.map(async ({ host: _host, name: _name, ...lv }, brick) => {
      for await (const { durable } of transfer.digest({ ...lv, bookmark: { id, brick } })) {
        read[brick] = durable;
        line.tell({ done: read.reduce((sum, it) => sum + it, 0), total, unit: "bytes" });
      }
    }));
  } catch (error) {
    const { name: kind, message } = error as Error;
    if (kind !== "ApiError" || session.format === "json") throw error;
    line.end();
    stderr.write(`${FAILED}${message}\nNext: mortar snapshot bookmark ${snapshot} ${name}\n`);
    return 1;
  } finally {
    line.end();
  }
  const done = await client.bookmarkFinish(name, { id });
  return present(session, done, {
    text: (it) => `snapshot bookmark: ${it.name}: of snapshot ${it.snapshot.name}, which may be deleted\n`,
    xml: (it) => [xmlOf(it)], failed: FAILED,
  });
}

function listText(all: readonly BookmarkSummary[]): string {
  if (all.length === 0) return "No bookmarks present\n";
  return all.map(({ name, snapshot, volume, createdAtMs, isComplete }) => {
    const when = new Date(createdAtMs).toISOString().slice(0, 19).replace("T", " ");
    return `${name}  of ${snapshot.name} (${volume}), ${when} UTC${isComplete ? "" : ", not complete"}\n`;
  }).join("");
}

function xmlOf({ name, snapshot, volume, isComplete }: BookmarkSummary): XmlElement {
  return element("bookmark", [
    element("name", name), element("snapshot", snapshot.name), element("uuid", snapshot.id),
    element("volume", volume), element("complete", isComplete ? 1 : 0),
  ]);
}
