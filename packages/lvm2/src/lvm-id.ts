/**
 * LVM's identifiers: 32 characters of [0-9a-zA-Z]. The text and all output show them as
 * 6-4-4-4-4-4-6 with hyphens; the label on the medium leaves the hyphens out.
 */

const GENERATED = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const COMPACT = /^[0-9a-zA-Z!#]{32}$/;
const EXPANDED = /^[0-9a-zA-Z!#]{6}(?:-[0-9a-zA-Z!#]{4}){5}-[0-9a-zA-Z!#]{6}$/;
const GROUPS = [6, 4, 4, 4, 4, 4, 6] as const;

/**
 * A fresh identifier with hyphens. Bytes of 248 and above are dropped so that no letter is
 * favoured.
 */
export function newLvmId(random: (byteCount: number) => Uint8Array): string {
  let compact = "";
  while (compact.length < 32) {
    for (const byte of random(48)) {
      if (byte < 248 && compact.length < 32) compact += GENERATED[byte % 62];
    }
  }
  return expandId(compact);
}

export function isLvmId(id: string): boolean {
  return EXPANDED.test(id);
}

export function isCompactId(id: string): boolean {
  return COMPACT.test(id);
}

/** Without hyphens, as in the label. */
export function compactId(id: string): string {
  return id.replaceAll("-", "");
}

/** With hyphens, as in the text. */
export function expandId(compact: string): string {
  let at = 0;
  return GROUPS.map((length) => compact.slice(at, (at += length))).join("-");
}
