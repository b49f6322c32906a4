/** `mortar install` and `uninstall`: units of systemd that start this node with the machine. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { CliIo } from "../io.ts";
import { daemonProgram } from "./daemon.ts";
import { INSTALL_MARK, installedFiles, type InstalledFile } from "./install-files.ts";
import { type NodeContext, VerbError } from "./verb.ts";

interface Wish {
  readonly dryRun: boolean;
  readonly prefix: string;
}

export function install(args: readonly string[], io: CliIo, context: NodeContext): Promise<number> {
  const { dryRun, prefix } = wishOf(args, "install");
  const files = placed(context, prefix);
  io.tell?.({ files: files.map(({ path }) => path) });
  if (dryRun) {
    for (const { path, text } of files) io.stdout.write(`==> ${path} <==\n${text}\n`);
    return Promise.resolve(0);
  }
  refuseForeign(files);
  for (const { path, text } of files) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, text, { mode: 0o644, flush: true });
    renameSync(`${path}.new`, path);
    io.stdout.write(`wrote ${path}\n`);
  }
  io.stdout.write("Next: systemctl daemon-reload && systemctl enable --now mortar mortard\n");
  return Promise.resolve(0);
}

/** What runs goes on running: the units are about the next start. */
export function uninstall(
  args: readonly string[],
  io: CliIo,
  context: NodeContext,
): Promise<number> {
  const { dryRun, prefix } = wishOf(args, "uninstall");
  const files = placed(context, prefix).filter(({ path }) => existsSync(path));
  refuseForeign(files);
  io.tell?.({ files: files.map(({ path }) => path) });
  for (const { path } of files) {
    if (!dryRun) rmSync(path);
    io.stdout.write(dryRun ? `${path}\n` : `removed ${path}\n`);
  }
  if (files.length === 0) io.stdout.write("nothing is installed\n");
  else if (!dryRun) io.stdout.write("Next: systemctl daemon-reload\n");
  return Promise.resolve(0);
}

function wishOf(args: readonly string[], verb: string): Wish {
  let dryRun = false;
  let prefix = "/";
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? "";
    const next = args[index + 1];
    if (word === "--dry-run") dryRun = true;
    else if (word.startsWith("--prefix=")) prefix = word.slice("--prefix=".length);
    else if (word === "--prefix" && next !== undefined) {
      prefix = next;
      index += 1;
    } else throw new VerbError(`${word} is not an option.`, `mortar help ${verb}`);
  }
  return { dryRun, prefix: resolve(prefix) };
}

/** The files with their whole paths. */
function placed({ root }: NodeContext, prefix: string): InstalledFile[] {
  const files = installedFiles({
    root,
    node: process.execPath,
    mortar: fileURLToPath(new URL("../main.js", import.meta.url)),
    mortard: daemonProgram(),
  });
  return files.map(({ path, text }) => ({ path: join(prefix, path), text }));
}

function refuseForeign(files: readonly InstalledFile[]): void {
  const foreign = files.filter(
    ({ path }) => existsSync(path) && !readFileSync(path, "utf8").startsWith(INSTALL_MARK),
  );
  if (foreign.length === 0) return;
  throw new VerbError(
    `not made by Mortar, and left alone: ${foreign.map(({ path }) => path).join(", ")}`,
    "move it away, or choose another --prefix",
  );
}
