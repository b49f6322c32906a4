/** A volume started and stopped. */
import { call } from "../call.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { PlanView, usePlan } from "../parts/plan-view.tsx";
import { quoted } from "../shell-word.ts";

export function StopVolume({ name }: { readonly name: string }) {
  const plan = usePlan({ command: "volume stop", volume: name });
  return (
    <ActionDialog
      title={`Stop the volume ${name}?`} verb="Stop volume" isDanger isReady={plan?.ok === true}
      commands={[`mortar volume stop ${quoted(name)}`]}
      run={() => call("volumeStop", { params: { volume: name }, body: {} })}
      done={() => `${name} is stopped.`}
    >
      <PlanView answer={plan} />
      <p class="muted">Clients get errors until it is started again. Its data stays.</p>
    </ActionDialog>
  );
}

export function StartVolume({ name }: { readonly name: string }) {
  return (
    <ActionDialog
      title={`Start the volume ${name}?`} verb="Start volume"
      commands={[`mortar volume start ${quoted(name)}`]}
      run={() => call("volumeStart", { params: { volume: name }, body: {} })}
      done={() => `${name} is started.`}
    >
      <p>A server process is started for each of its bricks, and clients can mount it.</p>
    </ActionDialog>
  );
}
