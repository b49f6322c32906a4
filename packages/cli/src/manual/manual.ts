/** `mortar manual DIR`: the manual pages, as files. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { CliIo } from "../io.ts";
import { VerbError } from "../node/verb.ts";
import { commandTable } from "./command-table.ts";
import { manualPages } from "./manual-pages.ts";

export function manual(args: readonly string[], io: CliIo): Promise<number> {
  const [target, ...more] = args;
  if (target === undefined || target.startsWith("-") || more.length > 0) {
    throw new VerbError("it takes one directory.", "mortar help manual");
  }
  const directory = resolve(target);
  mkdirSync(directory, { recursive: true });
  const pages = manualPages(commandTable(), dayOfBuild());
  io.tell?.({ directory, files: pages.map(({ file }) => file) });
  for (const { file, text } of pages) {
    writeFileSync(join(directory, file), text);
    io.stdout.write(`wrote ${join(directory, file)}\n`);
  }
  return Promise.resolve(0);
}

/** Builds that shall come out the same say when. */
function dayOfBuild(): string {
  const { SOURCE_DATE_EPOCH: seconds } = process.env;
  const at = seconds === undefined ? new Date() : new Date(Number(seconds) * 1000);
  return at.toISOString().slice(0, 10);
}
