/** The daemon's log: JSON lines in one file, written at once so that a crash loses none. */
import { type Logger, destination, pino } from "pino";

export type Log = Pick<Logger, "debug" | "info" | "warn" | "error">;

export interface OpenLog {
  readonly log: Logger;
  /** Writes what is still held back. Call it last. */
  close(): void;
}

export function openLog(file: string, level: string): OpenLog {
  const stream = destination({ dest: file, sync: true, mkdir: true, mode: 0o600 });
  return {
    log: pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream),
    close: () => stream.flushSync(),
  };
}
