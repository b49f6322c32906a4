/** Where a command reads and writes: `process` fits, and so do the objects of a test. */
export interface Output {
  write(text: string): unknown;
}

export interface CliIo {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** There with `--json`: what a program wants besides the sentences, by stable names. */
  readonly tell?: (fields: Readonly<Record<string, unknown>>) => void;
}
