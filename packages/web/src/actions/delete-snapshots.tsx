/** Several snapshots deleted at once: what is freed together is more than what each frees alone. */
import type { Answer, SnapshotReclaim } from "@mortar/api";
import { useEffect, useState } from "preact/hooks";
import { call } from "../call.ts";
import { bytesText, countText } from "../format.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { Notes, ProblemNote } from "../parts/problem-note.tsx";
import { quoted } from "../shell-word.ts";

export function DeleteSnapshots({ names }: { readonly names: readonly string[] }) {
  const answer = useReclaim(names);
  const run = async (): Promise<Answer<number>> => {
    const details = [];
    const warnings = [];
    for (const name of names) {
      const deleted = await call("snapshotDelete", { params: { snapshot: name } });
      if (!deleted.ok) return deleted;
      details.push(...deleted.details);
      warnings.push(...deleted.warnings);
    }
    return { ok: true, result: names.length, details, warnings };
  };
  return (
    <ActionDialog
      title={`Delete ${countText(names.length, "snapshot")}?`} verb="Delete snapshots" isDanger
      isReady={answer?.ok === true} run={run}
      commands={names.slice(0, 5).map((name) => `mortar snapshot delete ${quoted(name)}`)}
      done={(count) => `${countText(count, "snapshot")} deleted.`}
    >
      <ol class="steps">
        {names.map((name) => (
          <li key={name}><strong class="bad">Remove</strong><span class="break">snapshot {name}</span><span /></li>
        ))}
      </ol>
      {answer === undefined ? <p class="muted" role="status">Asking what this would free…</p>
        : !answer.ok ? <ProblemNote problem={answer.problem} />
          : (
            <>
              <p class="freed">All together it frees {bytesText(answer.result.freedBytes)}.</p>
              <Notes notes={answer.details.map(({ detail }) => detail)} />
            </>
          )}
      <p class="muted">
        They are deleted one after the other; the first that is refused ends it. Files that are
        only in them are gone for good.
      </p>
    </ActionDialog>
  );
}

function useReclaim(names: readonly string[]): Answer<SnapshotReclaim> | undefined {
  const [answer, setAnswer] = useState<Answer<SnapshotReclaim> | undefined>(undefined);
  useEffect(() => {
    const stop = new AbortController();
    void (async () => {
      try {
        setAnswer(await call("snapshotReclaim", { body: { snapshots: [...names] } }, stop.signal));
      } catch {
        // Aborted, or the page says already that nobody answers.
      }
    })();
    return () => stop.abort();
  }, [names.join("\n")]);
  return answer;
}
