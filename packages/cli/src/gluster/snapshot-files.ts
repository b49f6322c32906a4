/** `snapshot ls`, `cat` and `restore-file`: files of a snapshot, without a mount. */
import { once } from "node:events";
import { join } from "node:path";
import { Writable } from "node:stream";
import {
  ApiError, type FileRestored, snapshotContent, type SnapshotFile, type SnapshotFiles,
} from "@mortar/api";
import { table } from "../table.ts";
import { element, type XmlElement } from "../xml.ts";
import { present, presentProblem } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";
import { quotedPath } from "./quoted-path.ts";
import { wordOptions } from "./word-options.ts";

const OF = "--of VOLUME  of a snapshot of several volumes, which one";
const REPLACE = "--replace";
const DRY_RUN = "--dry-run";

export const snapshotFileCommands: readonly GlusterCommand[] = [
  {
    words: ["snapshot", "ls"],
    usage: "snapshot ls <snapname> [PATH] [--of VOLUME]",
    help: "List a directory of a snapshot; it is activated while it is looked at.",
    more: `${OF}\n\nExample: mortar snapshot ls monday /projects`,
    family: "mortar",
    run: list,
  },
  {
    words: ["snapshot", "cat"],
    usage: "snapshot cat <snapname> PATH [--of VOLUME]",
    help: "Write a file of a snapshot to standard output.",
    more: `${OF}\n\nExample: mortar snapshot cat monday /projects/plan.txt > plan.txt`,
    family: "mortar",
    run: cat,
  },
  {
    words: ["snapshot", "restore-file"],
    usage: "snapshot restore-file <snapname> PATH [--to PATH] [--replace] [--dry-run] [--of VOLUME]",
    help: "Bring a file or a directory of a snapshot back into the live volume.",
    more:
      "Nothing that is there is changed without --replace.\n" +
      "--to PATH    in the live volume; default: where it was\n" +
      "--replace    also files that are there\n" +
      `--dry-run    only say what would be done\n${OF}\n\n` +
      "Example: mortar snapshot restore-file monday /projects/plan.txt --to /projects/plan.monday",
    family: "mortar",
    run: restore,
  },
];

interface Asked {
  readonly snapshot: string;
  readonly path: string;
  readonly volume: { readonly volume?: string };
  readonly to: string | undefined;
}

function asked(args: readonly string[], known: readonly string[], isPathNeeded: boolean): Asked {
  const { words, options } = wordOptions(args, ["of", ...known]);
  const [snapshot, path, ...more] = words;
  if (snapshot === undefined || more.length > 0 || (isPathNeeded && path === undefined)) {
    throw new UsageError();
  }
  const volume = options.get("of");
  return {
    snapshot, path: absolute(path ?? "/"), to: options.get("to"),
    volume: volume === undefined ? {} : { volume },
  };
}

/** Paths are from the root of the volume, with or without saying so. */
function absolute(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}

/** Page by page: a directory may have a million entries. */
async function list(session: Session, args: readonly string[]): Promise<number> {
  const { snapshot, path, volume } = asked(args, [], false);
  const client = await session.client();
  const entries: SnapshotFile[] = [];
  for (let offset: number | undefined = 0; ;) {
    const answer = await client.snapshotFiles(snapshot, { path, offset, ...volume });
    if (!answer.ok) return presentProblem(session, answer.problem, { failed: "snapshot ls: failed: " });
    const { self, entries: found, nextOffset } = answer.result;
    entries.push(...(self.kind === "directory" ? found : [self]));
    offset = self.kind === "directory" ? nextOffset : undefined;
    if (offset !== undefined) continue;
    const result: SnapshotFiles = { self, entries: entries.toSorted(byName) };
    return present(session, { ...answer, result }, {
      text: filesText, xml: (it) => [element("files", it.entries.map(fileXml))],
      failed: "snapshot ls: failed: ",
    });
  }
}

