#!/usr/bin/env node
/** The program `mortard`: one node, in the foreground, until SIGTERM or `mortar down`. */
import { readFileSync } from "node:fs";
import {
  bootRecorder,
  engineChoiceOf,
  readDeviceFilter,
  readPlainFiles,
  VolumeGroups,
} from "@mortar/vg";
import { type CommandLine, USAGE, parseCommandLine } from "./command-line.ts";
import { readSettings } from "./config.ts";
import { Daemon } from "./daemon.ts";
import { ExternalEtcd } from "./etcd/external-etcd.ts";
import { openState } from "./etcd/open-state.ts";
import { type OpenLog, openLog } from "./log.ts";
import { nodeUuid } from "./node-identity.ts";
import { makeDirectories, nodePaths } from "./paths.ts";
import { NodeTls } from "./peers/node-tls.ts";
import { takePidFile } from "./pid-file.ts";
import { poolPolicyOf } from "./pool-policy.ts";

const WARNINGS_KEPT_MAX = 1000;
const DAY_MS = 24 * 3600 * 1000;

function versionOfPackage(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

async function serve(line: CommandLine, version: string): Promise<void> {
  const paths = nodePaths(line.root, line);
  const file = readSettings(paths.configFile);
  const settings = { ...file, ...(line.address === undefined ? {} : { address: line.address }) };
  makeDirectories(paths);
  const pidFile = takePidFile(paths.pidFile);
  const opened = openLog(paths.logFile, line.logLevel ?? settings.logLevel);
  const { log } = opened;
  reportDeath(opened);
  log.info({ version, root: paths.root, address: settings.address, pid: process.pid }, "starting");
  try {
    const uuid = nodeUuid(paths.stateDirectory);
    const { etcdCluster, certificateDays } = settings;
    const tls = await NodeTls.open(paths.tlsDirectory, uuid, certificateDays * DAY_MS);
    const external = etcdCluster === undefined ? undefined : new ExternalEtcd(etcdCluster);
    const state = await openState({ places: paths, tls, etcdProgram: settings.etcd, external, log });
    const warn = onceEach((sentence) => log.warn({}, sentence));
    const groups = await VolumeGroups.open({
      runDirectory: paths.runDirectory,
      engine: engineChoiceOf(paths.root),
      deviceFilter: readDeviceFilter(paths.configFile),
      files: readPlainFiles(paths.configFile),
      policy: poolPolicyOf(paths),
      boot: bootRecorder(paths.stateDirectory, warn),
      warn,
    });
    let leave: (reason: string) => void = () => undefined;
    const left = new Promise<string>((resolve) => {
      leave = resolve;
    });
    const daemon = await Daemon.start({
      paths,
      settings,
      uuid,
      version,
      state,
      groups,
      log,
      onShutdown: () => leave("mortar down"),
    });
    for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => leave(name));
    log.info({ reason: await left }, "ending");
    await daemon.close();
  } catch (error) {
    log.error({ err: error }, "the daemon cannot run");
    throw error;
  } finally {
    pidFile.release();
    log.info({}, "ended");
    opened.close();
  }
}

/** Every scan of the devices says the same again: the log needs it once. */
function onceEach(say: (sentence: string) => void): (sentence: string) => void {
  const said = new Set<string>();
  return (sentence) => {
    if (said.has(sentence)) return;
    if (said.size >= WARNINGS_KEPT_MAX) said.clear();
    said.add(sentence);
    say(sentence);
  };
}

/** A defect ends the process, as it should: bricks go on, and whoever supervises starts it again. */
function reportDeath(opened: OpenLog): void {
  process.on("uncaughtExceptionMonitor", (error) => {
    opened.log.error({ err: error }, "the daemon died of a defect");
    opened.close();
  });
}

async function main(): Promise<number> {
  let line: CommandLine;
  try {
    line = parseCommandLine(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`mortard: ${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  const version = versionOfPackage();
  if (line.help) process.stdout.write(USAGE);
  else if (line.version) process.stdout.write(`mortard ${version}\n`);
  else {
    try {
      await serve(line, version);
    } catch (error) {
      process.stderr.write(`mortard: ${(error as Error).message}\n`);
      return 1;
    }
  }
  return 0;
}

process.exit(await main());
