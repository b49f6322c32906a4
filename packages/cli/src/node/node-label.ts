/** `mortar node label NODE zone=ZONE`: the failure domain that the bricks of a set are kept apart by. */
import type { CliIo } from "../io.ts";
import { clientOf } from "./daemon.ts";
import { resultOf } from "./daemon-answer.ts";
import { type NodeContext, VerbError } from "./verb.ts";

export async function node(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  const [verb, host, label, ...more] = args;
  const zone = label?.startsWith("zone=") === true ? label.slice("zone=".length) : undefined;
  if (verb !== "label" || host === undefined || zone === undefined || more.length > 0) {
    throw new VerbError("it takes label NODE zone=ZONE.", "mortar help node");
  }
  const done = resultOf(await clientOf(root).nodeLabel(host, { zone }), io);
  io.tell?.({ host, zone: done.zone });
  io.stdout.write(
    done.zone === "" ? `${host} is a failure domain by itself\n` : `${host} is in zone ${done.zone}\n`,
  );
  return 0;
}
