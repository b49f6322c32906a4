/**
 * Of `mortar doctor`: each brick of the cluster, and why it could not be part of a snapshot now; and
 * bricks that Mortar made, and no volume has.
 */
import type { BrickReadiness, MadeBrickInfo } from "@mortar/api";
import { clientOf } from "./daemon.ts";
import type { Finding } from "./doctor.ts";
import { shownSize } from "../shown-size.ts";

const ASK_MS_MAX = 60_000;

/** Asks all nodes; none where no volume is. */
export async function brickFindings(root: string): Promise<Finding[]> {
  const client = clientOf(root, ASK_MS_MAX);
  const answer = await client.brickReadiness();
  if (answer.ok) {
    const made = await client.brickList();
    const unused = made.ok ? made.result.filter(({ usedBy }) => usedBy.length === 0) : [];
    return [...answer.result.flatMap(findingsOf), ...unused.map(unusedFinding)];
  }
  const { detail, nextStep } = answer.problem;
  return [{
    what: "bricks", state: "note", detail,
    ...(nextStep === undefined ? {} : { nextStep }),
  }];
}

function unusedFinding({ brick, vg, lv, sizeBytes }: MadeBrickInfo): Finding {
  return {
    what: `brick ${brick}`,
    state: "note",
    detail: `${vg}/${lv} (${shownSize(sizeBytes)}) was made for it, and no volume or snapshot has it`,
    nextStep: `mortar brick delete ${brick}`,
  };
}

function findingsOf({ volume, brick, obstacles, notes }: BrickReadiness): Finding[] {
  const what = `brick ${brick}`;
  const told = [
    ...obstacles.map(({ detail, nextStep }): Finding => ({
      what, state: "missing", detail: `volume ${volume} takes no snapshot: ${detail}`, nextStep,
    })),
    ...notes.map((detail): Finding => ({ what, state: "note", detail })),
  ];
  const isReady = obstacles.length === 0;
  const detail = `volume ${volume}: can be snapshotted`;
  return isReady ? [{ what, state: "ok", detail }, ...told] : told;
}
