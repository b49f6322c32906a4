/** Sizes as thin_ls prints them: whole numbers of the unit that keeps them below 8192. */
const units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
const SHOWN_MAX = 8192;

export function approximateSize(bytes: number): string {
  if (bytes === 0) return "0";
  let value = bytes / 1024;
  let unit = 0;
  for (; value > SHOWN_MAX && unit + 1 < units.length; unit += 1) value /= 1024;
  return `${Math.round(value)}${units[unit]}`;
}
