/** Sizes as a person writes them: `100G`, `1.5T`, `512M`; powers of 1024, with a unit. */
import { VerbError } from "./verb.ts";

const exponents: Readonly<Record<string, number>> = { k: 1, m: 2, g: 3, t: 4, p: 5 };

/** In bytes. Throws `VerbError` that names the option. */
export function sizeArgument(option: string, text: string): number {
  const match = /^(\d{1,15}(?:\.\d{1,6})?)([kmgtp])(?:i?b)?$/iu.exec(text);
  const bytes = Math.round(Number(match?.[1]) * 1024 ** (exponents[match?.[2]?.toLowerCase() ?? ""] ?? 0));
  if (match !== null && Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new VerbError(`${option} takes a size with its unit, such as 100G, not ${text}.`);
}
