/** Writes a bookmark's digests: digest-format.ts. To make them durable is the caller's. */
import { createHash, randomBytes } from "node:crypto";
import {
  DIGEST_MAGIC, DIGEST_VERSION, digestHead, digestRun, KEY_BYTES, PIECE_BYTES, pieceDigest, type PieceRun,
  RUN_BYTES,
} from "./digest-format.ts";

export interface DigestWriterOptions {
  readonly sizeBytes: number;
  readonly runs: readonly PieceRun[];
  readonly write: (bytes: Uint8Array) => void;
}

const WRITE_BYTES = 256 * 1024;

export class DigestWriter {
  readonly #key = randomBytes(KEY_BYTES);
  readonly #sum = createHash("sha256");
  readonly #write: (bytes: Uint8Array) => void;
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor({ sizeBytes, runs, write }: DigestWriterOptions) {
    this.#write = write;
    const head = Buffer.alloc(digestHead.size + runs.length * RUN_BYTES);
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    digestHead.encode(view, 0, {
      magic: Buffer.from(DIGEST_MAGIC, "latin1"), version: DIGEST_VERSION, pieceBytes: PIECE_BYTES,
      sizeBytes, key: this.#key, runCount: runs.length,
    });
    for (const [index, run] of runs.entries()) {
      digestRun.encode(view, digestHead.size + index * RUN_BYTES, { ...run });
    }
    this.#put(head);
  }

  /** One after the other, of all pieces of the runs. */
  piece(bytes: Uint8Array): void {
    this.#put(pieceDigest(this.#key, bytes));
  }

  end(): void {
    this.#flush();
    this.#write(this.#sum.digest());
  }

  #put(bytes: Uint8Array): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes >= WRITE_BYTES) this.#flush();
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    this.#sum.update(bytes);
    this.#write(bytes);
  }
}
