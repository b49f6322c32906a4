/**
 * The machine's journal, by its own socket, with fields that `journalctl FIELD=value` finds.
 *
 *     datagram    FIELD=value\n ...            a value without a newline
 *                 FIELD\n | length (u64 le) | value | \n
 *
 * Fields are of A-Z, 0-9 and _, and begin with a letter. https://systemd.io/JOURNAL_NATIVE_PROTOCOL
 */
import { sendDatagram } from "./system-log.ts";

const SOCKET = "/run/systemd/journal/socket";
const VALUE_BYTES_MAX = 16 * 1024;

/** False when nobody listens, or takes it: it never waits. Throws on a field that is none. */
export function journalEntry(fields: Readonly<Record<string, string | number>>, path = SOCKET): boolean {
  const parts = Object.entries(fields).map(([field, value]) => entryOf(field, String(value)));
  return sendDatagram(path, Buffer.concat(parts));
}

function entryOf(field: string, value: string): Buffer {
  if (!/^[A-Z][A-Z0-9_]{0,63}$/.test(field)) throw new TypeError(`${field} is no field of the journal`);
  const bytes = Buffer.from(value).subarray(0, VALUE_BYTES_MAX);
  if (!bytes.includes(0x0a)) return Buffer.concat([Buffer.from(`${field}=`), bytes, Buffer.from("\n")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([Buffer.from(`${field}\n`), length, bytes, Buffer.from("\n")]);
}
