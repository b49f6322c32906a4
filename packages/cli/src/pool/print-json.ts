/** How every `--json` of the pool tools looks. */
import type { CliIo } from "../io.ts";

export function printJson(io: CliIo, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}
