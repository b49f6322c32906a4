/** `mortar doctor`: what this machine lacks, one line a fact, and what to type about it. */
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { basename, delimiter, join } from "node:path";
import { deadServers } from "@mortar/vg";
import type { CliIo } from "../io.ts";
import { table } from "../table.ts";
import { nodeStatusOf, runDirectoryOf } from "./daemon.ts";
import { checkOptions, type NodeContext } from "./verbs.ts";

interface Finding {
  readonly what: string;
  readonly state: "ok" | "missing" | "note";
  readonly detail: string;
  readonly nextStep?: string;
}

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
    io.stdout.write(table(rows));
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
  return [{ what: "mortard", state: "ok", detail: `pid ${status.pid}` }, ...bricks];
}

async function poolFindings(root: string): Promise<Finding[]> {
  return (await deadServers(runDirectoryOf(root))).map((directory) => ({
    what: `pool ${basename(directory)}`,
    state: "missing",
    detail: "its server and holder were killed together",
    nextStep: "mortar down; mortar up",
  }));
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
      what: "xfs",
      state: fileSystems.includes("\txfs") ? "ok" : "note",
      detail: fileSystems.includes("\txfs")
        ? "known to the kernel"
        : "not loaded; the first mount loads it where the kernel has it",
    },
  ];
}

const programs: readonly (readonly [program: string, purpose: string, debian: string])[] = [
  ["mount.glusterfs", "clients on this machine", "glusterfs-client"],
  ["glusterfsd", "serves bricks", "glusterfs-server"],
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
