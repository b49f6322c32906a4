/** `volume profile V info`: the tables of a brick, as stock lays them out; and as XML. */
import type { ProfileBook, VolumeProfile } from "@mortar/api";
import { type XmlElement, element } from "../xml.ts";

export type ProfilePart = "incremental" | "cumulative" | "clear" | undefined;

const SIZES_A_LINE = 3;
const SIZES = 32;
/** The numbers of stock's XML. */
const OPERATION = { start: 1, stop: 2, info: 3 } as const;

export function profileText(part: ProfilePart): (profile: VolumeProfile) => string {
  return ({ bricks }) =>
    bricks.map(({ host, path, profile }) => {
      const name = `Brick: ${host}:${path}\n`;
      const heading = `${name}${"-".repeat(name.length - 1)}\n`;
      if (profile === undefined) return `${heading}Cleared stats.\n`;
      const { cumulative, interval, intervalNumber } = profile;
      const books = [
        ...(part === "incremental" ? [] : [`Cumulative Stats:\n${bookText(cumulative)}`]),
        ...(part === "cumulative" ? [] : [`Interval ${intervalNumber} Stats:\n${bookText(interval)}`]),
      ];
      return heading + books.join("");
    }).join("");
}

function bookText(book: ProfileBook): string {
  return (
    `${sizesText(book)}${fopsText(book)} \n` +
    `    Duration: ${Math.floor(book.duration / 1000)} seconds\n` +
    `   Data Read: ${book.bytesRead} bytes\n` +
    `Data Written: ${book.bytesWritten} bytes\n \n`
  );
}

function sizesText({ readSizes, writeSizes }: ProfileBook): string {
  const used = Array.from({ length: SIZES }, (_, index) => index).filter(
    (index) => (readSizes[index] ?? 0) + (writeSizes[index] ?? 0) > 0,
  );
  const lines: string[] = [];
  for (let first = 0; first < used.length; first += SIZES_A_LINE) {
    const part = used.slice(first, first + SIZES_A_LINE);
    const cells = (of: (index: number) => string) => part.map(of).join("");
    lines.push(
      `   Block Size:${cells((index) => `${String(2 ** index).padStart(19)}b+ `)}\n`,
      ` No. of Reads:${cells((index) => `${String(readSizes[index] ?? 0).padStart(21)} `)}\n`,
      `No. of Writes:${cells((index) => `${String(writeSizes[index] ?? 0).padStart(21)} `)}\n`,
    );
  }
  return lines.join("");
}

/** The one that took the most time comes last. */
function fopsText({ fops }: ProfileBook): string {
  if (fops.length === 0) return "";
  const all = fops.reduce((sum, { count, mean }) => sum + count * mean, 0);
  const share = ({ count, mean }: { readonly count: number; readonly mean: number }) =>
    all === 0 ? 0 : (100 * count * mean) / all;
  const sorted = fops.toSorted((a, b) => share(a) - share(b));
  const time = (microseconds: number) => `${(microseconds * 1000).toFixed(2).padStart(10)} ns`;
  const rows = sorted.map(
    (fop) =>
      `${share(fop).toFixed(2).padStart(10)} ${time(fop.mean)} ${time(fop.least)} ` +
      `${time(fop.most)} ${String(fop.count).padStart(14)} ${fop.name.padStart(11)}\n`,
  );
  return (
    " %-latency   Avg-latency   Min-Latency   Max-Latency   No. of calls         Fop\n" +
    " ---------   -----------   -----------   -----------   ------------        ----\n" +
    rows.join("")
  );
}

export function profileXml(
  { name, bricks }: VolumeProfile,
  action: keyof typeof OPERATION,
  part: ProfilePart,
): readonly XmlElement[] {
  const brickXml = bricks.map(({ host, path, profile }) =>
    element("brick", [
      element("brickName", `${host}:${path}`),
      ...(profile === undefined
        ? [element("clearStats", "Cleared stats.")]
        : [
            ...(part === "incremental" ? [] : [bookXml("cumulativeStats", profile.cumulative)]),
            ...(part === "cumulative" ? [] : [bookXml("intervalStats", profile.interval)]),
          ]),
    ]),
  );
  return [
    element("volProfile", [
      element("volname", name),
      element("profileOp", OPERATION[action]),
      element("brickCount", bricks.length),
      ...brickXml,
    ]),
  ];
}

function bookXml(name: string, book: ProfileBook): XmlElement {
  const blocks = Array.from({ length: SIZES }, (_, index) =>
    element("block", [
      element("size", 2 ** index),
      element("reads", book.readSizes[index] ?? 0),
      element("writes", book.writeSizes[index] ?? 0),
    ]),
  );
  const nanoseconds = (microseconds: number) => (microseconds * 1000).toFixed(6);
  const fops = book.fops.map((fop) =>
    element("fop", [
      element("name", fop.name),
      element("hits", fop.count),
      element("avgLatency", nanoseconds(fop.mean)),
      element("minLatency", nanoseconds(fop.least)),
      element("maxLatency", nanoseconds(fop.most)),
    ]),
  );
  return element(name, [
    element("blockStats", blocks),
    element("fopStats", fops),
    element("duration", Math.floor(book.duration / 1000)),
    element("totalRead", book.bytesRead),
    element("totalWrite", book.bytesWritten),
  ]);
}
