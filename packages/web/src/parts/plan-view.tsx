/** What a command would do and free, as the daemon plans it: the `--dry-run` of the command line. */
import type { Answer, Plan, PlanBody } from "@mortar/api";
import { useEffect, useState } from "preact/hooks";
import { call } from "../call.ts";
import { bytesText, countText } from "../format.ts";
import { capital } from "./command-line.tsx";
import { Notes, ProblemNote } from "./problem-note.tsx";
import { Note } from "./status.tsx";

type PlanAnswer = Answer<Plan>;

/** Undefined: it is being asked for. */
export function usePlan(body: PlanBody): PlanAnswer | undefined {
  const [answer, setAnswer] = useState<PlanAnswer | undefined>(undefined);
  const key = JSON.stringify(body);
  useEffect(() => {
    const stop = new AbortController();
    setAnswer(undefined);
    void (async () => {
      try {
        setAnswer(await call("commandPlan", { body }, stop.signal));
      } catch {
        // Aborted, or the page says already that nobody answers.
      }
    })();
    return () => stop.abort();
  }, [key]);
  return answer;
}

export function PlanView({ answer }: { readonly answer: PlanAnswer | undefined }) {
  if (answer === undefined) {
    return <p class="muted" role="status">Asking every node what this would do…</p>;
  }
  if (!answer.ok) return <ProblemNote problem={answer.problem} />;
  const { steps, pools, freedBytes } = answer.result;
  return (
    <div class="stack tight">
      <h3>What happens</h3>
      <StepList steps={steps} />
      <p class="freed">
        {freedBytes === 0
          ? "It frees nothing."
          : `It frees ${bytesText(freedBytes)} in ${countText(pools.length, "pool")}.`}
      </p>
      {pools.length < 2 || freedBytes === 0 ? null : (
        <ul class="small muted">
          {pools.map((it) => (
            <li>{it.vg}/{it.pool} on {it.host}: {bytesText(it.freedBytes)}</li>
          ))}
        </ul>
      )}
      <Notes notes={[...answer.warnings, ...answer.details.map(({ detail }) => detail)]} />
    </div>
  );
}

export function StepList({ steps }: { readonly steps: Plan["steps"] }) {
  if (steps.length === 0) return <Note level="idle"><p>Nothing would be done.</p></Note>;
  return (
    <ol class="steps">
      {steps.map(({ host, action, object, bytes }) => (
        <li>
          <strong class={action === "remove" ? "bad" : ""}>{capital(action)}</strong>
          <span class="break">
            {object}{bytes === undefined ? "" : ` (${bytesText(bytes)})`}
          </span>
          <span class="where">{host === undefined ? "cluster" : host}</span>
        </li>
      ))}
    </ol>
  );
}
