/**
 * A program that writes small files into a directory, one after the other: file N is begun when
 * file N - 1 is acknowledged as durable. So whatever a snapshot of the directory holds must be a
 * beginning of the sequence; a file that follows a hole was taken at another moment.
 *
 *     node sequence-writer.js DIRECTORY LOG        until SIGTERM; each durable number goes to LOG
 *     node sequence-writer.js --check DIRECTORY    prints how many whole files the sequence has
 */
import { appendFileSync, closeSync, fsyncSync, openSync, readFileSync, readdirSync } from "node:fs";
import { writeSync } from "node:fs";
import { join } from "node:path";

const LENGTH_BYTES = 12_288;
const nameOf = (number: number) => `sequence-${number}`;

function contentOf(number: number): Buffer {
  return Buffer.alloc(LENGTH_BYTES, `${number}.`);
}

function writeOn(directory: string, log: string): void {
  let ended = false;
  process.on("SIGTERM", () => (ended = true));
  let number = 0;
  const next = () => {
    if (ended) return;
    number += 1;
    const file = openSync(join(directory, nameOf(number)), "wx");
    writeSync(file, contentOf(number));
    fsyncSync(file);
    closeSync(file);
    appendFileSync(log, `${number}\n`);
    setImmediate(next);
  };
  next();
}

/** The last file may be in the making; one behind it, or a hole before it, is a defect. */
function check(directory: string): void {
  const numbers = readdirSync(directory).flatMap((name) => /^sequence-(\d+)$/.exec(name)?.[1] ?? []);
  const last = Math.max(0, ...numbers.map(Number));
  let whole = 0;
  while (whole < last && isWhole(directory, whole + 1)) whole += 1;
  if (whole < last - 1) {
    process.stderr.write(`file ${whole + 1} is missing or broken, while there is file ${last}\n`);
    process.exitCode = 1;
  }
  process.stdout.write(`${whole}\n`);
}

function isWhole(directory: string, number: number): boolean {
  try {
    return readFileSync(join(directory, nameOf(number))).equals(contentOf(number));
  } catch {
    return false;
  }
}

const [first = "", second = ""] = process.argv.slice(2);
if (first === "--check") check(second);
else writeOn(first, second);
