/** A command that ends with a message: 3 for a wrong command line, 5 for a failure, 0 for help. */
export class LvmExit extends Error {
  override readonly name = "LvmExit";
  readonly exitCode: 0 | 3 | 5;
  /** Lines of standard error, as they are printed: LVM's own begin with two blanks. */
  readonly lines: readonly string[];
  constructor(exitCode: 0 | 3 | 5, lines: readonly string[]) {
    super(lines.join("\n"));
    this.exitCode = exitCode;
    this.lines = lines;
  }
}

/** A wrong argument, in LVM's words, with its hint at the help. */
export function badUsage(tool: string, ...sentences: readonly string[]): LvmExit {
  const lines = [...sentences, `Run \`${tool} --help' for more information.`];
  return new LvmExit(
    3,
    lines.map((line) => `  ${line}`),
  );
}

export function badSyntax(line: string): LvmExit {
  return new LvmExit(3, [line, "  Error during parsing of command line."]);
}

export function failed(...sentences: string[]): LvmExit {
  return new LvmExit(
    5,
    sentences.map((sentence) => `  ${sentence}`),
  );
}
