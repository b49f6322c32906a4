/**
 * Reads a bookmark's digests: digest-format.ts. All of the file is gone through once before any of it
 * is believed; then pieces are asked about in ascending order. Holds 16 bytes a run, and one buffer.
 */
import { createHash } from "node:crypto";
import { fstatSync, readSync } from "node:fs";
import {
  DIGEST_BYTES, DIGEST_MAGIC, DIGEST_VERSION, digestHead, digestRun, PIECE_BYTES, pieceDigest, RUN_BYTES,
  SUM_BYTES,
} from "./digest-format.ts";

const READ_BYTES = 1024 * 1024;

export class DigestReader {
  readonly #fd: number;
  readonly #path: string;
  readonly #key: Uint8Array;
  /** First piece and count of each run, in turn. */
  readonly #runs: Float64Array;
  readonly #buffer = Buffer.alloc(READ_BYTES);
  #run = 0;
  /** Digests before the run. */
  #before = 0;
  /** What the buffer holds, in bytes of the file. */
  #begin = 0;
  #end = 0;

  /** Throws when it is not whole, or of another logical volume. */
  constructor(fd: number, path: string, sizeBytes: number) {
    this.#fd = fd;
    this.#path = path;
    const fileBytes = fstatSync(fd).size;
    if (fileBytes < digestHead.size + SUM_BYTES) throw this.#damaged("it is cut off");
    this.#checkSum(fileBytes);
    const head = this.#read(0, digestHead.size);
    const { magic, version, pieceBytes, sizeBytes: size, key, runCount } =
      digestHead.decode(viewOf(head), 0);
    if (Buffer.from(magic).toString("latin1") !== DIGEST_MAGIC) throw this.#damaged("it has another magic");
    if (version !== DIGEST_VERSION) throw this.#damaged(`it is of version ${version}`);
    if (pieceBytes !== PIECE_BYTES) throw this.#damaged(`its pieces have ${pieceBytes} bytes`);
    if (size !== sizeBytes) throw this.#damaged(`it is of a logical volume of ${size} bytes`);
    const room = Math.floor((fileBytes - digestHead.size - SUM_BYTES) / RUN_BYTES);
    if (runCount > room) throw this.#damaged("it has more runs than bytes");
    this.#key = Uint8Array.from(key);
    this.#runs = this.#readRuns(runCount, fileBytes);
  }

  /** Whether the piece is as it was when the bookmark was made. Pieces come in ascending order. */
  isSame(piece: number, bytes: Uint8Array): boolean {
    const runs = this.#runs;
    while (this.#run < runs.length && piece >= runs[this.#run]! + runs[this.#run + 1]!) {
      this.#before += runs[this.#run + 1]!;
      this.#run += 2;
    }
    if (this.#run >= runs.length || piece < runs[this.#run]!) return false;
    const index = this.#before + piece - runs[this.#run]!;
    const at = digestHead.size + (runs.length / 2) * RUN_BYTES + index * DIGEST_BYTES;
    if (at < this.#begin || at + DIGEST_BYTES > this.#end) {
      this.#begin = at;
      this.#end = at + readSync(this.#fd, this.#buffer, 0, READ_BYTES, at);
      if (this.#end < at + DIGEST_BYTES) throw this.#damaged("it was cut off meanwhile");
    }
    const from = at - this.#begin;
    return pieceDigest(this.#key, bytes).equals(this.#buffer.subarray(from, from + DIGEST_BYTES));
  }

  #checkSum(fileBytes: number): void {
    const sum = createHash("sha256");
    for (let at = 0; at < fileBytes - SUM_BYTES; ) {
      const bytes = this.#read(at, Math.min(READ_BYTES, fileBytes - SUM_BYTES - at));
      sum.update(bytes);
      at += bytes.length;
    }
    if (!sum.digest().equals(this.#read(fileBytes - SUM_BYTES, SUM_BYTES))) {
      throw this.#damaged("its checksum does not fit");
    }
  }

  #readRuns(count: number, fileBytes: number): Float64Array {
    const runs = new Float64Array(2 * count);
    let next = 0;
    let digests = 0;
    for (let index = 0; index < count; index += 1) {
      const bytes = this.#read(digestHead.size + index * RUN_BYTES, RUN_BYTES);
      const run = digestRun.decode(viewOf(bytes), 0);
      if (run.count === 0 || run.begin < next) throw this.#damaged("its runs are not in order");
      runs.set([run.begin, run.count], 2 * index);
      next = run.begin + run.count;
      digests += run.count;
    }
    const wanted = digestHead.size + count * RUN_BYTES + digests * DIGEST_BYTES + SUM_BYTES;
    if (wanted !== fileBytes) throw this.#damaged("it has another length than its runs say");
    return runs;
  }

  #read(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let done = 0; done < length; ) {
      const count = readSync(this.#fd, bytes, done, length - done, at + done);
      if (count === 0) throw this.#damaged("it is cut off");
      done += count;
    }
    return bytes;
  }

  #damaged(what: string): Error {
    return new Error(`The bookmark's digests ${this.#path} are damaged: ${what}`);
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
