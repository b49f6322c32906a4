/** An answer of a command as that of a route. */
import type { Problem } from "@mortar/api";
import type { Answer, Detail } from "@mortar/cluster";
import { problemOfRefusal } from "./problem.ts";

export type Reply<T> =
  | {
      readonly ok: true;
      readonly result: T;
      readonly warnings: string[];
      readonly details: Detail[];
      /** For a browser to keep, or to forget. */
      readonly cookie?: string;
    }
  | { readonly ok: false; readonly problem: Problem };

export function replyOf<T>(answer: Answer<T>): Reply<T> {
  if (!answer.ok) return { ok: false, problem: problemOfRefusal(answer) };
  const { payload: result, warnings, details } = answer;
  return { ok: true, result, warnings, details };
}
