/** Of `mortar doctor`: the other nodes, their clocks, and whether the cluster can decide anything. */
import type { NodeStatus, Peer } from "@mortar/api";
import { clientOf } from "./daemon.ts";
import type { Finding } from "./doctor.ts";

const ASK_MS_MAX = 20_000;
/** As in mortard's peers/clock-skew.ts. */
const SKEW_MS_NOTED = 1_000;
const SKEW_MS_MAX = 30_000;

/** None on a node that is alone. */
export async function peerFindings(root: string, status: NodeStatus): Promise<Finding[]> {
  const answer = await clientOf(root, ASK_MS_MAX).peerList();
  const others = answer.ok ? answer.result.filter((it) => !it.self) : [];
  if (others.length === 0) return [];
  return [...stateFinding(status), ...others.map(connection), ...others.flatMap(clock)];
}

function stateFinding({ clusterState }: NodeStatus): Finding[] {
  if (clusterState === undefined) return [];
  const { writable, reason = "" } = clusterState;
  if (writable) return [{ what: "majority", state: "ok", detail: "the cluster's state can be changed" }];
  return [{
    what: "majority",
    state: "missing",
    detail: `the cluster's state cannot be changed: ${reason}`,
    nextStep: "start the other nodes; when they never come back: mortar peer recover",
  }];
}

function connection({ hostname, connected, state }: Peer): Finding {
  const what = `peer ${hostname}`;
  if (connected) return { what, state: "ok", detail: "connected" };
  const isGone = state !== 3;
  return {
    what,
    state: "missing",
    detail: isGone ? "given up by peer recover" : "does not answer",
    nextStep: isGone
      ? `mortar peer probe ${hostname}, or mortar peer detach ${hostname} force`
      : `on ${hostname}: mortar up`,
  };
}

function clock({ hostname, connected, clockSkewMs }: Peer): Finding[] {
  if (!connected || clockSkewMs === undefined) return [];
  const what = `clock of ${hostname}`;
  const skew = `${(Math.abs(clockSkewMs) / 1000).toFixed(1)} s`;
  const detail = `${skew} ${clockSkewMs < 0 ? "behind" : "ahead of"} this node's`;
  if (Math.abs(clockSkewMs) <= SKEW_MS_NOTED) return [{ what, state: "ok", detail }];
  const state = Math.abs(clockSkewMs) > SKEW_MS_MAX ? "missing" : "note";
  return [{ what, state, detail, nextStep: "set both by NTP, for instance: apt-get install chrony" }];
}
