/** The words of a `mortar pool` command: options that may stand anywhere, and the rest. */
import type { GeometryOverrides } from "@mortar/thin";

/** The command cannot be done as it was given. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly nextStep: string | undefined;
  constructor(message: string, nextStep?: string) {
    super(message);
    this.nextStep = nextStep;
  }
}

export interface PoolWordsSpec {
  /** Options that stand alone. */
  readonly flags: readonly string[];
  /** Options with a value, as the next word or after "=". */
  readonly values: readonly string[];
  /** What each other word is, for messages. */
  readonly positionals: readonly string[];
  /** The last of them may be given again. */
  readonly lastRepeats?: boolean;
}

export const overrideOptions = ["--transaction-id", "--data-block-size", "--nr-data-blocks"];

export class PoolWords {
  readonly positionals: readonly string[];
  readonly #flags = new Set<string>();
  readonly #values = new Map<string, string[]>();

  /** Throws `UsageError`. */
  constructor(args: readonly string[], spec: PoolWordsSpec) {
    const positionals: string[] = [];
    for (let index = 0; index < args.length; index += 1) {
      const word = args[index] ?? "";
      if (!word.startsWith("-") || word === "-") {
        positionals.push(word);
        continue;
      }
      const [option = "", ...rest] = word.split("=");
      if (spec.values.includes(option)) {
        const value = rest.length > 0 ? rest.join("=") : args[(index += 1)];
        if (value === undefined || value === "") throw new UsageError(`${option} needs a value.`);
        this.#values.set(option, [...(this.#values.get(option) ?? []), value]);
      } else if (spec.flags.includes(word)) {
        this.#flags.add(word);
      } else {
        throw new UsageError(`${word} is not an option.`);
      }
    }
    const missing = spec.positionals[positionals.length];
    if (missing !== undefined) throw new UsageError(`${missing} is missing.`);
    const extra = positionals[spec.positionals.length];
    if (extra !== undefined && spec.lastRepeats !== true) throw new UsageError(`${extra} is one word too many.`);
    this.positionals = positionals;
  }

  has(flag: string): boolean {
    return this.#flags.has(flag);
  }

  all(option: string): readonly string[] {
    return this.#values.get(option) ?? [];
  }

  /** The last one given. */
  value(option: string): string | undefined {
    return this.all(option).at(-1);
  }

  required(option: string): string {
    const value = this.value(option);
    if (value === undefined) throw new UsageError(`${option} is missing.`);
    return value;
  }

  number(option: string): number | undefined {
    const value = this.value(option);
    return value === undefined ? undefined : wholeNumber(value, option);
  }

  overrides(): GeometryOverrides {
    return {
      transactionId: this.number("--transaction-id"),
      dataBlockSectors: this.number("--data-block-size"),
      dataBlockCount: this.number("--nr-data-blocks"),
    };
  }
}

/** Throws `UsageError`. */
export function wholeNumber(text: string, what: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new UsageError(`${what}: ${text} is not a number.`);
  return value;
}
