/**
 * What `down` took away and `up` brings back: active logical volumes and the file systems that
 * were mounted on them. One JSON file in the state directory, replaced as a whole.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { VerbError } from "./verb.ts";

export interface SavedMount {
  readonly vg: string;
  readonly lv: string;
  readonly point: string;
  readonly type: string;
  readonly options: string;
}

export interface Saved {
  readonly lvs: readonly { readonly vg: string; readonly lv: string }[];
  /** In the order in which they are to be mounted. */
  readonly mounts: readonly SavedMount[];
}

function fileOf(root: string): string {
  return join(root, "var/lib/mortar/stopped.json");
}

export function save(root: string, saved: Saved): void {
  const file = fileOf(root);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, `${JSON.stringify(saved, undefined, 2)}\n`, {
    mode: 0o600,
    flush: true,
  });
  renameSync(`${file}.new`, file);
}

export function readSaved(root: string): Saved | undefined {
  const file = fileOf(root);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { lvs, mounts } = JSON.parse(text) as Saved;
    if (Array.isArray(lvs) && Array.isArray(mounts)) return { lvs, mounts };
  } catch {
    // Not JSON: told below, like any other content that is not ours.
  }
  throw new VerbError(
    `${file} is damaged.`,
    `remove it, then activate with vgchange -ay and mount by hand`,
  );
}

export function forgetSaved(root: string): void {
  rmSync(fileOf(root), { force: true });
}
