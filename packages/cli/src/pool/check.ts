/** `mortar pool check`: every defect, and whose blocks it costs. */
import { checkHeldPool, checkPool, type Defect } from "@mortar/thin";
import type { CliIo } from "../io.ts";
import type { NodeContext } from "../node/verb.ts";
import { withSource } from "./metadata-source.ts";
import { exitCode } from "./exit-code.ts";
import { PoolWords } from "./pool-words.ts";
import { printJson } from "./print-json.ts";

export function check(args: readonly string[], io: CliIo, { root }: NodeContext): Promise<number> {
  const words = new PoolWords(args, {
    flags: ["--json"], values: ["--pv"], positionals: ["SOURCE"],
  });
  return withSource(words, root, (source) => {
    const result = source.isHeld ? checkHeldPool(source.metadata) : checkPool(source.metadata);
    const sound = result.omittedCount === 0 && result.defects.every((it) => it.severity === "note");
    const code = sound ? exitCode.ok : exitCode.defects;
    if (words.has("--json")) {
      printJson(io, { pool: source.name, sound, ...result });
      return code;
    }
    for (const defect of result.defects) {
      io.stdout.write(`${defect.severity}: ${sentence(defect)}\n`);
    }
    if (result.omittedCount > 0) io.stdout.write(`and ${result.omittedCount} more defects\n`);
    const { deviceCount, mappingCount } = result;
    const verdict = sound ? "sound" : "damaged";
    const part = source.isHeld ? " (active: its trees, not its space maps, were checked)" : "";
    io.stdout.write(
      `${source.name}: ${verdict}; ${deviceCount} devices, ${mappingCount} mappings${part}\n`,
    );
    if (!sound) io.stdout.write(`Next: mortar pool repair ${source.words} --dry-run\n`);
    return code;
  });
}

function sentence({ message, deviceId, lost }: Defect): string {
  if (lost === undefined || deviceId === undefined) return message;
  return `${message} (lost: device ${deviceId}, ${blockRange(lost.begin, lost.end)})`;
}

/** Blocks `[begin, end)` in words; no end: as far as the device goes. */
export function blockRange(begin: number, end: number | undefined): string {
  if (end === undefined) return `blocks ${begin} on`;
  return end === begin + 1 ? `block ${begin}` : `blocks ${begin} to ${end - 1}`;
}
