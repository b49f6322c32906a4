import type { XdrWriter } from "@mortar/binary";

const LAST_FRAGMENT = 0x8000_0000;

/** One message as a record of one fragment, ready for the socket. Copies the message. */
export function encodeRecord(...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const record = new Uint8Array(4 + length);
  new DataView(record.buffer).setUint32(0, (LAST_FRAGMENT | length) >>> 0, false);
  let at = 4;
  for (const part of parts) {
    record.set(part, at);
    at += part.length;
  }
  return record;
}

/** Leaves room for the record mark; give the result to endRecord when the message is written. */
export function beginRecord(writer: XdrWriter): number {
  return writer.reserve(4);
}

/** Fills the mark. `payloadBytes` are sent after what is in the writer, in the same record. */
export function endRecord(writer: XdrWriter, start: number, payloadBytes = 0): void {
  const length = writer.length - start - 4 + payloadBytes;
  writer.patchU32(start, (LAST_FRAGMENT | length) >>> 0);
}
