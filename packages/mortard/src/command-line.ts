/** The options of the `mortard` program. */
import { parseArgs } from "node:util";

export const USAGE = `Usage: mortard [--root DIR] [--address ADDRESS] [--log-level LEVEL]

Serves the GlusterFS volumes of this node, in the foreground, until SIGTERM.

  --root DIR         everything that it keeps lies below DIR (default /)
  --address ADDRESS  serve only this address (default: every address)
  --log-level LEVEL  debug, info, warn or error
  --version, --help

Configuration: DIR/etc/mortar/mortar.json. Log: DIR/var/log/mortar/mortard.log.
To stop the bricks too: mortar down.
`;

export interface CommandLine {
  readonly root: string;
  readonly address: string | undefined;
  readonly logLevel: string | undefined;
  readonly help: boolean;
  readonly version: boolean;
}

/** Throws a `TypeError` that names the option that is wrong. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values } = parseArgs({
    args: [...args],
    options: {
      root: { type: "string", default: "/" },
      address: { type: "string" },
      "log-level": { type: "string" },
      help: { type: "boolean", short: "h", default: false },
      version: { type: "boolean", default: false },
    },
  });
  const { root, address, help, version, "log-level": logLevel } = values;
  if (logLevel !== undefined && !["debug", "info", "warn", "error"].includes(logLevel)) {
    throw new TypeError(`--log-level is debug, info, warn or error, not ${logLevel}`);
  }
  return { root, address, logLevel, help, version };
}
