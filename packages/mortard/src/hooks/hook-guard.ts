/**
 * The process that runs hooks, started by `SnapshotHooks` before they are needed.
 *
 *     {"id":1,"do":"before","snapshot":"S","volumes":["V"],"hooks":[…],"watchdogMs":30000}
 *     {"id":1,"reports":[{"name":"vm1","phase":"before","required":true,"tookMs":12}]}
 *     {"id":2,"do":"after","snapshot":"S"}
 *     {"id":2,"reports":[…],"held":true}
 *
 * The part after is run once for each hook whose part before was begun: when it is asked for, when
 * the watchdog's time is over, or when the input ends, that is when mortard dies.
 */
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import type { HookReport } from "@mortar/cluster";
import type { Hook } from "./hook.ts";
import { type HookOccasion, runHook } from "./run-hook.ts";

interface Before extends HookOccasion {
  readonly hooks: readonly Hook[];
  readonly watchdogMs: number;
}

type Request = { readonly id: number } & (
  | ({ readonly do: "before" } & Before)
  | { readonly do: "after"; readonly snapshot: string }
);

interface Open {
  readonly occasion: HookOccasion;
  readonly hooks: readonly Hook[];
  readonly timer: NodeJS.Timeout;
  /** The parts before: nothing is undone while it is being done. */
  readonly begun: Promise<HookReport[]>;
  ended: Promise<HookReport[]> | undefined;
  expired: boolean;
}

const open = new Map<string, Open>();

function say(answer: object): void {
  try {
    writeSync(1, `${JSON.stringify(answer)}\n`);
  } catch {
    // Whoever listened is gone.
  }
}

function before({ snapshot, volumes, hooks, watchdogMs }: Before): Promise<HookReport[]> {
  const occasion = { snapshot, volumes };
  const entry: Open = {
    occasion,
    hooks,
    begun: Promise.all(hooks.map((hook) => runHook(hook, "before", occasion))),
    ended: undefined,
    expired: false,
    timer: setTimeout(() => {
      entry.expired = true;
      void end(entry);
    }, watchdogMs),
  };
  open.set(snapshot, entry);
  return entry.begun;
}

function end(entry: Open): Promise<HookReport[]> {
  clearTimeout(entry.timer);
  entry.ended ??= entry.begun.then(() =>
    Promise.all(entry.hooks.map((hook) => runHook(hook, "after", entry.occasion))),
  );
  return entry.ended;
}

async function after(snapshot: string): Promise<{ reports: HookReport[]; held: boolean }> {
  const entry = open.get(snapshot);
  if (entry === undefined) return { reports: [], held: false };
  const reports = await end(entry);
  open.delete(snapshot);
  return { reports, held: !entry.expired };
}

async function perform(request: Request): Promise<void> {
  const { id } = request;
  if (request.do === "before") say({ id, reports: await before(request) });
  else say({ id, ...(await after(request.snapshot)) });
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE"] as const) {
  process.on(signal, () => undefined);
}
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => void perform(JSON.parse(line) as Request));
lines.on("close", () => {
  void Promise.all([...open.values()].map(end)).then(() => process.exit(0));
});
