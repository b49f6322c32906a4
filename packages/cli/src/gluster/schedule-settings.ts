/** What a command line says of a schedule. */
import type { Retention, ScheduleEditBody } from "@mortar/api";
import { UsageError } from "./command.ts";
import { durationMs } from "./time-argument.ts";
import { wordOptions } from "./word-options.ts";

export const scheduleOptions = ["cron", "keep", "time-zone", "jitter", "missed"] as const;

const frequencies = ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
type Frequency = (typeof frequencies)[number];

/** `NAME ["cron or policy" [VOLUME…]]` and options. Throws UsageError. */
export function readSettings(args: readonly string[]): {
  readonly name: string;
  readonly settings: ScheduleEditBody;
} {
  const { words, options } = wordOptions(args, scheduleOptions);
  const [name, when, ...volumes] = words;
  if (name === undefined) throw new UsageError();
  const settings: ScheduleEditBody = {};
  if (when !== undefined) Object.assign(settings, isPolicy(when) ? { keep: readKeep(when) } : { cron: when });
  if (volumes.length > 0) settings.volumes = volumes;
  const { cron, keep, "time-zone": timeZone, jitter, missed } = Object.fromEntries(options);
  if (cron !== undefined) settings.cron = cron;
  if (keep !== undefined) settings.keep = readKeep(keep);
  if (timeZone !== undefined) settings.timeZone = timeZone;
  if (jitter !== undefined) settings.jitterMs = durationMs(jitter);
  if (missed === "once" || missed === "skip") settings.missed = missed;
  else if (missed !== undefined) throw new UsageError("--missed is once or skip.");
  return { name, settings };
}

function isPolicy(text: string): boolean {
  return frequencies.some((it) => text.startsWith(it));
}

/** `hourly 24, daily 7`; `all`: the empty policy. */
export function readKeep(text: string): Retention {
  const keep: Retention = {};
  if (text.trim() === "all") return keep;
  for (const part of text.split(",")) {
    const [, word = "", count = ""] = /^\s*([a-z]+)[ =:]\s*([0-9]{1,6})\s*$/.exec(part) ?? [];
    if (!frequencies.includes(word as Frequency)) {
      throw new UsageError(
        `"${text}" is no policy: "hourly 24, daily 7, weekly 4, monthly 12", or all.`,
      );
    }
    keep[word as Frequency] = Number(count);
  }
  return keep;
}

export function keepText(keep: Retention): string {
  const parts = frequencies.flatMap((it) => (keep[it] === undefined ? [] : [`${it} ${keep[it]}`]));
  return parts.length === 0 ? "all" : parts.join(", ");
}
