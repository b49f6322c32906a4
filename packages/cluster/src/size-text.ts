const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** As a person reads it in a sentence: `2.66 MiB`, powers of 1024. */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit + 1 < UNITS.length; unit += 1) value /= 1024;
  return `${Number(value.toFixed(2))} ${UNITS[unit]}`;
}
