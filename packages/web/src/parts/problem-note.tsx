/** A refusal of the daemon: what, where, and what to do now. */
import type { Problem } from "@mortar/api";
import { NextStep } from "./command-line.tsx";
import { Note } from "./status.tsx";

export function ProblemNote({ problem }: { readonly problem: Problem }) {
  const places = [
    problem.object === undefined ? "" : problem.object,
    problem.node === undefined ? "" : `on ${problem.node}`,
  ].filter((it) => it !== "" && !problem.detail.includes(it));
  const further = problem.details.filter(({ detail }) => !problem.detail.includes(detail));
  return (
    <Note level="bad" alert>
      <strong>{problem.title}</strong>
      <p class="break">{problem.detail}</p>
      {places.length === 0 ? null : <p class="muted">{places.join(" ")}</p>}
      {further.map(({ node, object, detail, nextStep }) => (
        <p class="small break">
          {[node, object].filter((it) => it !== undefined).join(" ")} {detail} {nextStep ?? ""}
        </p>
      ))}
      {problem.nextStep === undefined ? null : <NextStep text={problem.nextStep} />}
    </Note>
  );
}

/** What keeps an answer from being whole. */
export function Notes({ notes }: { readonly notes: readonly string[] }) {
  if (notes.length === 0) return null;
  return (
    <Note level="warn">
      {notes.map((text) => <p class="break">{text}</p>)}
    </Note>
  );
}
