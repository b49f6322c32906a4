/** The options of the `mortard` program. */
import { parseArgs } from "node:util";

export const USAGE = `Usage: mortard [--root DIR] [--address ADDRESS] [--log-level LEVEL]
               [--log-file FILE] [--log-directory DIR] [--gluster-run-directory DIR]

Serves the GlusterFS volumes of this node, in the foreground, until SIGTERM.

  --root DIR         everything that it keeps lies below DIR (default /)
  --address ADDRESS  serve only this address (default: every address)
  --log-level LEVEL  debug, info, warn or error
  --log-file FILE    its log (default DIR/var/log/mortar/mortard.log)
  --log-directory DIR          logs of bricks too (default ROOT/var/log/mortar)
  --gluster-run-directory DIR  mounts of snapshots, statedumps (default ROOT/run/gluster)
  --version, --help

Configuration: DIR/etc/mortar/mortar.json. Log: DIR/var/log/mortar/mortard.log.
To stop the bricks too: mortar down.
`;

export interface CommandLine {
  readonly root: string;
  readonly address: string | undefined;
  readonly logLevel: string | undefined;
  readonly logFile: string | undefined;
  readonly logDirectory: string | undefined;
  readonly glusterRunDirectory: string | undefined;
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
      "log-file": { type: "string" },
      "log-directory": { type: "string" },
      "gluster-run-directory": { type: "string" },
      help: { type: "boolean", short: "h", default: false },
      version: { type: "boolean", default: false },
    },
  });
  const { root, address, help, version, "log-level": logLevel } = values;
  if (logLevel !== undefined && !["debug", "info", "warn", "error"].includes(logLevel)) {
    throw new TypeError(`--log-level is debug, info, warn or error, not ${logLevel}`);
  }
  const places = {
    logFile: values["log-file"],
    logDirectory: values["log-directory"],
    glusterRunDirectory: values["gluster-run-directory"],
  };
  return { root, address, logLevel, ...places, help, version };
}
