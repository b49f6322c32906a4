/** How a command refuses: thrown inside its steps, turned into an answer by `answerOf`. */
import type { Answer, Detail, FailureCode, Step } from "./command.ts";
import type { CommandContext } from "./steps.ts";
import { EffectError } from "./effect.ts";

/** GlusterFS's error numbers (its own from 30800 up, and errno). */
export const errno = {
  ENOENT: 2,
  EINVAL: 22,
  EG_INTRNL: 30800,
  EG_OPNOTSUP: 30801,
  EG_ANOTRANS: 30802,
  EG_BRCKDWN: 30803,
  EG_HRDLMT: 30805,
  EG_NOVOL: 30806,
  EG_NOSNAP: 30807,
  EG_RBALRUN: 30808,
  EG_VOLRUN: 30809,
  EG_VOLSTP: 30810,
  EG_VOLEXST: 30811,
  EG_SNAPEXST: 30812,
  EG_NOTTHINP: 30815,
} as const;

/** Where stock gives no number. */
export const NO_ERRNO = 0;

export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly code: FailureCode;
  readonly opErrno: number;
  readonly details: readonly Detail[];
  constructor(
    code: FailureCode,
    opErrno: number,
    opErrstr: string,
    details: readonly Detail[] = [],
  ) {
    super(opErrstr);
    this.code = code;
    this.opErrno = opErrno;
    this.details = details;
  }
}

/** One sentence for each kind of failure, the same for every occurrence. */
export const failureTitles: Readonly<Record<FailureCode, string>> = {
  "bad-argument": "An argument is not valid",
  "volume-missing": "The volume does not exist",
  "volume-exists": "The volume exists already",
  "volume-started": "The volume is started",
  "volume-not-started": "The volume is not started",
  "volume-rebalancing": "The files of the volume are being moved",
  "volume-has-snapshots": "The volume has snapshots",
  "brick-refused": "A brick cannot be used",
  "bricks-down": "Not all bricks are running",
  "option-unknown": "The option does not exist",
  "option-refused": "The option cannot have this value",
  "host-unknown": "The host is not a node of this cluster",
  "snapshot-missing": "The snapshot does not exist",
  "snapshot-exists": "The snapshot exists already",
  "snapshot-active": "The snapshot is activated",
  "snapshot-inactive": "The snapshot is not activated",
  "snapshot-kept": "The snapshot is held or locked",
  "schedule-missing": "The schedule does not exist",
  "schedule-exists": "The schedule exists already",
  "limit-reached": "The limit of snapshots is reached",
  "not-thin": "A brick is not on a thin logical volume of its own",
  "pool-unfit": "A thin pool cannot take a snapshot now",
  busy: "Another command holds the object",
  unsupported: "Not supported",
  "node-in-use": "The node is still needed",
  "node-unfit": "The node cannot be let in",
  "no-majority": "The state of the cluster cannot be changed now",
  "effect-failed": "A step failed on a node",
};

export function detailOf(error: EffectError): Detail {
  const detail: Detail = { node: error.node, object: error.object, detail: error.message };
  if (error.nextStep !== undefined) detail.nextStep = error.nextStep;
  return detail;
}

/** Stock's sentence for a step that failed on a node; what failed is in the details. */
export const COMMIT_FAILED = "Commit failed on localhost. Please check log file for details.";

/** Steps that failed on nodes: stock's sentence, and ours for each of them. */
export function stepsFailed(
  errors: readonly EffectError[],
  opErrstr: string = COMMIT_FAILED,
): CommandFailure {
  return new CommandFailure("effect-failed", errno.EG_INTRNL, opErrstr, errors.map(detailOf));
}

/** A refusal or a failed effect as a refusal; anything else is thrown again. */
export function asFailure(error: unknown): CommandFailure {
  if (error instanceof EffectError) return stepsFailed([error]);
  if (error instanceof CommandFailure) return error;
  throw error;
}

/** Runs a command to its answer. What is neither a refusal nor a failed effect stays thrown. */
export function* answerOf<Payload>(
  context: CommandContext,
  run: Step<Payload>,
): Step<Answer<Payload>> {
  try {
    const payload = yield* run;
    return { ok: true, payload, warnings: context.warnings, details: context.details };
  } catch (error) {
    const failure = asFailure(error);
    return {
      ok: false,
      code: failure.code,
      opErrno: failure.opErrno,
      opErrstr: failure.message,
      warnings: context.warnings,
      details: [...failure.details, ...context.details],
    };
  }
}
