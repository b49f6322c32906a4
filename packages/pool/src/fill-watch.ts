/**
 * Judges how full a pool is, as LVM's dmeventd does: it speaks when data or metadata passes the
 * threshold, and again at every 5 % above; while a fill is above the threshold the pool is to be
 * extended. A command that failed is tried again when the next 5 % are reached, when the pool is
 * full, and otherwise after a pause that doubles.
 *
 * Pure: time is handed in.
 */
import type { EventSeverity, PoolEventKind } from "./pool-events.ts";
import type { EngineStatus } from "./status.ts";

/** An event without its date and pool. */
export interface Judgement {
  readonly kind: PoolEventKind;
  readonly severity: EventSeverity;
  readonly message: string;
  readonly nextStep?: string;
}

const STEP_PERCENT = 5;
const PAUSE_FIRST_MS = 10_000;
const PAUSE_MAX_MS = 600_000;
/** While writes wait there is no time to lose. */
const PAUSE_FULL_MS = 2000;
const METADATA_BLOCK_BYTES = 4096;

type Kind = "data" | "metadata";

export class FillWatch {
  readonly #name: string;
  readonly #thresholdPercent: number;
  /** The fill at which to speak next. */
  readonly #speakAt: Record<Kind, number>;
  #mode: EngineStatus["mode"] | "new" = "new";
  #needsCheck = false;
  #flushFailure: string | undefined;
  #high = false;
  #full = false;
  #pauseMs = 0;
  #notBeforeMs = 0;

  /** `name`: VG/POOL. */
  constructor(name: string, thresholdPercent: number) {
    this.#name = name;
    this.#thresholdPercent = thresholdPercent;
    this.#speakAt = { data: thresholdPercent, metadata: thresholdPercent };
  }

