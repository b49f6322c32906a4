/**
 * Snapshot streams kept somewhere: in a directory, or under a prefix of a bucket.
 *
 *     PLACE/NAME-UUID8[-from-UUID8]/part-000000, part-000001, …   the stream, cut into parts
 *                                   stream.json                   written last: without it there is none
 *
 * A stream that was cut off is without its `stream.json`; sent again, its parts are overwritten.
 */
import { createHash } from "node:crypto";
import { conforms, KeptStream, type StreamHeader } from "@mortar/api";
import { type StreamSink, type StreamSource, TransferError } from "./stream-place.ts";

/** Files by name, where a name has slashes. */
export interface PartStore {
  /** For messages. */
  readonly name: string;
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** Undefined: there is none. */
  get(name: string): Promise<Uint8Array | undefined>;
  /** Names of all that ends with this. */
  list(suffix: string): Promise<string[]>;
}

export const PART_BYTES = 32 * 1024 * 1024;
const RECORD = "stream.json";

export interface FoundStream extends KeptStream {
  readonly directory: string;
}

export function streamDirectory({ snapshot, base }: Pick<StreamHeader, "snapshot" | "base">): string {
  const from = base === undefined ? "" : `-from-${base.id.slice(0, 8)}`;
  return `${snapshot.name}-${snapshot.id.slice(0, 8)}${from}`;
}

/** Cuts a stream into parts as it comes; holds one part. */
export class PartSink implements StreamSink {
  readonly #store: PartStore;
  readonly #header: StreamHeader;
  readonly #directory: string;
  readonly #parts: KeptStream["parts"] = [];
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(store: PartStore, header: StreamHeader) {
    this.#store = store;
    this.#header = header;
    this.#directory = streamDirectory(header);
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes >= PART_BYTES) await this.#put();
  }

  async finish(): Promise<void> {
    if (this.#heldBytes > 0) await this.#put();
    const { snapshot, base, volume, createdAtMs } = this.#header;
    const record: KeptStream = {
      schema: 1, snapshot, ...(base === undefined ? {} : { base }), volume: volume.name, createdAtMs,
      parts: this.#parts,
    };
    const text = new TextEncoder().encode(`${JSON.stringify(record, undefined, 1)}\n`);
    await this.#store.put(`${this.#directory}/${RECORD}`, text);
  }

  async #put(): Promise<void> {
    const bytes = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    await this.#store.put(partName(this.#directory, this.#parts.length), bytes);
    this.#parts.push({ bytes: bytes.length, sha256: sha256(bytes) });
  }
}

/** In the order of their snapshots. What is no record of a stream is left out. */
export async function keptStreams(store: PartStore): Promise<FoundStream[]> {
  const found: FoundStream[] = [];
  for (const name of await store.list(`/${RECORD}`)) {
    const record = parsed(await store.get(name));
    if (!conforms(KeptStream, record)) continue;
    found.push({ ...record, directory: name.slice(0, -RECORD.length - 1) });
  }
  return found.sort((a, b) => a.createdAtMs - b.createdAtMs);
}

/** Throws `TransferError` when a part is gone, or is not as it was. */
export async function* readParts(store: PartStore, stream: FoundStream): StreamSource {
  for (const [index, part] of stream.parts.entries()) {
    const name = partName(stream.directory, index);
    const bytes = await store.get(name);
    if (bytes === undefined) throw new TransferError(`${store.name}: ${name} is missing`);
    if (bytes.length !== part.bytes || sha256(bytes) !== part.sha256) {
      throw new TransferError(`${store.name}: ${name} is not as it was written`,
        "Send the snapshot there again.");
    }
    yield bytes;
  }
}

/** The stream that goes on where the volume is; of none, the newest whole one. */
export function nextStream(
  streams: readonly FoundStream[], heldId: string | undefined,
): FoundStream | undefined {
  if (heldId !== undefined) return streams.find((it) => it.base?.id === heldId);
  return streams.findLast((it) => it.base === undefined);
}

function parsed(bytes: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function partName(directory: string, index: number): string {
  return `${directory}/part-${String(index).padStart(6, "0")}`;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
