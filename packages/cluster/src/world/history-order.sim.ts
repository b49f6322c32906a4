/**
 * Whether a history is explained by the order in which its commands had their turns: those that
 * reported success with their effect, those that reported a failure without one, and those that
 * nobody heard the end of with it or without. What the store has in the end must be one of the
 * states that are possible then.
 */
import type { Answer } from "../command.ts";
import type { Command } from "./history-commands.sim.ts";
import { type PoolModel, textOfPool } from "./history-model.sim.ts";

/** `unknown`: its coordinator died, or lost the store. */
export type Outcome = "success" | "failure" | "unknown";

export interface Report extends Command {
  readonly host: string;
  /** Of its turn; undefined: it had none, and did nothing. */
  token: number | undefined;
  outcome: Outcome;
  /** Its turn was not over before it had answered: it saw the state at its place of the order. */
  heldToEnd: boolean;
  /** Of a failure. */
  code?: string;
  said?: string;
}

/** What the driver says of a command that cannot know its own end. */
const LOST =
  /could not be written|turn of this command was lost|changed by another command|cannot be read/;

export function outcomeOf(answer: Answer<unknown>): Outcome {
  if (answer.ok) return "success";
  const said = [answer.opErrstr, ...answer.details.map(({ detail }) => detail)];
  return said.some((it) => LOST.test(it)) ? "unknown" : "failure";
}

/** Refusals that say what state the volume has: it must have it at that place of the order. */
const telling: ReadonlySet<string> = new Set([
  "volume create volume-exists", "volume start volume-started", "volume start volume-missing",
  "volume stop volume-not-started", "volume stop volume-missing", "volume delete volume-started",
  "volume delete volume-has-snapshots", "volume delete volume-missing",
  "snapshot create volume-not-started", "snapshot create volume-missing",
  "snapshot activate snapshot-active", "snapshot activate snapshot-missing",
  "snapshot deactivate snapshot-inactive", "snapshot deactivate snapshot-missing",
  "snapshot restore volume-started", "snapshot restore snapshot-missing",
  "snapshot clone snapshot-missing", "snapshot clone volume-exists",
  "snapshot clone snapshot-inactive",
]);

/** Throws with the order, up to the command that does not fit. */
export function checkOrder(reports: readonly Report[], first: PoolModel, last: PoolModel): void {
  const order = reports
    .filter((it) => it.apply !== undefined && it.token !== undefined)
    .toSorted((one, other) => one.token! - other.token!);
  let possible = new Map([[textOfPool(first), first]]);
  for (const [index, report] of order.entries()) {
    const next = after(possible, report);
    if (next.size === 0) {
      const until = lines(order.slice(0, index + 1));
      const from = [...possible.keys()].join("\n");
      throw new Error(`nothing explains the last of:\n${until}\nfrom:\n${from}`);
    }
    possible = next;
  }
  if (possible.has(textOfPool(last))) return;
  throw new Error(`no order explains the end:\n${textOfPool(last)}\npossible is:\n` +
    `${[...possible.keys()].join("\n")}\nafter:\n${lines(order)}`);
}

function after(
  possible: ReadonlyMap<string, PoolModel>, { kind, outcome, code, heldToEnd, apply }: Report,
): Map<string, PoolModel> {
  const next = new Map<string, PoolModel>();
  const isTelling = outcome === "failure" && heldToEnd && telling.has(`${kind} ${code}`);
  for (const [text, pool] of possible) {
    const result = apply!(pool);
    if (outcome !== "success" && !(isTelling && result !== undefined)) next.set(text, pool);
    if (outcome !== "failure" && result !== undefined) next.set(textOfPool(result), result);
  }
  return next;
}

function lines(reports: readonly Report[]): string {
  return reports.map(({ token, host, name, args, outcome, code = "", said = "" }) =>
    `  ${token} ${host} ${name} ${JSON.stringify(args)} ${outcome} ${code} ${said}`).join("\n");
}
