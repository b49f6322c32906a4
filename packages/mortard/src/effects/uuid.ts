/** Uuids as 16 bytes, the way GlusterFS keeps them in extended attributes, and as text. */

const TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function uuidBytes(text: string): Uint8Array {
  if (!TEXT.test(text)) throw new Error(`${text} is not a uuid`);
  return Uint8Array.from(Buffer.from(text.replaceAll("-", ""), "hex"));
}

/** With dashes. Anything but 16 bytes is shown as plain hex digits. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  if (hex.length !== 32) return hex;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
