/** Sizes and percentages as LVM prints them. */

const PREFIXES = ["e", "p", "t", "g", "m", "k"] as const;

export interface SizeFormat {
  /**
   * `r` (the default) and `h` choose the unit that fits, `R` and `H` among powers of 1000; `b` is
   * bytes, `s` sectors; k m g t p e are powers of 1024, upper case of 1000.
   */
  readonly unit?: string | undefined;
  /** "4.00 MiB", as in messages, instead of "4.00m", as in reports. */
  readonly long?: boolean | undefined;
  /** On by default. Units that choose for themselves always show it. */
  readonly suffix?: boolean | undefined;
}

export function isSizeUnit(unit: string): boolean {
  return /^[rRhHbBsSkmgtpeKMGTPE]$/.test(unit);
}

/**
 * `sectors` of 512 bytes. A unit that chooses marks with `<` what was rounded up: 2047m is
 * `<2.00g`.
 */
export function formatSize(sectors: number, format: SizeFormat = {}): string {
  const unit = format.unit ?? "r";
  const long = format.long === true;
  const chooses = /^[rRhH]$/.test(unit);
  const showSuffix = chooses || format.suffix !== false;
  if (sectors === 0) {
    if (chooses) return long ? "0   " : format.suffix === false ? "0" : "0 ";
    return format.suffix === false ? "0" : `0${suffixOf(unit, long)}`;
  }
  const bytes = sectors * 512;
  if (!chooses) {
    const value = toFixedHalfEven(bytes / factorOf(unit), /[bBsS]/.test(unit) ? 0 : 2);
    return showSuffix ? value + suffixOf(unit, long) : value;
  }
  const base = unit === "R" || unit === "H" ? 1000 : 1024;
  let factor = base ** PREFIXES.length;
  let index = 0;
  while (index < PREFIXES.length && bytes < factor) {
    factor /= base;
    index++;
  }
  const prefix = PREFIXES[index];
  const chosen = prefix === undefined ? "b" : base === 1000 ? prefix.toUpperCase() : prefix;
  const suffix = prefix === undefined && !long ? "b" : suffixOf(chosen, long);
  if (prefix === undefined) return bytes.toFixed(0) + suffix;
  const hundredths = (100 * bytes) / factor;
  const roundedUp = roundHalfEven(hundredths) !== Math.floor(hundredths);
  const mark = (unit === "r" || unit === "R") && roundedUp ? "<" : "";
  return mark + toFixedHalfEven(bytes / factor, 2) + suffix;
}

function factorOf(unit: string): number {
  if (/[bB]/.test(unit)) return 1;
  if (/[sS]/.test(unit)) return 512;
  const power = PREFIXES.length - PREFIXES.indexOf(unit.toLowerCase() as (typeof PREFIXES)[number]);
  return (unit === unit.toLowerCase() ? 1024 : 1000) ** power;
}

function suffixOf(unit: string, long: boolean): string {
  if (/[bB]/.test(unit)) return long ? " B" : "B";
  if (/[sS]/.test(unit)) return long ? " Se" : "S";
  if (!long) return unit;
  if (unit === "K") return " kB";
  return unit === unit.toLowerCase() ? ` ${unit.toUpperCase()}iB` : ` ${unit}B`;
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** printf's rounding: an exact tie goes to the even digit. `toFixed` would go up. */
function toFixedHalfEven(value: number, digits: 0 | 2): string {
  const scale = digits === 0 ? 1 : 100;
  // Only multiples of 1/8 can lie exactly between two hundredths, and those are exact here.
  const isTie = Number.isInteger(value * 8) && (value * scale * 2) % 2 === 1;
  return isTie ? (roundHalfEven(value * scale) / scale).toFixed(digits) : value.toFixed(digits);
}

/**
 * A share as LVM prints it: two decimals, and 0.00 or 100.00 only when it is exactly that. LVM
 * keeps a percentage as a whole number of millionths and prints it from a 32-bit float.
 */
export function formatPercent(part: number, whole: number): string {
  return percentFromMillionths(millionthsOf(part, whole));
}

function millionthsOf(part: number, whole: number): number {
  if (whole === 0 || part === whole) return 100_000_000;
  if (part === 0) return 0;
  const millionths = Math.trunc(100_000_000 * (part / whole));
  if (millionths === 0) return 1;
  return millionths === 100_000_000 ? 99_999_999 : millionths;
}

function percentFromMillionths(millionths: number): string {
  if (millionths > 0 && millionths < 10_000) return "0.01";
  if (millionths > 99_990_000 && millionths < 100_000_000) return "99.99";
  return toFixedHalfEven(Math.fround(Math.fround(millionths) / 1_000_000), 2);
}
