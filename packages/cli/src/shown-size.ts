/** A size as a person reads it: `2.66 MiB`, powers of 1024. */
export function shownSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit + 1 < units.length; unit += 1) value /= 1024;
  return `${Number(value.toFixed(2))} ${units[unit]}`;
}