function fileXml({ name, kind, mode, uid, gid, sizeBytes, modifiedMs, target }: SnapshotFile): XmlElement {
  return element("file", [
    element("name", name), element("kind", kind), element("mode", mode.toString(8)),
    element("uid", uid), element("gid", gid), element("size", sizeBytes),
    element("modified", Math.floor(modifiedMs / 1000)),
    ...(target === undefined ? [] : [element("target", target)]),
  ]);
}

function byName(one: SnapshotFile, other: SnapshotFile): number {
  return one.name < other.name ? -1 : 1;
}

function filesText({ entries }: SnapshotFiles): string {
  return table(entries.map((it) => [
    modeText(it), `${it.uid}:${it.gid}`, it.kind === "file" ? String(it.sizeBytes) : "-",
    new Date(it.modifiedMs).toISOString().slice(0, 16).replace("T", " "), nameText(it),
  ]));
}

function nameText({ name, kind, target }: SnapshotFile): string {
  const shown = quotedPath(name);
  if (kind === "directory") return `${shown}/`;
  return kind === "link" && target !== undefined ? `${shown} -> ${quotedPath(target)}` : shown;
}

const letters = { directory: "d", link: "l", file: "-", other: "?" } as const;

/** As `ls -l` shows it, without sticky and set-id bits. */
function modeText({ kind, mode }: SnapshotFile): string {
  const bits = "rwxrwxrwx".split("").map((bit, index) => ((mode >> (8 - index)) & 1) === 1 ? bit : "-");
  return letters[kind] + bits.join("");
}

async function cat(session: Session, args: readonly string[]): Promise<number> {
  const { snapshot, path, volume } = asked(args, [], true);
  const { stdout, stderr } = session.io;
  if (session.format !== "text") throw new UsageError("The content of a file is bytes: neither --json nor --xml.");
  if (!(stdout instanceof Writable)) throw new UsageError("There is no stream to write it to.");
  const place = { socketPath: join(session.root, "run/mortar/mortard.sock") };
  try {
    const answer = await snapshotContent(place, { snapshot, path, ...volume });
    if (!answer.ok) return presentProblem(session, answer.problem, { failed: "snapshot cat: failed: " });
    for await (const part of answer.bytes) {
      if (!stdout.write(part)) await once(stdout, "drain");
    }
    return 0;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    stderr.write(`snapshot cat: failed: ${error.message}\n`);
    return 1;
  }
}

async function restore(session: Session, args: readonly string[]): Promise<number> {
  const flags = [REPLACE, DRY_RUN];
  const { snapshot, path, volume, to } = asked(args.filter((it) => !flags.includes(it)), ["to"], true);
  const dryRun = args.includes(DRY_RUN);
  const client = await session.client();
  const answer = await client.snapshotFileRestore(snapshot, {
    path, ...volume, ...(to === undefined ? {} : { target: absolute(to) }),
    ...(args.includes(REPLACE) ? { replace: true } : {}), ...(dryRun ? { dryRun } : {}),
  });
  return present(session, answer, {
    text: (result) => restoredText(result, dryRun),
    xml: ({ target, files, directories, links, bytes, replaced }) => [element("restored", [
      element("target", target), element("files", files), element("directories", directories),
      element("links", links), element("bytes", bytes), element("replaced", replaced),
    ])],
    failed: "snapshot restore-file: failed: ",
  });
}

function restoredText(done: FileRestored, dryRun: boolean): string {
  const { target, files, directories, links, bytes, replaced, skipped } = done;
  const counts = `${files} files (${bytes} bytes), ${directories} directories, ${links} links`;
  const told = replaced === 0 ? "" : `; ${replaced} that are there ${dryRun ? "would be" : "were"} replaced`;
  const left = skipped.map((it) => `  left out: ${quotedPath(it)}\n`).join("");
  return `snapshot restore-file: ${quotedPath(target)}: ${dryRun ? "nothing was done; it would be " : ""}${counts}${told}\n${left}`;
}
