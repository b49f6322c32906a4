/**
 * The process that holds a file system frozen, and thaws it: see held-by-child.ts.
 *
 *     node freeze-child.js MOUNT-POINT LIMIT-MS
 */
import { constants, openSync } from "node:fs";
import { freezeFileSystem, thawFileSystem } from "./freeze.ts";
import { holdAsChild } from "./held-by-child.ts";

const [mountPoint = "", limit = ""] = process.argv.slice(2);
let directory = -1;
await holdAsChild(
  Number(limit),
  () => {
    directory = openSync(mountPoint, constants.O_RDONLY | constants.O_DIRECTORY);
    freezeFileSystem(directory, mountPoint);
  },
  () => thawFileSystem(directory, mountPoint),
);
