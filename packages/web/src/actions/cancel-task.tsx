/** Stopping what takes long. */
import type { Task } from "@mortar/api";
import { call } from "../call.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";

export function CancelTask({ task }: { readonly task: Task }) {
  const { id, sentence } = task;
  return (
    <ActionDialog
      title="Cancel the task" verb="Cancel task" isDanger
      run={() => call("taskCancel", { params: { task: id }, body: {} })}
      done={() => "The task is being cancelled."}
    >
      <p>{sentence}.</p>
      <p>
        What goes on by itself is stopped where it is: what was moved stays moved, what was received is
        removed. What is being made is taken away again.
      </p>
    </ActionDialog>
  );
}
