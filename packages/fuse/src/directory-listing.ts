/** The answer to READDIR: entries back to back, each padded to 8 bytes. */
import { directoryEntry, ROOT_NODE } from "./layouts.ts";

const TYPE_FILE = 8;
const TYPE_DIRECTORY = 4;
const encoder = new TextEncoder();

/** Write the entries from `first` on, as many as fit whole, and return their bytes. */
export function listDirectory(
  files: readonly { readonly name: string; readonly node: number }[],
  first: number,
  target: Uint8Array,
): number {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  const entries = [
    { name: ".", node: ROOT_NODE, type: TYPE_DIRECTORY },
    { name: "..", node: ROOT_NODE, type: TYPE_DIRECTORY },
    ...files.map(({ name, node }) => ({ name, node, type: TYPE_FILE })),
  ];
  let used = 0;
  for (const [index, { name, node, type }] of entries.entries()) {
    if (index < first) continue;
    const nameBytes = encoder.encode(name);
    const size = Math.ceil((directoryEntry.size + nameBytes.length) / 8) * 8;
    if (used + size > target.length) break;
    target.fill(0, used, used + size);
    directoryEntry.encode(view, used, {
      inode: node,
      next: index + 1,
      nameLength: nameBytes.length,
      type,
    });
    target.set(nameBytes, used + directoryEntry.size);
    used += size;
  }
  return used;
}
