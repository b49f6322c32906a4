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
      /** Where the next page begins. */
      readonly next?: string;
      /** For a browser to keep, or to forget. */
      readonly cookie?: string;
      /** The task that does it, or follows it. */
      readonly task?: string;
      /** The result is the task: the change is under way. */
      readonly isAccepted?: boolean;
    }
  | { readonly ok: false; readonly problem: Problem };

export function replyOf<T>(answer: Answer<T>): Reply<T> {
  if (!answer.ok) return { ok: false, problem: problemOfRefusal(answer) };
  const { payload: result, warnings, details } = answer;
  return { ok: true, result, warnings, details };
}

export function plain<T>(result: T): Extract<Reply<T>, { ok: true }> {
  return { ok: true, result, warnings: [], details: [] };
}
