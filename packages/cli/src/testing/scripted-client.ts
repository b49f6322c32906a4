/** A client that gives the answers of a scenario, and insists on being asked for just these. */
import assert from "node:assert/strict";
import type { MortarClient, Problem, RouteName } from "@mortar/api";
import type { ClientMethod } from "../gluster/command.ts";

export interface ScriptedClient {
  readonly client: Pick<MortarClient, ClientMethod>;
  /** Throws when an answer is left. */
  readonly finish: () => void;
}

interface Step {
  readonly method: string;
  readonly ok: boolean;
  readonly value: unknown;
}

/** `lines` are `< method RESULT` and `x method PROBLEM`; problems may leave fields out. */
export function scriptedClient(
  lines: readonly string[],
  checkResult: (route: RouteName, result: unknown) => void,
): ScriptedClient {
  const steps = lines.map(parseStep);
  const answer = (method: string) => {
    const step = steps.shift();
    assert.equal(method, step?.method, "the daemon was asked something else");
    if (step === undefined) throw new Error("unreachable");
    if (!step.ok) return { ok: false, problem: problemOf(step.value as Partial<Problem>) };
    checkResult(method as RouteName, step.value);
    return { ok: true, result: step.value, warnings: [], details: [] };
  };
  const client = new Proxy({} as Pick<MortarClient, ClientMethod>, {
    get: (_, method) => (method === "then" ? undefined : async () => answer(String(method))),
  });
  return {
    client,
    finish: () => assert.deepEqual(steps, [], "the daemon was not asked for these"),
  };
}

function parseStep(line: string): Step {
  const [, kind, method = "", json = ""] = /^([<x]) (\w+) (.*)$/.exec(line) ?? [];
  assert.notEqual(kind, undefined, `not an answer: ${line}`);
  return { method, ok: kind === "<", value: JSON.parse(json) as unknown };
}

function problemOf(given: Partial<Problem>): Problem {
  return {
    type: "refused",
    title: "Refused",
    status: 409,
    detail: given.opErrstr ?? "",
    opErrno: 0,
    opErrstr: "",
    details: [],
    warnings: [],
    ...given,
  };
}
