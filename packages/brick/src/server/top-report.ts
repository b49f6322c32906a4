/** What `volume top` asks of a brick. */
import type { Brick } from "../brick.ts";
import { onePathOf } from "../fops/virtual-xattr.ts";
import type { TopKind } from "../services/top-counts.ts";

const ENTRIES_MAX = 100;

export interface TopEntry {
  /** In the volume: `/directory/file`. */
  readonly path: string;
  readonly count: number;
}

export interface TopSpeedEntry {
  readonly path: string;
  readonly megabytes: number;
  readonly timeMs: number;
}

export interface TopReport {
  readonly openNow: number;
  readonly openMax: number;
  /** Milliseconds since 1970; 0: never. */
  readonly openMaxTimeMs: number;
  readonly counts: Readonly<Record<TopKind, readonly TopEntry[]>>;
  readonly readSpeed: readonly TopSpeedEntry[];
  readonly writeSpeed: readonly TopSpeedEntry[];
}

export function topReport(brick: Brick): TopReport {
  const { top } = brick;
  const entries = (kind: TopKind): TopEntry[] =>
    top.greatest(kind, ENTRIES_MAX).map(([slot, count]) => ({ path: pathOf(brick, slot), count }));
  const speeds = (kind: "read" | "write"): TopSpeedEntry[] =>
    top.fastest(kind, ENTRIES_MAX).map(([slot, speed]) => ({ path: pathOf(brick, slot), ...speed }));
  return {
    openNow: top.openNow,
    openMax: top.openMax,
    openMaxTimeMs: top.openMaxTimeMs,
    counts: {
      open: entries("open"), read: entries("read"), write: entries("write"),
      opendir: entries("opendir"), readdir: entries("readdir"),
    },
    readSpeed: speeds("read"),
    writeSpeed: speeds("write"),
  };
}

function pathOf(brick: Brick, slot: number): string {
  return Buffer.from(onePathOf(brick, slot), "latin1").toString("utf8");
}
