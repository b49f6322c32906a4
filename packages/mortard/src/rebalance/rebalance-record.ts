/**
 * What this node knows of a volume's newest rebalance run, and the files of its process.
 *
 *     RUN/rebal/ID.pid, ID.socket      of the process; ID is made from the volume's name
 *     STATE/rebalance/ID.json          the record; how the run ended is kept there
 *     LOG/VOLUME-rebalance.log         all runs
 *
 * The record is written before the process is started and marked after: a run that has the mark
 * is never started again.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RebalanceCounts } from "@mortar/gluster";

export interface RebalanceHome {
  readonly runDirectory: string;
  readonly recordDirectory: string;
  readonly logDirectory: string;
}

export interface RebalanceFiles {
  readonly pid: string;
  readonly socket: string;
  readonly record: string;
  readonly log: string;
}

export interface RebalanceRecord {
  readonly volume: string;
  readonly task: string;
  readonly started: boolean;
  /** Where the run begins in the log. */
  readonly logBytes: number;
  /** As it told last; how it ended, when it told so. */
  readonly counts?: RebalanceCounts;
}

export function rebalanceFiles(home: RebalanceHome, volume: string): RebalanceFiles {
  const id = createHash("sha256").update(volume).digest("hex").slice(0, 16);
  return {
    pid: join(home.runDirectory, `${id}.pid`),
    socket: join(home.runDirectory, `${id}.socket`),
    record: join(home.recordDirectory, `${id}.json`),
    log: join(home.logDirectory, `${volume}-rebalance.log`),
  };
}

export function readRebalance(file: string): RebalanceRecord | undefined {
  let value: Partial<RebalanceRecord>;
  try {
    value = JSON.parse(readFileSync(file, "utf8")) as Partial<RebalanceRecord>;
  } catch {
    return undefined;
  }
  const { volume, task, started, logBytes, counts } = value;
  if (typeof volume !== "string" || typeof task !== "string") return undefined;
  return {
    volume,
    task,
    started: started === true,
    logBytes: typeof logBytes === "number" ? logBytes : 0,
    ...(counts === undefined ? {} : { counts }),
  };
}

export function writeRebalance(file: string, record: RebalanceRecord): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function removeRebalance(files: RebalanceFiles): void {
  for (const file of [files.record, files.pid, files.socket]) rmSync(file, { force: true });
}

/** Of all volumes that were ever rebalanced on this node. */
export function rebalanceRecords(home: RebalanceHome): RebalanceRecord[] {
  return readdirSync(home.recordDirectory)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => readRebalance(join(home.recordDirectory, name)) ?? []);
}

const ENDED = new RegExp(
  " Rebalance is (completed|stopped|failed)\\. Time taken is ([\\d.]+) secs Files migrated: (\\d+), " +
    "size: (\\d+), lookups: (\\d+), failures: (\\d+), skipped: (\\d+)",
);

/** How a run ended whose process told nobody: nobody was there to be told. */
export function countsInLog(file: string, sinceBytes: number): RebalanceCounts | undefined {
  let lines: string[];
  try {
    lines = readFileSync(file).subarray(sinceBytes).toString("utf8").split("\n");
  } catch {
    return undefined;
  }
  const ended = lines.findLast((it) => it.includes(" Rebalance is "));
  const found = ENDED.exec(ended ?? "");
  if (found === null) return undefined;
  const [files = 0, sizeBytes = 0, lookups = 0, failures = 0, skipped = 0] =
    found.slice(3).map(Number);
  const status = found[1] as "completed" | "stopped" | "failed";
  const seconds = Math.floor(Number(found[2]));
  return { status, files, sizeBytes, lookups, failures, skipped, seconds };
}
