/**
 * One line of a log, in the forms that programs of a node write:
 *
 *     {"level":30,"time":"2026-…Z","msg":"…",…}           mortard
 *     {"level":"info","ts":"2026-…","msg":"…",…}          etcd
 *     [2026-… +0000] E [MSGID: …] [file.c:1:f] …          GlusterFS
 *     2026-…Z …                                           bricks, pools
 *
 * A line that is none of them is told as it stands.
 */
import type { LogLevel, LogLine } from "@mortar/api";

const CHARACTERS_MAX = 8_192;
const WARN = 40;
const ERROR = 50;
const INFO = 30;
const told: ReadonlySet<string> = new Set(["level", "time", "ts", "msg"]);
const stockLevels: Readonly<Record<string, LogLevel>> = {
  M: "error", A: "error", C: "error", E: "error", W: "warning", N: "info", I: "info", D: "debug",
  T: "debug",
};
const wordLevels: Readonly<Record<string, LogLevel>> = {
  debug: "debug", info: "info", warn: "warning", warning: "warning", error: "error", fatal: "error",
  panic: "error", dpanic: "error",
};
const ranks: readonly LogLevel[] = ["debug", "info", "warning", "error"];

export function isAsBad(level: LogLevel, wanted: LogLevel): boolean {
  return ranks.indexOf(level) >= ranks.indexOf(wanted);
}

export function logLineOf(text: string): LogLine {
  const line = text.startsWith("{") ? jsonLine(text) : stockLine(text) ?? datedLine(text);
  const whole = line ?? { level: "info", text };
  if (whole.text.length <= CHARACTERS_MAX) return whole;
  return { ...whole, text: `${whole.text.slice(0, CHARACTERS_MAX)}…` };
}

function jsonLine(text: string): LogLine | undefined {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const { level, time, ts, msg } = fields;
  if (typeof msg !== "string") return undefined;
  const rest = Object.entries(fields).filter(([key]) => !told.has(key))
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return { ...atOf(time ?? ts), level: levelOf(level), text: [msg, ...rest].join(" ") };
}

function levelOf(level: unknown): LogLevel {
  if (typeof level === "string") return wordLevels[level] ?? "info";
  if (typeof level !== "number") return "info";
  return level >= ERROR ? "error" : level >= WARN ? "warning" : level >= INFO ? "info" : "debug";
}

function stockLine(text: string): LogLine | undefined {
  const [, at, letter, rest] = /^\[([^\]]+)\] ([A-Z]) (.*)$/s.exec(text) ?? [];
  if (at === undefined || letter === undefined || rest === undefined) return undefined;
  return { ...atOf(at.replace(" ", "T").replace(" ", "")), level: stockLevels[letter] ?? "info", text: rest };
}

function datedLine(text: string): LogLine | undefined {
  const [, at, rest] = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (.*)$/s.exec(text) ?? [];
  return at === undefined || rest === undefined ? undefined : { ...atOf(at), level: "info", text: rest };
}

function atOf(time: unknown): { atMs?: number } {
  const atMs = typeof time === "string" ? Date.parse(time) : Number.NaN;
  return Number.isNaN(atMs) ? {} : { atMs };
}
