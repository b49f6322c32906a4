export { runCommandLine } from "./command-line.ts";
export type { CliIo, Output } from "./io.ts";
