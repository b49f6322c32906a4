/**
 * How far long work is, on standard error: on a terminal one line that is drawn over and taken away at the end; elsewhere
 * a whole line now and then, for whoever reads the log of a job later. What is short shows nothing.
 */
import type { TaskCount } from "@mortar/api";
import type { Output } from "./io.ts";
import { shownSize } from "./shown-size.ts";
import { type Terminal, widthOf } from "./style.ts";

const FIRST_MS = 700;
const DRAW_MS = 100;
const PLAIN_MS = 60_000;
/** What is left is told once this much was seen of the pace. */
const PACE_MS = 5_000;
const BAR_CELLS = 24;
const WIDTH_UNKNOWN = 80;

export class ProgressLine {
  readonly #label: string;
  readonly #output: Output & Terminal;
  readonly #nowMs: () => number;
  readonly #beganMs: number;
  #first: TaskCount | undefined;
  #toldMs: number;
  #isDrawn = false;

  /** `label` says of what. `nowMs` is a clock that only goes forward. */
  constructor(label: string, output: Output & Terminal, nowMs: () => number = () => performance.now()) {
    this.#label = label;
    this.#output = output;
    this.#nowMs = nowMs;
    this.#beganMs = nowMs();
    this.#toldMs = this.#beganMs;
  }

  /** To be called as often as one likes. */
  tell(count: TaskCount): void {
    this.#first ??= count;
    const isTerminal = this.#output.isTTY === true;
    const now = this.#nowMs();
    const pause = isTerminal ? (this.#isDrawn ? DRAW_MS : FIRST_MS) : PLAIN_MS;
    if (now - this.#toldMs < pause) return;
    this.#toldMs = now;
    const text = `${this.#label}: ${this.#textOf(count, now, isTerminal)}`;
    if (!isTerminal) {
      this.#output.write(`${text}\n`);
      return;
    }
    // The last column stays empty: some terminals go to the next line when it is filled.
    const width = (widthOf(this.#output) || WIDTH_UNKNOWN) - 1;
    this.#output.write(`\r\u001B[K${text.slice(0, width)}`);
    this.#isDrawn = true;
  }

  /** Nothing is left of it on a terminal. */
  end(): void {
    if (this.#isDrawn) this.#output.write("\r\u001B[K");
    this.#isDrawn = false;
  }

  #textOf(count: TaskCount, now: number, isTerminal: boolean): string {
    const { done, total, unit, note } = count;
    const amount = unit === "bytes" ? shownSize(done) : `${done}`;
    const more = [note ?? "", this.#leftText(count, now)].filter((it) => it !== "").map((it) => `, ${it}`).join("");
    if (total === undefined || total <= 0) return `${amount}${unit === "bytes" ? "" : ` ${unit}`}${more}`;
    const share = Math.min(1, done / total);
    const cells = Math.floor(share * BAR_CELLS);
    const bar = isTerminal ? `[${"#".repeat(cells)}${"-".repeat(BAR_CELLS - cells)}] ` : "";
    const of = unit === "bytes" ? shownSize(total) : `${total} ${unit}`;
    return `${bar}${Math.floor(share * 100)}%, ${amount} of ${of}${more}`;
  }

  #leftText({ done, total }: TaskCount, now: number): string {
    const passed = now - this.#beganMs;
    const came = done - (this.#first?.done ?? 0);
    if (total === undefined || total <= done || came <= 0 || passed < PACE_MS) return "";
    const seconds = Math.ceil(((total - done) * passed) / came / 1000);
    return `${seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`} left`;
  }
}
