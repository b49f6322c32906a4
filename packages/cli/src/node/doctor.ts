/**
 * `mortar doctor`: what this machine lacks, which bricks of the cluster take no snapshot, and what else
 * will hurt soon; one line a fact, and what to type about it.
 */
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { basename, delimiter, join } from "node:path";
import { deadServers, engineChoiceOf, kernelObstacle } from "@mortar/vg";
import type { CliIo } from "../io.ts";
import { type Colour, hasColours, painted, widthOf } from "../style.ts";
import { table } from "../table.ts";
import { brickFindings } from "./brick-findings.ts";
import { nodeStatusOf, runDirectoryOf } from "./daemon.ts";
import { peerFindings } from "./peer-findings.ts";
import { poolHealth } from "./pool-health.ts";
import { serviceFindings } from "./service-findings.ts";
import { checkOptions, type NodeContext } from "./verb.ts";

export interface Finding {
  readonly what: string;
  readonly state: "ok" | "missing" | "note";
  readonly detail: string;
  readonly nextStep?: string;
}

const colours: Readonly<Record<Finding["state"], Colour>> = {
  ok: "green", note: "yellow", missing: "red",
};

export async function doctor(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  checkOptions(args, "doctor", ["--json"]);
  const findings = [
    ...(await daemonFinding(root)),
    ...(await poolFindings(root)),
    ...machineFindings(),
    await engineFinding(root),
    ...programFindings(),
  ];
  if (args.includes("--json")) {
    io.stdout.write(`${JSON.stringify(findings, undefined, 2)}\n`);
  } else {
    const rows = findings.map(({ what, state, detail, nextStep }) => [
      state,
      what,
      nextStep === undefined ? detail : `${detail}  Next: ${nextStep}`,
    ]);
    const isOn = hasColours(io.stdout);
    const paint = (cell: string, column: number): string =>
      column > 0 ? cell : painted(cell, colours[cell.trim() as Finding["state"]], isOn);
    io.stdout.write(table(rows, { width: widthOf(io.stdout), paint }));
  }
  return findings.some((it) => it.state === "missing") ? 1 : 0;
}

async function daemonFinding(root: string): Promise<Finding[]> {
  const status = await nodeStatusOf(root);
  if (status === undefined) {
    return [{ what: "mortard", state: "note", detail: "not running", nextStep: "mortar up" }];
  }
  const offline = status.bricks.filter((brick) => brick.state !== "online");
  const bricks = offline.map((brick): Finding => ({
    what: `brick ${brick.path}`,
    state: "missing",
    detail: brick.reason ?? brick.state,
    nextStep: `mortar volume start ${brick.volume} force`,
  }));
  const daemon: Finding = { what: "mortard", state: "ok", detail: `pid ${status.pid}` };
  return [
    daemon, ...(await peerFindings(root, status)), ...bricks, ...(await brickFindings(root)),
    ...(await serviceFindings(root, status)),
  ];
}

/** Which engine activates a volume group that nobody has active. */
async function engineFinding(root: string): Promise<Finding> {
  const what = "engine";
  const choice = engineChoiceOf(root);
  const obstacle = await kernelObstacle();
  if (choice === "kernel" && obstacle !== undefined) {
    return { what, state: "missing", detail: `kernel was chosen: ${obstacle}` };
  }
  const taken = choice === "auto" ? (obstacle === undefined ? "kernel" : "userspace") : choice;
  const detail = taken === "kernel" ? "the kernel's device-mapper" : "Mortar's own pool servers";
  return { what, state: "ok", detail: `${detail} (${choice})` };
}

async function poolFindings(root: string): Promise<Finding[]> {
  const dead = (await deadServers(runDirectoryOf(root))).map((directory): Finding => ({
    what: `pool ${basename(directory)}`,
    state: "missing",
    detail: "its server and holder were killed together",
    nextStep: "mortar down; mortar up",
  }));
  const isAllowed = process.getuid?.() === 0;
  return [...dead, ...(isAllowed ? await poolHealth(root) : [])];
}

function machineFindings(): Finding[] {
  const root = process.getuid?.() === 0;
  const fileSystems = readFileSync("/proc/filesystems", "utf8");
  return [
    finding("root", root, "needed for mounts and loop devices", "sudo mortar doctor"),
    finding("/dev/fuse", existsSync("/dev/fuse"), "serves thin volumes", "modprobe fuse"),
    finding(
      "/dev/loop-control",
      existsSync("/dev/loop-control"),
      "makes block devices of them",
      "modprobe loop",
    ),
    {
      what: "CAP_SYS_RESOURCE",
      state: mayUseReserves() ? "ok" : "note",
      detail: mayUseReserves()
        ? "pools are spared by the OOM killer, and may use the kernel's reserves"
        : "withheld: the OOM killer may choose pools; give it to the container",
    },
    {
      what: "xfs",
      state: fileSystems.includes("\txfs") ? "ok" : "note",
      detail: fileSystems.includes("\txfs")
        ? "known to the kernel"
        : "not loaded; the first mount loads it where the kernel has it",
    },
  ];
}

/** Bit 24 of the effective capabilities. */
function mayUseReserves(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return effective !== undefined && (BigInt(`0x${effective}`) & (1n << 24n)) !== 0n;
}

const programs: readonly (readonly [program: string, purpose: string, debian: string])[] = [
  ["mount.glusterfs", "clients on this machine", "glusterfs-client"],
  ["mkfs.xfs", "file systems of bricks", "xfsprogs"],
  ["thin_check", "checks pool metadata; recommended", "thin-provisioning-tools"],
];

function programFindings(): Finding[] {
  return programs.map(([program, purpose, debian]) =>
    finding(program, isInPath(program), purpose, `apt-get install ${debian}`),
  );
}

function finding(what: string, ok: boolean, detail: string, nextStep: string): Finding {
  return ok ? { what, state: "ok", detail } : { what, state: "missing", detail, nextStep };
}

function isInPath(program: string): boolean {
  const directories = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return directories.some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
