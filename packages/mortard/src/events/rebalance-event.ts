/** A rebalance process tells of itself now and then; the one time that it says how it ended is told on. */
import { type Dictionary, rebalanceCounts } from "@mortar/gluster";
import type { EventNote } from "./event-log.ts";

const PREFIX = "rebalance/";

export function rebalanceEvent(told: Dictionary, host: string): EventNote | undefined {
  const key = told.text("volname") ?? "";
  const counts = rebalanceCounts(told);
  if (counts === undefined || !key.startsWith(PREFIX)) return undefined;
  const { status, files, failures } = counts;
  if (!/^(fix-layout )?(completed|failed|stopped)$/.test(status)) return undefined;
  const volume = key.slice(PREFIX.length);
  const isGood = status.endsWith("completed") && failures === 0;
  return {
    kind: "rebalance-ended", object: volume, data: { status, files, failures, host },
    severity: isGood ? "note" : "warning",
    sentence: `The rebalance of ${volume} on ${host} ended: ${status}, ${files} files moved, ` +
      `${failures} failures.`,
    ...(isGood ? {} : { nextStep: `gluster volume rebalance ${volume} status` }),
  };
}
