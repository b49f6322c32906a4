/** Operators at all nodes, who give commands by seed, one after the other each, and write them down. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer, MortarClient } from "@mortar/api";
import type { Random } from "@mortar/sim";
import type { Operation } from "./pool-history.ts";
import type { PoolNode } from "./pool-node.ts";
import { type Outcome, tellingCodes, type Verb } from "./pool-model.ts";

export interface VolumePlan {
  readonly name: string;
  /** `HOST:/PATH` */
  readonly bricks: readonly string[];
  /** Of a volume without snapshots: bricks that are added and removed. */
  readonly extras: readonly string[];
}

const SNAPSHOTS = ["s1", "s2"] as const;
const VALUES = ["10", "11", "12", "13", "14", "15", "16", "17"] as const;
export const OPTION = "network.ping-timeout";

/** Nothing was done: it was not even sent. */
const NOT_SENT = /ECONNREFUSED|ENOENT/;
/** Whether it was done is for the store to say. */
const DOUBTFUL = /could not be written|turn of this command was lost|cannot be read/;
/** These undo what they began when a step fails: nothing of them is left. */
const undoing: ReadonlySet<string> = new Set(["create", "snapshot"]);

export class Operators {
  readonly histories = new Map<string, Operation[]>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  async run(
    node: PoolNode, volumes: readonly VolumePlan[], random: Random, untilMs: number,
  ): Promise<void> {
    while (performance.now() < untilMs) {
      const volume = random.pick(volumes);
      await this.give(node, volume, pickCommand(random, volume));
      await sleep(random.between(20, 400));
    }
  }

  give(node: PoolNode, volume: VolumePlan, command: Verb): Promise<Operation> {
    const sent = (): Promise<Answer<unknown>> => send(node.client, volume, command);
    return this.note(node, volume.name, { command, sent });
  }

  /** Writes down what becomes of it, in the history of the thing that it is about. */
  async note(
    node: PoolNode, thing: string,
    { command, sent }: { readonly command: Verb; readonly sent: () => Promise<Answer<unknown>> },
  ): Promise<Operation> {
    const beginMs = performance.now();
    const { outcome, said } = await outcomeOf(command, sent());
    const operation = {
      client: node.name, command, beginMs, endMs: performance.now(), outcome, said,
    };
    const history = this.histories.get(thing) ?? [];
    this.histories.set(thing, history);
    history.push(operation);
    this.#count += 1;
    return operation;
  }
}

function pickCommand(random: Random, { extras }: VolumePlan): Verb {
  if (extras.length > 0) {
    const brick = random.below(extras.length);
    return random.pick<Verb>([
      { verb: "create" }, { verb: "start" }, { verb: "start" }, { verb: "stop" }, { verb: "delete" },
      { verb: "set", value: random.pick(VALUES) },
      { verb: "add", brick }, { verb: "add", brick }, { verb: "add", brick },
      { verb: "remove", brick }, { verb: "remove", brick },
    ]);
  }
  const snapshot = random.pick(SNAPSHOTS);
  return random.pick<Verb>([
    { verb: "create" }, { verb: "create" }, { verb: "start" }, { verb: "start" }, { verb: "start" },
    { verb: "stop" }, { verb: "delete" },
    { verb: "set", value: random.pick(VALUES) }, { verb: "set", value: random.pick(VALUES) },
    { verb: "snapshot", snapshot }, { verb: "snapshot", snapshot }, { verb: "snapshot", snapshot },
    { verb: "snapshot-delete", snapshot }, { verb: "snapshot-delete", snapshot },
    { verb: "activate", snapshot }, { verb: "deactivate", snapshot },
  ]);
}

/** Snapshots have names over all volumes. */
export function snapshotName(volume: string, snapshot: string): string {
  return `${volume}-${snapshot}`;
}

function send(client: MortarClient, volume: VolumePlan, command: Verb): Promise<Answer<unknown>> {
  const { name, bricks } = volume;
  switch (command.verb) {
    case "add":
      return client.volumeAddBrick(name, { bricks: [volume.extras[command.brick]!], force: true });
    case "remove":
      return client.volumeRemoveBrick(name, {
        bricks: [volume.extras[command.brick]!], action: "force",
      });
    case "create":
      return client.volumeCreate({ name, bricks: [...bricks], force: true });
    case "start":
      return client.volumeStart(name);
    case "stop":
      return client.volumeStop(name);
    case "delete":
      return client.volumeDelete(name);
    case "set":
      return client.volumeOptionSet(name, { options: [{ name: OPTION, value: command.value }] });
    case "snapshot":
      return client.snapshotCreate({
        name: snapshotName(name, command.snapshot), volume: name, timestamp: false,
      });
    case "probe":
    case "detach":
      throw new Error(`${command.verb} is no command on a volume`);
    case "snapshot-delete":
      return client.snapshotDelete(snapshotName(name, command.snapshot));
    case "activate":
      return client.snapshotActivate(snapshotName(name, command.snapshot));
    default:
      return client.snapshotDeactivate(snapshotName(name, command.snapshot));
  }
}

async function outcomeOf(
  command: Verb, sent: Promise<Answer<unknown>>,
): Promise<{ readonly outcome: Outcome; readonly said: string }> {
  let answer: Answer<unknown>;
  try {
    answer = await sent;
  } catch (error) {
    const said = (error as Error).message;
    if (NOT_SENT.test(said)) return { outcome: { kind: "refused", code: "not-sent" }, said };
    return { outcome: { kind: "unknown" }, said };
  }
  if (answer.ok) return { outcome: { kind: "ok" }, said: "" };
  const { type, detail } = answer.problem;
  if (tellingCodes.has(type)) return { outcome: { kind: "refused", code: type }, said: "" };
  const isDoubtful = type === "internal" || DOUBTFUL.test(detail) ||
    (type === "effect-failed" && !undoing.has(command.verb));
  if (isDoubtful) return { outcome: { kind: "unknown" }, said: detail };
  return { outcome: { kind: "refused", code: type }, said: detail };
}

/** What says nothing of the state, and changes nothing, needs no place in an order. */
export function telling(history: readonly Operation[]): Operation[] {
  return history.filter(({ outcome }) => outcome.kind !== "refused" || tellingCodes.has(outcome.code));
}
