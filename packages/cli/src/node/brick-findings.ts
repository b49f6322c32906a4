/** Of `mortar doctor`: each brick of the cluster, and why it could not be part of a snapshot now. */
import type { BrickReadiness } from "@mortar/api";
import { clientOf } from "./daemon.ts";
import type { Finding } from "./doctor.ts";

const ASK_MS_MAX = 60_000;

/** Asks all nodes; none where no volume is. */
export async function brickFindings(root: string): Promise<Finding[]> {
  const answer = await clientOf(root, ASK_MS_MAX).brickReadiness();
  if (answer.ok) return answer.result.flatMap(findingsOf);
  const { detail, nextStep } = answer.problem;
  return [{
    what: "bricks", state: "note", detail,
    ...(nextStep === undefined ? {} : { nextStep }),
  }];
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
