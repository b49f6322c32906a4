#!/usr/bin/env node
/** The program `mortar`, and every stock name that is linked to it. */
import { runCommandLine } from "./command-line.ts";

// A launcher of `mortar aliases` says its name; a plain link shows it as the program's path.
const { MORTAR_CALLED_AS: name } = process.env;
delete process.env["MORTAR_CALLED_AS"];
const calledAs = name ?? process.argv[1] ?? "mortar";
process.exitCode = await runCommandLine(calledAs, process.argv.slice(2), process);
