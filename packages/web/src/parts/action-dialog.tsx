/**
 * The question before every change: what will happen, what it frees, how to type the same. The
 * dialog stays until the daemon has answered, so that a refusal is read where it was caused.
 */
import type { Answer, Problem } from "@mortar/api";
import { signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Unreachable } from "../call.ts";
import { refreshNow } from "../resource.ts";
import { say } from "../toast.tsx";
import { CommandLine } from "./command-line.tsx";
import { ProblemNote } from "./problem-note.tsx";

const shown = signal<JSX.Element | undefined>(undefined);

/** Opens a dialog: an element whose outermost part is `ActionDialog`. */
export function ask(dialog: JSX.Element): void {
  shown.value = dialog;
}

export function Dialogs() {
  return <>{shown.value}</>;
}

export interface ActionDialogProps<T> {
  readonly title: string;
  /** On the button. */
  readonly verb: string;
  readonly isDanger?: boolean;
  /** False: something is missing yet. */
  readonly isReady?: boolean;
  /** The same on the command line. */
  readonly commands?: readonly string[];
  readonly run: () => Promise<Answer<T>>;
  /** What is said when it is done. */
  readonly done: (result: T) => string;
  readonly after?: (result: T) => void;
  readonly children: ComponentChildren;
}

export function ActionDialog<T>(props: ActionDialogProps<T>) {
  const { title, verb, isDanger = false, isReady = true, commands = [], children } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | string | undefined>(undefined);
  const heading = useId();
  useOpening(dialog);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isBusy || !isReady) return;
    setBusy(true);
    setProblem(undefined);
    const outcome = await outcomeOf(props);
    setBusy(false);
    if (outcome === undefined) dialog.current?.close();
    else setProblem(outcome);
  };

  return (
    <dialog
      ref={dialog} aria-labelledby={heading}
      onClose={() => (shown.value = undefined)}
      onCancel={(event) => isBusy && event.preventDefault()}
    >
      <form onSubmit={(event) => void submit(event)}>
        <header><h2 id={heading}>{title}</h2></header>
        <div class="body" tabIndex={0} role="group" aria-labelledby={heading}>
          {children}
          {commands.length === 0 ? null : (
            <div class="stack tight">
              <span class="muted small">The same on the command line</span>
              {commands.map((text) => <CommandLine key={text} text={text} />)}
            </div>
          )}
          {problem === undefined ? null
            : typeof problem === "string" ? <p class="bad" role="alert">{problem}</p>
              : <ProblemNote problem={problem} />}
        </div>
        <footer>
          <button type="button" class="button" disabled={isBusy} onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class={`button main ${isDanger ? "danger" : ""}`} disabled={isBusy || !isReady}>
            {isBusy ? "Working…" : verb}
          </button>
        </footer>
      </form>
    </dialog>
  );
}

/** Undefined: done, and told. */
async function outcomeOf<T>(
  { run, done, after, title }: ActionDialogProps<T>,
): Promise<Problem | string | undefined> {
  try {
    const answer = await run();
    if (!answer.ok) return answer.problem;
    say(done(answer.result), [...answer.warnings, ...answer.details.map(({ detail }) => detail)]);
    await refreshNow();
    after?.(answer.result);
    return undefined;
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    return `mortard does not answer: nobody knows whether “${title}” was done. Look before you ` +
      "repeat it.";
  }
}

/** A modal dialog keeps the focus inside, and gives it back to where it was. */
function useOpening(dialog: { readonly current: HTMLDialogElement | null }): void {
  useEffect(() => {
    const before = document.activeElement;
    const element = dialog.current;
    element?.showModal();
    element?.querySelector<HTMLElement>("input, select, textarea")?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
}
