/** What a verb of Mortar is: called with its words, it prints and gives its exit code. */
import type { Problem } from "@mortar/api";
import type { CliIo } from "../io.ts";
import { suggestion } from "../suggestion.ts";

export interface NodeContext {
  /** Where this node keeps its files; "/" unless moved. */
  readonly root: string;
}

export type Verb = (args: readonly string[], io: CliIo, context: NodeContext) => Promise<number>;

/** A refusal with a sentence for the user, and what to do now. */
export class VerbError extends Error {
  override readonly name = "VerbError";
  readonly nextStep: string | undefined;
  /** The daemon's, where it was the daemon that refused. */
  readonly problem: Problem | undefined;
  constructor(message: string, nextStep?: string, problem?: Problem) {
    super(message);
    this.nextStep = nextStep;
    this.problem = problem;
  }
}

/** Throws `VerbError` for an option that the verb does not have. */
export function checkOptions(args: readonly string[], verb: string, known: readonly string[]): void {
  const unknown = args.find((word) => !known.includes(word));
  if (unknown !== undefined) {
    const near = suggestion(unknown, known);
    const next = near === undefined ? `mortar help ${verb}` : `mortar ${verb} ${near}`;
    throw new VerbError(`${unknown} is not an option.`, next);
  }
}
