/** Problem JSON out of refused commands, refused requests and surprises. */
import type { Problem } from "@mortar/api";
import { type Answer, type FailureCode, failureTitles } from "@mortar/cluster";
import { LockTimeout } from "../locks.ts";

export const PROBLEM_TYPE = "application/problem+json";

const EACCES = 13;
const EINVAL = 22;
const EG_INTERNAL = 30_800;
const EG_ANOTHER_TRANSACTION = 30_802;

const statusOf: Readonly<Record<FailureCode, number>> = {
  "bad-argument": 400,
  "volume-missing": 404,
  "volume-exists": 409,
  "volume-started": 409,
  "volume-not-started": 409,
  "volume-has-snapshots": 409,
  "volume-rebalancing": 409,
  "brick-refused": 409,
  "bricks-down": 409,
  "option-unknown": 400,
  "option-refused": 400,
  "host-unknown": 400,
  "snapshot-missing": 404,
  "snapshot-exists": 409,
  "snapshot-active": 409,
  "snapshot-inactive": 409,
  "snapshot-kept": 409,
  "schedule-missing": 404,
  "schedule-exists": 409,
  "limit-reached": 409,
  "not-thin": 409,
  "pool-unfit": 409,
  busy: 409,
  unsupported: 501,
  "node-in-use": 409,
  "node-unfit": 409,
  "no-majority": 503,
  "effect-failed": 500,
};

export type Refusal = Extract<Answer<never>, { ok: false }>;

/** Of a command that refused, or failed. */
export function problemOfRefusal(refusal: Refusal): Problem {
  const { code, opErrno, opErrstr, warnings, details } = refusal;
  const place = details[0];
  const nextStep = details.find((detail) => detail.nextStep !== undefined)?.nextStep;
  const own = details.map((detail) => detail.detail).join(" ");
  return {
    type: code,
    title: failureTitles[code],
    status: statusOf[code],
    detail: own === "" ? opErrstr : `${opErrstr} ${own}`,
    opErrno,
    opErrstr,
    ...(place?.node === undefined ? {} : { node: place.node }),
    ...(place?.object === undefined ? {} : { object: place.object }),
    ...(nextStep === undefined ? {} : { nextStep }),
    details,
    warnings,
  };
}

/** Of a request that is none of ours, or not of its schema. */
export function problemOfRequest(status: number, detail: string): Problem {
  return {
    type: status === 404 ? "no-such-route" : "bad-request",
    title: status === 404 ? "There is no such route" : "The request is not valid",
    status,
    detail,
    opErrno: EINVAL,
    opErrstr: detail,
    nextStep: "GET /v1/openapi.json tells the routes and their schemas",
    details: [],
    warnings: [],
  };
}

/** Of a request by somebody who may not, or whom nobody knows. */
export function problemOfAccess(status: 401 | 403, detail: string): Problem {
  return {
    type: status === 401 ? "not-signed-in" : "not-allowed",
    title: status === 401 ? "Nobody known asks" : "The role is too small",
    status,
    detail,
    opErrno: EACCES,
    opErrstr: detail,
    nextStep: status === 401
      ? "Ask the administrator for a token: mortar token create NAME --role viewer"
      : "Ask with a token of a greater role",
    details: [],
    warnings: [],
  };
}

/** Of what the reader of snapshots refused. */
export function problemOfBrowse(error: { readonly errno: number; readonly message: string }): Problem {
  const { errno, message } = error;
  const status = { 2: 404, 17: 409, 20: 409, 22: 400, 116: 404 }[errno] ?? 502;
  return {
    type: "file-refused",
    title: "The file cannot be read or brought back",
    status,
    detail: message,
    opErrno: errno,
    opErrstr: message,
    details: [],
    warnings: [],
  };
}

/** Of what a volume group refused: its sentence says what to do, as those of LVM's tools do. */
export function problemOfGroup(error: Error & { readonly code?: string }): Problem {
  return {
    type: error.code ?? "pool-failed",
    title: "The volume group refused",
    status: error.code?.endsWith("-missing") === true ? 404 : 409,
    detail: error.message,
    opErrno: EINVAL,
    opErrstr: error.message,
    details: [],
    warnings: [],
  };
}

export function problemOfBusy(error: LockTimeout): Problem {
  return {
    type: "busy",
    title: failureTitles.busy,
    status: 409,
    detail: error.message,
    opErrno: EG_ANOTHER_TRANSACTION,
    opErrstr: error.message,
    object: error.lockName,
    nextStep: "Repeat the command when the other one has ended",
    details: [],
    warnings: [],
  };
}

/** Of what has to be kept with the cluster's state, which cannot be changed now. */
export function problemOfMajority(reason: string): Problem {
  return {
    type: "no-majority",
    title: failureTitles["no-majority"],
    status: statusOf["no-majority"],
    detail: `Nothing was changed: ${reason}`,
    opErrno: EG_INTERNAL,
    opErrstr: reason,
    nextStep: "gluster peer status: which nodes do not answer?",
    details: [],
    warnings: [],
  };
}

/** Of an exception nobody expected: the log has the rest. */
export function problemOfSurprise(error: unknown, logFile: string): Problem {
  const detail = error instanceof Error ? error.message : String(error);
  return {
    type: "internal",
    title: "The daemon failed",
    status: 500,
    detail,
    opErrno: EG_INTERNAL,
    opErrstr: "Please check log file for details",
    nextStep: `Read ${logFile}`,
    details: [],
    warnings: [],
  };
}
