export { ConfigError, readSettings, type Settings } from "./config.ts";
export { Daemon, type DaemonOptions } from "./daemon.ts";
export { type NodePaths, makeDirectories, nodePaths } from "./paths.ts";
export { AlreadyRunning, takePidFile } from "./pid-file.ts";
