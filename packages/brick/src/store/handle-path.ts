/**
 * Where an object is found by its gfid, relative to `.glusterfs`:
 *
 *     aa/bb/aabbcccc-dddd-eeee-ffff-gggggggggggg      of a directory: a link to
 *     ../../pp/qq/PARENT/NAME                         (root: ../../..)
 *     unlink/GFID                                     no name is left, but it is open
 */
export const GFID_TEXT_BYTES = 36;

const SLASH = 0x2f;
const DASH = 0x2d;
const hex = new Uint8Array(512);
for (let value = 0; value < 256; value++) {
  const text = value.toString(16).padStart(2, "0");
  hex[2 * value] = text.charCodeAt(0);
  hex[2 * value + 1] = text.charCodeAt(1);
}

/** The gfid in words as text of 36 characters; where it ends. */
export function writeGfidText(
  target: Uint8Array, at: number, words: Uint32Array, base: number,
): number {
  let position = at;
  for (let index = 0; index < 16; index++) {
    const value = (words[base + (index >> 2)]! >>> (24 - 8 * (index & 3))) & 0xff;
    target[position++] = hex[2 * value]!;
    target[position++] = hex[2 * value + 1]!;
    if (index === 3 || index === 5 || index === 7 || index === 9) target[position++] = DASH;
  }
  return position;
}

/** The handle's path, with NUL. */
export function writeHandlePath(
  target: Uint8Array, at: number, words: Uint32Array, base: number,
): void {
  const end = writeGfidText(target, at + 6, words, base);
  target[at] = target[at + 6]!;
  target[at + 1] = target[at + 7]!;
  target[at + 2] = SLASH;
  target[at + 3] = target[at + 8]!;
  target[at + 4] = target[at + 9]!;
  target[at + 5] = SLASH;
  target[end] = 0;
}

const GFID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const DIRECTORY_HANDLE = new RegExp(
  `^\\.\\./\\.\\./([0-9a-f]{2})/([0-9a-f]{2})/(${GFID})/([^/]+)$`, "s",
);

/** Parent and name that the link of a directory's handle tells; undefined: no such link. */
export function parseDirectoryHandle(
  target: string,
): { readonly parent: string; readonly name: string } | undefined {
  const match = DIRECTORY_HANDLE.exec(target);
  if (match === null) return undefined;
  const [, first, second, parent = "", name = ""] = match;
  return parent.startsWith(`${first}${second}`) ? { parent, name } : undefined;
}

/** The 16 bytes of a gfid's text. */
export function gfidBytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll("-", ""), "hex"));
}

export function gfidText(bytes: Uint8Array): string {
  const digits = Buffer.from(bytes).toString("hex");
  return [0, 8, 12, 16, 20].map((at, index) => digits.slice(at, [8, 12, 16, 20, 32][index]))
    .join("-");
}
