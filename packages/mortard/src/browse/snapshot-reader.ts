/**
 * Looks into snapshots, for operators. Nothing is followed out of a snapshot: names are looked up
 * one after the other from its root, and a symbolic link is an object like any other.
 */
import { errnoName, type GfapiEntry, type GfapiStat } from "@mortar/linux";
import { Errno, FopError } from "../snapd/fop-error.ts";
import type { SnapshotCatalogue } from "../snapd/snapshot-catalogue.ts";
import type { Found } from "../snapd/snapshot-messages.ts";
import { ROOT_GFID } from "../snapd/virtual-gfid.ts";
import { BrowseError } from "./browse-error.ts";
import type {
  BrowsePlace, FileKind, FileListing, ListedFile, ListRequest, ReadRequest,
} from "./browse-messages.ts";
import { namesOf } from "./browse-path.ts";

const BATCH = 256;
const READ_BYTES = 256 * 1024;
const S_IFMT = 0o170000;
const kinds: Readonly<Record<number, FileKind>> = {
  0o100000: "file", 0o040000: "directory", 0o120000: "link",
};
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8");
let nextListing = 1;

export interface FoundFile extends Found {
  readonly id: string;
  readonly name: string;
}

export class SnapshotReader {
  readonly #catalogueOf: (volume: string) => SnapshotCatalogue;

  constructor(catalogueOf: (volume: string) => SnapshotCatalogue) {
    this.#catalogueOf = catalogueOf;
  }

  /** Rejects with BrowseError, as everything here. */
  async list({ offset, limit, ...place }: ListRequest): Promise<FileListing> {
    const found = await this.find(place);
    const self = await this.#listed(place.volume, found, found.name);
    if (self.kind !== "directory") return { self, entries: [] };
    const { entries, isEnd } = await this.#entries(place, found, offset, limit);
    const listed = await Promise.all(
      entries.map((it) => this.#listed(place.volume, { ...it.found, id: found.id }, it.name)),
    );
    return { self, entries: listed, ...(isEnd ? {} : { nextOffset: offset + limit }) };
  }

  async find({ snapshot, volume, path }: BrowsePlace): Promise<FoundFile> {
    const catalogue = this.#catalogueOf(volume);
    const names = namesOf(path);
    const listed = await catalogue.named(snapshot);
    if (listed === undefined) {
      throw new BrowseError(Errno.ENOENT, `${volume} has no snapshot ${snapshot}`);
    }
    const { id } = listed;
    try {
      let at: Found = { gfid: ROOT_GFID, stat: await catalogue.ask(id, "stat", { gfid: ROOT_GFID }) };
      for (const name of names) {
        if (kindOf(at.stat) !== "directory") throw new FopError(Errno.ENOTDIR);
        at = await catalogue.ask(id, "lookup", { parent: at.gfid, name: encoder.encode(name) });
      }
      return { ...at, id, name: names.at(-1) ?? "/" };
    } catch (error) {
      throw explained(error, `${path} of ${snapshot}`);
    }
  }

  /** Pieces of the file; those of a hole are zeros. */
  async *read(request: ReadRequest, found: FoundFile): AsyncGenerator<Uint8Array> {
    const catalogue = this.#catalogueOf(request.volume);
    const end = Math.min(
      found.stat.size, request.start + (request.lengthBytes ?? Number.POSITIVE_INFINITY),
    );
    for (let offset = request.start; offset < end; ) {
      const sizeBytes = Math.min(READ_BYTES, end - offset);
      const args = { gfid: found.gfid, offset, sizeBytes };
      const bytes = await catalogue.ask(found.id, "read", args);
      if (bytes.length === 0) {
        throw new BrowseError(Errno.EIO, `${request.path} ends before its size`);
      }
      yield bytes;
      offset += bytes.length;
    }
  }

  /** Keeps the snapshot open for a while. */
  async touch(volume: string, id: string): Promise<void> {
    await this.#catalogueOf(volume).ask(id, "stat", { gfid: ROOT_GFID });
  }

  async #entries(
    { volume, snapshot, path }: BrowsePlace, directory: FoundFile, offset: number, limit: number,
  ): Promise<{ entries: { name: string; found: Found }[]; isEnd: boolean }> {
    const catalogue = this.#catalogueOf(volume);
    const fd = nextListing;
    nextListing += 1;
    const entries: { name: string; found: Found }[] = [];
    let seen = 0;
    try {
      await catalogue.ask(directory.id, "openDirectory", { gfid: directory.gfid, fd });
      try {
        for (;;) {
          const batch = await catalogue.ask(directory.id, "list", { fd, countMax: BATCH });
          for (const entry of batch.filter(isVisible)) {
            seen += 1;
            if (seen <= offset) continue;
            if (seen > offset + limit) return { entries, isEnd: false };
            const found = entry.found ??
              (await catalogue.ask(directory.id, "lookup", { parent: directory.gfid, name: entry.name }));
            entries.push({ name: decoder.decode(entry.name), found });
          }
          if (batch.length < BATCH) return { entries, isEnd: true };
        }
      } finally {
        await catalogue.ask(directory.id, "closeDirectory", { fd });
      }
    } catch (error) {
      throw explained(error, `${path} of ${snapshot}`);
    }
  }

  async #listed(volume: string, file: Found & { id: string }, name: string): Promise<ListedFile> {
    const { stat, gfid, id } = file;
    const kind = kindOf(stat);
    const target = kind === "link"
      ? { target: decoder.decode(await this.#catalogueOf(volume).ask(id, "readlink", { gfid })) }
      : {};
    return {
      name, kind, sizeBytes: stat.size, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid,
      modifiedMs: stat.mtime * 1000 + Math.floor(stat.mtimeNsec / 1e6), ...target,
    };
  }
}

export function kindOf({ mode }: Pick<GfapiStat, "mode">): FileKind {
  return kinds[mode & S_IFMT] ?? "other";
}

/** Neither the dots, nor the entry point of snapshots. */
function isVisible({ name }: GfapiEntry): boolean {
  const text = decoder.decode(name);
  return text !== "." && text !== "..";
}

export function explained(error: unknown, what: string): Error {
  if (error instanceof BrowseError) return error;
  if (!(error instanceof FopError)) return error instanceof Error ? error : new Error(String(error));
  const { errno } = error;
  const text = {
    [Errno.ENOENT]: "there is no such file",
    [Errno.ENOTDIR]: "a name on the way is no directory",
    [Errno.ENOTCONN]: "its bricks cannot be reached",
    [Errno.ETIMEDOUT]: "its bricks do not answer",
    [Errno.ESTALE]: "the snapshot is gone, or was deactivated",
  }[errno] ?? errnoName(errno);
  return new BrowseError(errno, `${what}: ${text}`);
}
