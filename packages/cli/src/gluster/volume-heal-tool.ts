/**
 * Output and exit code of what stock's `gluster` leaves to its program glfsheal: that prints all of
 * it, in XML too, and ends with a negated errno.
 */
import type { Answer, Problem } from "@mortar/api";
import { element, xmlDocument, type XmlElement } from "../xml.ts";
import { json, presentProblem } from "./answer.ts";
import type { Session } from "./command.ts";

const EXIT_CODES = 256;
const EINVAL = 22;

interface ToolOutput {
  readonly exitCode: number;
  readonly output: string;
}

/** `toolOf`: what was printed. */
export function presentHealTool<Result>(
  session: Session,
  answer: Answer<Result>,
  toolOf: (result: Result) => ToolOutput,
): number {
  if (!answer.ok) return presentHealRefusal(session, answer.problem);
  const { stdout } = session.io;
  const { exitCode, output } = toolOf(answer.result);
  if (session.format === "json") {
    const { result, warnings, details } = answer;
    stdout.write(json({ result, warnings, details }));
    return exitCode;
  }
  stdout.write(output);
  const isDocument = output.startsWith("<?xml");
  if (exitCode !== 0 && !isDocument) stdout.write("Volume heal failed.\n");
  return exitCode;
}

/** A refusal of ours, as the program would tell it. */
export function presentHealRefusal(session: Session, problem: Problem): number {
  const { stdout } = session.io;
  if (session.format === "json") return presentProblem(session, problem, { failed: "" });
  const { opErrno, opErrstr } = problem;
  const isErrno = opErrno > 0 && opErrno < EXIT_CODES;
  const number = isErrno ? opErrno : EINVAL;
  if (session.format === "xml") {
    stdout.write(healDocument([], [-1, number, opErrstr]));
  } else {
    stdout.write(`${opErrstr}\nVolume heal failed.\n`);
    if (!session.strict) {
      for (const { detail, nextStep } of problem.details) {
        session.io.stderr.write(`  ${detail}\n${nextStep === undefined ? "" : `    ${nextStep}\n`}`);
      }
    }
  }
  return EXIT_CODES - number;
}

export function healDocument(
  bricks: readonly XmlElement[],
  [opRet, opErrno, opErrstr]: readonly [number, number, string],
): string {
  return xmlDocument(element("cliOutput", [
    element("healInfo", [element("bricks", bricks)]),
    element("opRet", opRet),
    element("opErrno", opErrno),
    element("opErrstr", opErrstr),
  ]));
}
