/**
 * The operator's own mounts under bricks of started volumes, and those of the bricks that Mortar
 * made, written down for `mortar up`: after a start of the machine they must be there before the bricks, and nobody else may know of them.
 * Read by the command line, which mounts them when the daemon does not run yet.
 *
 *     STATE/brick-mounts.json    [{ vg, lv, point, type, options }], as mount(8) takes them
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { claimsOn, type ClusterState } from "@mortar/cluster";
import type { Log } from "./log.ts";

export function brickMountsFile(stateDirectory: string): string {
  return join(stateDirectory, "brick-mounts.json");
}

/** Durable when it returns; what did not change is not written. A failure is logged. */
export function recordBrickMounts(
  stateDirectory: string,
  state: ClusterState,
  node: string,
  log: Log,
): void {
  const started = [...state.volumes.values()].filter((it) => it.document.status === "Started");
  const bricks = started.flatMap(({ document }) => document.bricks);
  const mounts = bricks.flatMap(({ thin, mountPoint, fsType, mountOptions, ...brick }) =>
    brick.node !== node || brick.managed || thin === undefined
      ? []
      : [{ vg: thin.vg, lv: thin.lv, point: mountPoint, type: fsType, options: mountOptions }],
  );
  for (const made of state.nodes.get(node)?.document.madeBricks ?? []) {
    const { vg, lv, mountPoint: point } = made;
    // After a restore it belongs to a snapshot, and another LV is the brick.
    const users = claimsOn(state, { node, vg, lv });
    if (mounts.some((it) => it.point === point) || users.some(isSnapshot)) continue;
    mounts.push({ vg, lv, point, type: "xfs", options: "noatime" });
  }
  const text = `${JSON.stringify(mounts, undefined, 2)}\n`;
  const file = brickMountsFile(stateDirectory);
  try {
    if (textOf(file) === text) return;
    writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
    renameSync(`${file}.new`, file);
  } catch (error) {
    log.error({ err: error, file }, "the mounts of bricks are not written down for the next start");
  }
}

function isSnapshot({ owner }: { readonly owner: string }): boolean {
  return owner.startsWith("snapshot ");
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
