/** `mortar aliases DIR`: commands under the stock names, each a launcher of one line. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { CliIo } from "../io.ts";
import { lvmTools } from "../lvm/index.ts";
import { type NodeContext, VerbError } from "./verb.ts";

const mark = "# Made by `mortar aliases`.";

export async function aliases(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  const [target, ...more] = args;
  if (target === undefined || target.startsWith("-") || more.length > 0) {
    throw new VerbError("it takes one directory.", "mortar help aliases");
  }
  const directory = resolve(target);
  const names = ["mortar", "gluster", "glusterd", "snap_scheduler.py", ...lvmTools];
  const foreign = names.map((name) => join(directory, name)).filter(isForeign);
  if (foreign.length > 0) {
    throw new VerbError(
      `not made by Mortar, and left alone: ${foreign.join(", ")}`,
      "choose an empty directory",
    );
  }
  mkdirSync(directory, { recursive: true });
  for (const name of names) {
    const file = join(directory, name);
    writeFileSync(file, launcher(name, root));
    chmodSync(file, 0o755);
  }
  io.tell?.({ directory, names });
  io.stdout.write(
    `${names.length} commands in ${directory}: ${names.join(" ")}\n` +
      `Next: export PATH=${directory}:$PATH\n`,
  );
  return 0;
}

function isForeign(file: string): boolean {
  return existsSync(file) && !readFileSync(file, "utf8").includes(mark);
}

/** The root is part of the launcher, so that stock command lines need no further option. */
function launcher(name: string, root: string): string {
  const main = fileURLToPath(new URL("../main.js", import.meta.url));
  const fixedRoot = root === "/" ? "" : `MORTAR_ROOT=\${MORTAR_ROOT:-${quoted(root)}} `;
  return (
    `#!/bin/sh\n${mark}\n` +
    `${fixedRoot}MORTAR_CALLED_AS=${name} exec ${quoted(process.execPath)} ${quoted(main)} "$@"\n`
  );
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