  /** `waiting`: requests wait for room. */
  look(status: EngineStatus, waiting: boolean): Judgement[] {
    const data = percentOf(status.dataUsedBlocks, status.dataTotalBlocks);
    const metadata = percentOf(status.metadataUsedBlocks, status.metadataTotalBlocks);
    const said = [
      ...this.#judgeFill("data", data, dataFigures(status)),
      ...this.#judgeFill("metadata", metadata, metadataFigures(status)),
      ...this.#judgeMode(status),
    ];
    this.#high = Math.max(data, metadata) > this.#thresholdPercent;
    const full = waiting || status.mode === "out-of-data-space";
    if (full !== this.#full) said.push(this.#judgeFull(full, status));
    this.#full = full;
    return said;
  }

  /** Above the threshold, or full. */
  get isAlert(): boolean {
    return this.#high || this.#full;
  }

  /** Whether the pool is to be extended now. */
  wantsExtension(nowMs: number): boolean {
    if (this.#mode === "read-only" || this.#mode === "failed") return false;
    return this.isAlert && this.#thresholdPercent < 100 && nowMs >= this.#notBeforeMs;
  }

  /** The command ended; `grown`: the pool is larger now. */
  extensionEnded(grown: boolean, nowMs: number): void {
    const doubled = this.#pauseMs === 0 ? PAUSE_FIRST_MS : this.#pauseMs * 2;
    this.#pauseMs = grown ? 0 : Math.min(doubled, PAUSE_MAX_MS);
    this.#notBeforeMs = nowMs + (this.#full && !grown ? PAUSE_FULL_MS : this.#pauseMs);
  }

  #judgeFill(kind: Kind, percent: number, figures: string): Judgement[] {
    const threshold = this.#thresholdPercent;
    if (percent <= threshold) {
      this.#speakAt[kind] = threshold;
      return [];
    }
    if (percent <= this.#speakAt[kind]) return [];
    this.#speakAt[kind] = (Math.floor(percent / STEP_PERCENT) + 1) * STEP_PERCENT;
    this.#notBeforeMs = 0;
    const message =
      `${kind === "data" ? "Data" : "Metadata"} of thin pool ${this.#name} is ` +
      `${percent.toFixed(2)}% full, above its threshold of ${threshold}%: ${figures}.`;
    return [
      { kind: `${kind}-high`, severity: "warning", message, nextStep: extendStep(kind, this.#name) },
    ];
  }

  #judgeFull(full: boolean, status: EngineStatus): Judgement {
    if (!full) {
      const message = `Thin pool ${this.#name} has room again: ${dataFigures(status)}.`;
      return { kind: "not-full", severity: "note", message };
    }
    this.#notBeforeMs = 0;
    const kind = status.mode === "out-of-data-space" ? "data" : "metadata";
    const figures = kind === "data" ? dataFigures(status) : metadataFigures(status);
    return {
      kind: "full",
      severity: "error",
      message: `Thin pool ${this.#name} is out of ${kind}: writes to new chunks wait. ${figures}.`,
      nextStep: extendStep(kind, this.#name),
    };
  }

  #judgeMode({ mode, needsCheck, flushFailure }: EngineStatus): Judgement[] {
    const before = this.#mode;
    const said: Judgement[] = [];
    const isNew = flushFailure !== undefined && this.#flushFailure === undefined;
    if (isNew) said.push(flushFailed(this.#name, flushFailure, needsCheck));
    this.#flushFailure = flushFailure;
    if (needsCheck && !this.#needsCheck) {
      said.push({
        kind: "needs-check",
        severity: "error",
        message: `The metadata of thin pool ${this.#name} needs a check; the pool is read-only.`,
        nextStep: repairStep(this.#name),
      });
    } else if (!isNew && mode !== before && (mode === "read-only" || mode === "failed")) {
      said.push({
        kind: "read-only",
        severity: "error",
        message: `Thin pool ${this.#name} takes no changes any more: its mode is ${mode}.`,
        nextStep: repairStep(this.#name),
      });
    }
    this.#mode = mode;
    this.#needsCheck = needsCheck;
    return said;
  }
}

/** 0 to 100. */
export function percentOf(used: number, total: number): number {
  return total === 0 ? 100 : (used / total) * 100;
}

export function extendStep(kind: Kind, name: string): string {
  return kind === "data"
    ? `lvextend -L +SIZE ${name}`
    : `lvextend --poolmetadatasize +SIZE ${name}`;
}

function flushFailed(name: string, errno: string, needsCheck: boolean): Judgement {
  return {
    kind: "flush-failed",
    severity: "error",
    message:
      `A flush of the devices of thin pool ${name} failed with ${errno}: what was written since ` +
      "its last commit is in doubt, and it takes no changes any more.",
    nextStep: `look at the disk (dmesg); ${needsCheck ? repairStep(name) : reactivationStep(name)}`,
  };
}

/** Whoever does this has accepted what is lost. */
function reactivationStep(name: string): string {
  const [vg = name] = name.split("/");
  return `vgchange -an ${vg}; vgchange -ay ${vg}`;
}

export function repairStep(name: string): string {
  const [vg = name] = name.split("/");
  return `vgchange -an ${vg}; mortar pool repair ${name}; vgchange -ay ${vg}`;
}

function dataFigures(status: EngineStatus): string {
  const bytes = status.chunkSectors * 512;
  return usage(status.dataUsedBlocks * bytes, status.dataTotalBlocks * bytes);
}

function metadataFigures(status: EngineStatus): string {
  const { metadataUsedBlocks, metadataTotalBlocks } = status;
  const bytes = METADATA_BLOCK_BYTES;
  return usage(metadataUsedBlocks * bytes, metadataTotalBlocks * bytes);
}

function usage(used: number, total: number): string {
  return `${size(used)} of ${size(total)} used, ${size(total - used)} free`;
}

const UNITS = ["KiB", "MiB", "GiB", "TiB"] as const;

function size(bytes: number): string {
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(2)} ${UNITS[unit]}`;
}
