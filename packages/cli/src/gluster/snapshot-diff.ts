/** `snapshot diff`: in which blocks the bricks of two snapshots differ, or which files of the volume. */
import type { SnapshotDiff } from "@mortar/api";
import { element } from "../xml.ts";
import { present } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";
import { printFileDiff } from "./file-diff.ts";
import { failedLast } from "./snapshot-print.ts";
import { bytesText } from "./snapshot-space.ts";
import { wordOptions } from "./word-options.ts";

const RANGES = "--ranges";
const FILES = "--files";

export const diffCommand: GlusterCommand = {
  words: ["snapshot", "diff"],
  usage: "snapshot diff <snapname> (<snapname> | <volname> | live) " +
    "[--ranges | --files [--of VOLUME] [--limit N]]",
  help: "Which blocks of the bricks, or which files, changed between two snapshots, or since one.",
  more:
    "It is read from the pools' metadata, no data is read. Whole chunks are counted; one that\n" +
    "was written counts as changed, whatever was written. --ranges lists offsets and lengths in\n" +
    "the bricks' logical volumes, 10,000 a brick at most. Exit code 2: not all bricks could be\n" +
    "compared.\n" +
    "--files tells which files of the volume were added, removed, modified or renamed. All\n" +
    "directories of both are listed, and no content is read: size, times and attributes decide.\n" +
    "The snapshots are activated while it lasts. --json: a line of JSON each, the last one `done`.\n" +
    "--of VOLUME     of a snapshot of several volumes\n" +
    "--limit N       end after so many\n" +
    "    mortar snapshot diff monday tuesday\n" +
    "    mortar snapshot diff monday tuesday --files\n" +
    "    mortar snapshot diff monday live --ranges --json",
  // Stock's list of snapshot commands has none of this name.
  family: "mortar",
  run: snapshotDiff,
};

const EXIT_INCOMPLETE = 2;

async function snapshotDiff(session: Session, args: readonly string[]): Promise<number> {
  const { words, options } = wordOptions(
    args.filter((it) => it !== RANGES && it !== FILES), ["of", "limit"],
  );
  const [from, to, ...more] = words;
  if (from === undefined || to === undefined || more.length > 0) throw new UsageError();
  const ranges = args.includes(RANGES);
  if (args.includes(FILES)) {
    if (ranges) throw new UsageError("--ranges are of blocks, --files of files: one of them.");
    const [volume, limit] = [options.get("of"), limitOf(options.get("limit"))];
    return await printFileDiff(session, {
      from, to, ...(volume === undefined ? {} : { volume }), ...(limit === undefined ? {} : { limit }),
    });
  }
  if (options.size > 0) throw new UsageError("--of and --limit go with --files.");
  const client = await session.client();
  const answer = await client.snapshotDiff({ from, to, ...(ranges ? { ranges } : {}) });
  const exitCode = present(session, answer, {
    text: diffText,
    xml: diffXml,
    failed: "snapshot diff: failed: ",
    failedLast,
  });
  return answer.ok && !answer.result.complete ? EXIT_INCOMPLETE : exitCode;
}

function limitOf(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  if (/^[1-9][0-9]{0,8}$/.test(word)) return Number(word);
  throw new UsageError("--limit takes a number from 1 on.");
}

const signs = { written: "~", discarded: "-" } as const;

function diffText({ bricks, writtenBytes, discardedBytes }: SnapshotDiff): string {
  const parts = bricks.map((it) => {
    const left = it.rangeCount - it.ranges.length;
    const rows = it.ranges.map(
      ({ kind, offset, length }) => `    ${signs[kind]} ${offset} +${length}\n`,
    );
    if (rows.length > 0 && left > 0) rows.push(`    and ${left} more\n`);
    return (
      `${it.volume} ${it.host}:${it.path}: ${bytesText(it.writtenBytes)} written, ` +
      `${bytesText(it.discardedBytes)} discarded, in ${it.rangeCount} ranges\n${rows.join("")}`
    );
  });
  const [written, discarded] = [bytesText(writtenBytes), bytesText(discardedBytes)];
  return `${parts.join("")}${written} written, ${discarded} discarded\n`;
}

function diffXml(diff: SnapshotDiff) {
  return [
    element("snapDiff", [
      element("writtenBytes", diff.writtenBytes),
      element("discardedBytes", diff.discardedBytes),
      ...diff.bricks.map((it) =>
        element("brick", [
          element("volume", it.volume),
          element("name", `${it.host}:${it.path}`),
          element("writtenBytes", it.writtenBytes),
          element("discardedBytes", it.discardedBytes),
          element("rangeCount", it.rangeCount),
          ...it.ranges.map(({ kind, offset, length }) =>
            element("range", [
              element("kind", kind), element("offset", offset), element("length", length),
            ])),
        ])),
    ]),
  ];
}
