/**
 * Writes 4 KiB after 4 KiB into a file that is open with O_SYNC, each when the one before was acknowledged. A line on
 * standard input is answered with the longest time, in milliseconds, that one took since the line before; the end of it
 * ends the program.
 *
 *     node gap-writer.mjs FILE
 */
import { constants, openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";

const PAGE = Buffer.alloc(4096, 1);
const PAGES = 256;
const file = openSync(process.argv[2], constants.O_CREAT | constants.O_RDWR | constants.O_SYNC, 0o600);
let longestMs = 0;
let count = 0;

createInterface({ input: process.stdin })
  .on("line", () => {
    console.log(longestMs);
    longestMs = 0;
  })
  .on("close", () => process.exit());

function write() {
  const begun = performance.now();
  writeSync(file, PAGE, 0, PAGE.length, (count++ % PAGES) * PAGE.length);
  longestMs = Math.max(longestMs, performance.now() - begun);
  setImmediate(write);
}
write();
