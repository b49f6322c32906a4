import { truncateSync, writeFileSync } from "node:fs";

/** A new file, all zeros, and sparse. @param {string} path @param {number} sizeBytes */
export function newFile(path, sizeBytes) {
  writeFileSync(path, "");
  truncateSync(path, sizeBytes);
}
