/**
 * Of `mortar doctor`: what nobody is asked about until it hurts. Files that wait for a copy, schedules
 * that failed, the node's certificate, room for its state, versions that are mixed, mounts that hang.
 */
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";
import type { NodeStatus, Schedule, VolumeInfo } from "@mortar/api";
import { mortarVersion } from "../version.ts";
import { clientOf } from "./daemon.ts";
import type { Finding } from "./doctor.ts";
import { servedBy } from "./served.ts";

const ASK_MS_MAX = 20_000;
const DAY_MS = 24 * 3600 * 1000;
/** It is renewed when a third of its time is left; a month before its end that has not worked. */
const CERTIFICATE_DAYS_NOTED = 30;
const ROOM_BYTES_MIN = 256 * 1024 * 1024;
/** A mount whose server is gone answers never. */
const MOUNT_SECONDS_MAX = 5;

export async function serviceFindings(root: string, status: NodeStatus): Promise<Finding[]> {
  const client = clientOf(root, ASK_MS_MAX);
  const [volumes, schedules] = [await client.volumeInfoAll(), await client.scheduleList()];
  return [
    ...(await versionAndMountFindings(root, status)),
    ...(await healFindings(root, volumes.ok ? volumes.result : [])),
    ...(schedules.ok ? schedules.result.flatMap(scheduleFinding) : []),
    ...certificateFinding(join(status.stateDirectory, "tls/node.pem"), Date.now()),
    roomFinding(status.stateDirectory),
  ];
}

async function versionAndMountFindings(root: string, status: NodeStatus): Promise<Finding[]> {
  const { lvs, groups, clientMounts } = await servedBy(root, status);
  const findings: Finding[] = [];
  const running = new Map([["mortard", status.version]]);
  for (const { vg, lv, kind } of lvs) {
    if (kind !== "thin-pool") continue;
    const version = (await groups.poolStatus({ vg, pool: lv }))?.serverVersion;
    if (version !== undefined) running.set(`pool ${vg}/${lv}`, version);
  }
  for (const [what, version] of running) {
    if (version === mortarVersion) continue;
    const detail = `runs version ${version}; this command is of ${mortarVersion}`;
    findings.push({ what, state: "note", detail, nextStep: "mortar upgrade" });
  }
  for (const { point, source } of clientMounts) {
    if (await answers(point)) continue;
    const detail = `of ${source} does not answer within ${MOUNT_SECONDS_MAX} s`;
    findings.push({ what: `mount ${point}`, state: "missing", detail, nextStep: `umount -l ${point}, and mount it again` });
  }
  return findings;
}

/** Asked by another process: who asks may be stuck for good. */
function answers(point: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn("timeout", ["-s", "KILL", String(MOUNT_SECONDS_MAX), "stat", "-f", "--", point], {
      stdio: "ignore",
    });
    child.once("error", () => resolve(true));
    child.once("close", (code) => resolve(code === 0));
  });
}

async function healFindings(root: string, volumes: readonly VolumeInfo[]): Promise<Finding[]> {
  const client = clientOf(root, ASK_MS_MAX);
  const findings: Finding[] = [];
  for (const { name, status, replicaCount, disperseCount } of volumes) {
    const hasCopies = replicaCount > 1 || disperseCount > 0;
    if (!hasCopies || status !== "Started") continue;
    const answer = await client.volumeHealCount(name);
    if (!answer.ok) continue;
    const waiting = answer.result.bricks.reduce((sum, { count = 0 }) => sum + count, 0);
    findings.push(waiting === 0
      ? { what: `heal of ${name}`, state: "ok", detail: "every copy is as the others" }
      : {
          what: `heal of ${name}`, state: "note", detail: `${waiting} entries wait to be healed`,
          nextStep: `mortar volume heal ${name} info summary`,
        });
  }
  return findings;
}

export function scheduleFinding({ name, lastRun }: Schedule): Finding[] {
  if (lastRun?.error === undefined) return [];
  const detail = `failed at ${new Date(lastRun.dueMs).toISOString().slice(0, 16)}Z: ${lastRun.error}`;
  return [{
    what: `schedule ${name}`, state: "missing", detail, nextStep: `mortar snapshot schedule run ${name}`,
  }];
}

/** None before the node has one. */
export function certificateFinding(file: string, nowMs: number): Finding[] {
  if (!existsSync(file)) return [];
  const what = "certificate";
  const { validTo } = new X509Certificate(readFileSync(file));
  const days = Math.floor((Date.parse(validTo) - nowMs) / DAY_MS);
  if (days >= CERTIFICATE_DAYS_NOTED) return [{ what, state: "ok", detail: `good for ${days} days` }];
  const detail = days < 0 ? "is over" : `good for ${days} days; it should have been renewed`;
  return [{ what, state: days < 0 ? "missing" : "note", detail, nextStep: "mortar upgrade" }];
}

/** Sizes in whole MiB. */
export function roomFinding(directory: string): Finding {
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  const detail = `${Math.floor(free / 1024 / 1024)} MiB are free at ${directory}`;
  if (free >= ROOM_BYTES_MIN) return { what: "room for the state", state: "ok", detail };
  const nextStep = "remove old logs, or make the file system larger";
  return { what: "room for the state", state: "missing", detail, nextStep };
}
