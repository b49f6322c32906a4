/**
 * Lines of metadata text in LVM's two layouts: bare, as on the medium, or indented by tabs and
 * commented, as in a backup file, with comments at the sixth tab stop where they can.
 */

import type { ConfigEntry, ConfigValue } from "./config-tree.ts";
import { isSection } from "./config-tree.ts";

const TAB = 8;
const COMMENT_STOP = 5;

export class TextWriter {
  readonly #pretty: boolean;
  #depth = 0;
  #out = "";

  constructor(form: "disk" | "backup") {
    this.#pretty = form === "backup";
  }

  /** `comment` is left out on the medium. */
  line(content: string, comment?: string): void {
    if (!this.#pretty) {
      this.#out += `${content}\n`;
      return;
    }
    this.#out += "\t".repeat(this.#depth) + content;
    if (comment !== undefined) {
      const stops = Math.floor((TAB * this.#depth + content.length) / TAB);
      this.#out += `${"\t".repeat(Math.max(1, COMMENT_STOP - stops))}# ${comment}`;
    }
    this.#out += "\n";
  }

  blank(): void {
    this.#out += "\n";
  }

  /** Lines that another writer made. */
  whole(lines: string): void {
    this.#out += lines;
  }

  open(head: string): void {
    this.line(head);
    this.#depth++;
  }

  close(tail: string): void {
    this.#depth--;
    this.line(tail);
  }

  /** What was read without being understood, written back. */
  entries(entries: readonly ConfigEntry[]): void {
    for (const entry of entries) {
      if (isSection(entry)) {
        this.open(`${entry.key} {`);
        this.entries(entry.entries);
        this.close("}");
      } else {
        this.line(`${entry.key} = ${valueText(entry.value)}`);
      }
    }
  }

  text(): string {
    return this.#out;
  }
}

function valueText(value: ConfigValue): string {
  if (value.kind === "array") return `[${value.items.map(valueText).join(", ")}]`;
  return value.kind === "string" ? quote(value.text) : value.text;
}

export function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

export function quotedList(texts: readonly string[]): string {
  return `[${texts.map(quote).join(", ")}]`;
}

/** As in the comments: `sectors` in the unit that leaves at most 1024, six digits. */
export function sizeComment(sectors: number): string {
  const units = ["Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Petabytes", "Exabytes"];
  let value = sectors / 2;
  let unit = 0;
  while (value > 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toPrecision(6))} ${units[unit]}`;
}

/** "Sun Nov 22 15:33:57 2026", in UTC. */
export function calendarTime(seconds: number): string {
  const [weekday, day, month, year, time] = new Date(seconds * 1000).toUTCString().split(/,? /);
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`;
}

/** "2026-11-22 15:32:21 +0000", in UTC. */
export function isoTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")} +0000`;
}
