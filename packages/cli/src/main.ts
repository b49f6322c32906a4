#!/usr/bin/env node
/** The program `mortar`, and every stock name that is linked to it. */
import { runCommandLine } from "./command-line.ts";

/** What a shell tells of a program that SIGPIPE ended. */
const EXIT_PIPE = 141;

// As a program that a closed pipe ends: whoever reads has seen enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT_PIPE);
});

// A launcher of `mortar aliases` says its name; a plain link shows it as the program's path.
const { MORTAR_CALLED_AS: name } = process.env;
delete process.env["MORTAR_CALLED_AS"];
const calledAs = name ?? process.argv[1] ?? "mortar";
process.exitCode = await runCommandLine(calledAs, process.argv.slice(2), process);
