/**
 * Pid files of bricks where GlusterFS keeps them, and tools and tests look for them:
 *
 *     RUN/gluster/vols/VOLUME/HOST-PATH.pid       dashes for the slashes of the path
 *
 * Nothing of ours reads them: one that cannot be written, such as for a path that is too long for a
 * name, is told of in the log and missed by nobody else.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Log } from "../log.ts";
import type { BrickSpec } from "./brick-process.ts";

export interface ToolPidPlace {
  /** Absent: none are written. */
  readonly directory: string | undefined;
  readonly log: Log;
}

export function writePidForTools(place: ToolPidPlace, spec: BrickSpec, pid: number): void {
  told(place, spec, (file) => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${pid}\n`);
  });
}

export function removePidForTools(place: ToolPidPlace, spec: BrickSpec): void {
  told(place, spec, (file) => rmSync(file, { force: true }));
}

/** Of bricks of volumes; not of what serves snapshots, or heals. */
function told(
  { directory, log }: ToolPidPlace,
  { volume, snapshot, host, path }: BrickSpec,
  work: (file: string) => void,
): void {
  if (directory === undefined || snapshot !== undefined || !path.startsWith("/")) return;
  try {
    work(join(directory, volume, `${host}${path.replaceAll("/", "-")}.pid`));
  } catch (error) {
    log.warn({ brick: path, err: error }, "the pid file for GlusterFS's tools cannot be kept");
  }
}
