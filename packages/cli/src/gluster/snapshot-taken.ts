/** How a snapshot was taken, for `snapshot info -v`: how consistent it is, and how long it held writers. */
import type { SnapshotInfo } from "@mortar/api";

/** Parts of it that hold writers. */
const HELD = ["drain", "barrier", "freeze", "take", "release"];

export function takenText(snapshot: SnapshotInfo): string {
  const { name, consistency, pauseMs, phases = {}, drain, hooks = [] } = snapshot;
  const parts = HELD.flatMap((part) =>
    phases[part] === undefined ? [] : [`${part} ${millis(phases[part])}`]);
  const held = pauseMs === undefined ? [] : [
    `writes were held for ${millis(pauseMs)} ms${parts.length === 0 ? "" : ` (${parts.join(", ")})`}`,
  ];
  const left = drain === undefined || drain.complete ? [] : [
    `clients were in the middle of a step: ${drain.left} did not give their locks back in time`,
  ];
  const failed = hooks.flatMap(({ node, name: hook, error }) =>
    error === undefined ? [] : [`the hook ${hook} on ${node} failed: ${error}`]);
  const facts = [...(consistency === undefined ? [] : [consistency]), ...held, ...left, ...failed];
  return facts.length === 0 ? "" : `${name}: ${facts.join("; ")}\n`;
}

function millis(value: number): string {
  return String(value < 10 ? Math.round(10 * value) / 10 : Math.round(value));
}
