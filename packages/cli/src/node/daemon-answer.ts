/** An answer of the daemon, for verbs: the result, with warnings told, or a `VerbError`. */
import type { Answer } from "@mortar/api";
import type { CliIo } from "../io.ts";
import { VerbError } from "./verb.ts";

export function resultOf<T>(answer: Answer<T>, io: CliIo): T {
  if (answer.ok) {
    for (const warning of answer.warnings) io.stderr.write(`Warning: ${warning}\n`);
    return answer.result;
  }
  const { opErrstr, details, nextStep } = answer.problem;
  const lines = details.map((it) => `  ${it.detail}`).filter((it) => !it.includes(opErrstr));
  const next = nextStep ?? details.find((it) => it.nextStep !== undefined)?.nextStep;
  throw new VerbError([opErrstr, ...lines].join("\n"), next, answer.problem);
}
