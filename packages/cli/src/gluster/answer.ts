/** How an answer of the daemon becomes output and an exit code, the same way for every command. */
import type { Answer, Detail, Problem } from "@mortar/api";
import { type XmlElement, element, xmlDocument } from "../xml.ts";
import type { Session } from "./command.ts";

export interface Presentation<Result> {
  /** Text to standard output. */
  text(result: Result): string;
  /** Elements below the status of `cliOutput`. */
  xml(result: Result): readonly XmlElement[];
  /** `opErrstr` of a success: stock has a sentence there in some documents. */
  readonly xmlSuccess?: string;
  /** Printed before the reason of a refusal: `volume start: v1: failed: `. */
  readonly failed: string;
  /** Printed to standard output after the reason: `Snapshot command failed`. */
  readonly failedLast?: string;
  /** Elements below the status of a refusal. */
  readonly xmlFailed?: (problem: Problem) => readonly XmlElement[];
  /** Stock's exit code of a refusal with `--xml`; 0 unless told. */
  readonly xmlExitCode?: number;
  /** Stock's exit code of another refusal; 1 unless told. */
  readonly failedExitCode?: number;
}

/** Prints an answer. Returns the exit code. */
export function present<Result>(
  session: Session,
  answer: Answer<Result>,
  presentation: Presentation<Result>,
): number {
  if (!answer.ok) return presentProblem(session, answer.problem, presentation);
  const { stdout } = session.io;
  if (session.format === "json") {
    const { result, warnings, details } = answer;
    stdout.write(json({ result, warnings, details }));
    return 0;
  }
  for (const warning of answer.warnings) session.io.stderr.write(`Warning: ${warning}\n`);
  if (!session.strict) session.io.stderr.write(detailLines(answer.details));
  if (session.format === "xml") {
    const { xmlSuccess = "" } = presentation;
    stdout.write(cliOutput(0, 0, xmlSuccess, presentation.xml(answer.result)));
  } else {
    stdout.write(presentation.text(answer.result));
  }
  return 0;
}

export type FailurePresentation = Omit<Presentation<never>, "text" | "xml">;

export function presentProblem(
  session: Session,
  problem: Problem,
  presentation: FailurePresentation,
): number {
  const { stdout, stderr } = session.io;
  if (session.format === "json") {
    stdout.write(json({ problem }));
    return 1;
  }
  if (session.format === "xml") {
    const payload = presentation.xmlFailed?.(problem) ?? [];
    stdout.write(cliOutput(-1, problem.opErrno, problem.opErrstr, payload));
    return session.strict ? (presentation.xmlExitCode ?? 0) : 1;
  }
  stderr.write(`${presentation.failed}${problem.opErrstr}\n`);
  if (presentation.failedLast !== undefined) stdout.write(`${presentation.failedLast}\n`);
  if (!session.strict) stderr.write(advice(problem));
  return session.strict ? (presentation.failedExitCode ?? 1) : 1;
}

/** What stock's texts leave out: each place that failed, and what to do now. */
function advice(problem: Problem): string {
  const warnings = problem.warnings.map((warning) => `Warning: ${warning}\n`).join("");
  const { nextStep, details } = problem;
  const isTold = nextStep === undefined || details.some((it) => it.nextStep === nextStep);
  return detailLines(details) + warnings + (isTold ? "" : `Next: ${nextStep}\n`);
}

function detailLines(details: readonly Detail[]): string {
  const lines = details.map(({ node, object, detail, nextStep }) => {
    const place = [node, object].filter((part) => part !== undefined).join(" ");
    const sentence = place === "" ? detail : `${place}: ${detail}`;
    return nextStep === undefined ? `  ${sentence}\n` : `  ${sentence}\n    ${nextStep}\n`;
  });
  return lines.join("");
}

export function cliOutput(
  opRet: number,
  opErrno: number,
  opErrstr: string,
  payload: readonly XmlElement[],
): string {
  const status = [
    element("opRet", opRet),
    element("opErrno", opErrno),
    element("opErrstr", opErrstr),
  ];
  return xmlDocument(element("cliOutput", [...status, ...payload]));
}

/** The `cliOp` and `output` pair of stock's generic documents. */
export function operationOutput(operation: string, output: string): readonly XmlElement[] {
  return [element("cliOp", operation), element("output", output)];
}

export function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Seconds since 1970 as `2026-11-22 16:02:49 +0000`. */
export function timeText(seconds: number): string {
  const iso = new Date(seconds * 1000).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} +0000`;
}
