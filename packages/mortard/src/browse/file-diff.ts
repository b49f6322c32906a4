/**
 * Which files of a volume differ between two snapshots, or between one and the present: lines of JSON
 * as they are found, the last one `done`. Without that it was cut off.
 */
import type { FileDiffLine } from "@mortar/api";
import type { GfapiPlace } from "@mortar/linux";
import { Errno } from "../snapd/fop-error.ts";
import { OpenSnapshot } from "../snapd/open-snapshot.ts";
import type { SnapshotCatalogue } from "../snapd/snapshot-catalogue.ts";
import { BrowseError } from "./browse-error.ts";
import type { DiffRequest } from "./browse-messages.ts";
import { type Ask, gfapiTree } from "./gfapi-tree.ts";
import { explained } from "./snapshot-reader.ts";
import type { TreeChange } from "./tree-change.ts";
import { type DiffTree, ROOT, TreeDiff } from "./tree-diff.ts";

const TOUCH_MS = 10_000;

export interface FileDiffOptions {
  readonly catalogue: SnapshotCatalogue;
  /** Of the live volume. */
  readonly live: GfapiPlace;
}

/** Refuses before the first line what cannot be begun. Rejects with BrowseError. */
export async function fileDiff(
  asked: DiffRequest, { catalogue, live }: FileDiffOptions,
): Promise<AsyncGenerator<string>> {
  const earlier = await snapshotAsk(catalogue, asked.volume, asked.from);
  const opened = asked.to === undefined ? await OpenSnapshot.open(live) : undefined;
  const later: Ask = opened === undefined
    ? await snapshotAsk(catalogue, asked.volume, asked.to!)
    : async (operation, args) => await opened.ask(operation, args);
  const [before, after] = [gfapiTree(earlier), gfapiTree(later)];
  try {
    await requireOpen(before, asked.from);
    await requireOpen(after, asked.to ?? asked.volume);
  } catch (error) {
    void opened?.close();
    throw explained(error, `${asked.from} and ${asked.to ?? asked.volume}`);
  }
  return lines(asked, before, after, opened);
}

async function snapshotAsk(catalogue: SnapshotCatalogue, volume: string, snapshot: string): Promise<Ask> {
  const listed = await catalogue.named(snapshot);
  if (listed === undefined) {
    throw new BrowseError(Errno.ENOENT, `${volume} has no snapshot ${snapshot}`);
  }
  return async (operation, args) => await catalogue.ask(listed.id, operation, args);
}

async function requireOpen(tree: DiffTree, name: string): Promise<void> {
  if ((await tree.stat(ROOT)) !== undefined) return;
  throw new BrowseError(Errno.ESTALE, `${name} is gone, or was deactivated`);
}

async function* lines(
  asked: DiffRequest, earlier: DiffTree, later: DiffTree, opened: OpenSnapshot | undefined,
): AsyncGenerator<string> {
  // Neither is closed for being idle while the other one's part is long.
  const timer = setInterval(() => {
    for (const tree of [earlier, later]) tree.stat(ROOT).catch(() => undefined);
  }, TOUCH_MS);
  const diff = new TreeDiff({ earlier, later });
  const counts = { added: 0, removed: 0, modified: 0, renamed: 0 };
  let told = 0;
  let isCutOff = false;
  try {
    for await (const change of diff.changes()) {
      counts[change.change] += 1;
      yield line(shown(change));
      told += 1;
      isCutOff = told === asked.limit;
      if (isCutOff) break;
    }
    // One that went away in the middle has no files any more, and must not be taken for one that had none.
    await requireOpen(earlier, asked.from);
    await requireOpen(later, asked.to ?? asked.volume);
    yield line({ done: { ...counts, ...diff.totals, isCutOff } });
  } catch (error) {
    yield line({ error: explained(error, `${asked.from} and ${asked.to ?? asked.volume}`).message });
  } finally {
    clearInterval(timer);
    // It often takes ten seconds to leave, which nobody has to wait for.
    void opened?.close();
  }
}

function line(it: FileDiffLine): string {
  return `${JSON.stringify(it)}\n`;
}

function shown({ path, formerPath, parts, ...rest }: TreeChange): FileDiffLine {
  const bytes = Buffer.from(path, "latin1");
  const text = bytes.toString("utf8");
  const isText = Buffer.from(text, "utf8").equals(bytes);
  return {
    ...rest, path: text, parts: [...parts],
    ...(isText ? {} : { pathBase64: bytes.toString("base64") }),
    ...(formerPath === undefined
      ? {} : { formerPath: Buffer.from(formerPath, "latin1").toString("utf8") }),
  };
}
