/** `mortar top`: pools, bricks and operations as they go, on all nodes. */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { MortarClient } from "@mortar/api";
import type { CliIo } from "../io.ts";
import { clientOf } from "./daemon.ts";
import { resultOf } from "./daemon-answer.ts";
import { INTERVAL_SECONDS } from "./top-help.ts";
import { topText, type TopReading, topView } from "./top-view.ts";
import { type NodeContext, VerbError } from "./verb.ts";

/** Home, and all behind it is cleared: nothing flickers as it does when the whole is cleared first. */
const [HOME, CLEAR_LINE, CLEAR_REST] = ["\u001B[H", "\u001B[K", "\u001B[J"];

export async function top(args: readonly string[], io: CliIo, { root }: NodeContext): Promise<number> {
  const { once, json, intervalMs } = parsed(args);
  const client = clientOf(root);
  const { stdout } = io as { stdout: CliIo["stdout"] & { isTTY?: boolean; rows?: number; columns?: number } };
  let before = await reading(client, io);
  for (;;) {
    await sleep(intervalMs);
    const now = await reading(client, io);
    const view = topView(before, now);
    if (json) io.stdout.write(`${JSON.stringify(view, undefined, 2)}\n`);
    else if (stdout.isTTY === true && !once) io.stdout.write(drawn(topText(view), stdout.rows, stdout.columns));
    else io.stdout.write(topText(view));
    if (once || stdout.isTTY !== true) return 0;
    before = now;
  }
}

/** No more than there is room for: a line that wraps would push the first ones out. */
export function drawn(text: string, rows = 24, columns = 80): string {
  const lines = text.split("\n").slice(0, rows - 1).map((line) => `${line.slice(0, columns)}${CLEAR_LINE}\n`);
  return HOME + lines.join("") + CLEAR_REST;
}

async function reading(client: MortarClient, io: CliIo): Promise<TopReading> {
  const volumes = resultOf(await client.volumeInfoAll(), io).filter(({ status }) => status === "Started");
  const pools = resultOf(await client.poolList(), io);
  const asked = await Promise.all(volumes.map(async ({ name }) => {
    const answer = await client.volumeProfile(name, { action: "info", part: "cumulative", peek: true });
    return { name, profile: answer.ok ? answer.result : undefined };
  }));
  return {
    atMs: Date.now(), pools,
    profiles: asked.flatMap(({ profile }) => profile ?? []),
    uncounted: asked.filter(({ profile }) => profile === undefined).map(({ name }) => name),
  };
}

function parsed(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        once: { type: "boolean", default: false }, json: { type: "boolean", default: false },
        interval: { type: "string" },
      },
    });
    const seconds = Number(values.interval ?? INTERVAL_SECONDS);
    if (!(seconds > 0 && seconds <= 3600)) throw new RangeError("--interval takes seconds, up to 3600.");
    if (values.json && !values.once) throw new RangeError("--json goes with --once.");
    return { once: values.once, json: values.json, intervalMs: seconds * 1000 };
  } catch (error) {
    throw new VerbError((error as Error).message, "mortar help top");
  }
}
