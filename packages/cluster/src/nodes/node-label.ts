/** `node label`: the failure domain of a node, which placement keeps the bricks of a set apart by. */
import type { CommandArgs, Step } from "../command.ts";
import { CommandFailure, errno } from "../failure.ts";
import { changeOf } from "../key-space.ts";
import { nodeOfHost } from "./membership.ts";
import type { NodeDocument } from "../state.ts";
import { commit, type CommandContext, performLocal } from "../steps.ts";
import { text } from "../stock-text.ts";

const ZONE = /^[A-Za-z0-9_.-]{0,64}$/u;

export function* nodeLabel(
  context: CommandContext,
  { host, zone }: CommandArgs<"nodeLabel">,
): Step<{ uuid: string; zone: string }> {
  if (!ZONE.test(zone)) {
    throw new CommandFailure("bad-argument", errno.EINVAL,
      `A zone is at most 64 letters, digits and _ . - , not ${JSON.stringify(zone)}`);
  }
  let uuid = nodeOfHost(context.state, host)?.uuid;
  uuid ??= (yield* performLocal("resolveHost", { host })).uuid;
  const former = uuid === undefined ? undefined : context.state.nodes.get(uuid)?.document;
  if (former === undefined) {
    throw new CommandFailure("host-unknown", errno.EG_INTRNL, text.hostMissing(host));
  }
  const { zone: _former, ...rest } = former;
  const node: NodeDocument = zone === "" ? rest : { ...rest, zone };
  if (former.zone !== node.zone) yield* commit(context, [changeOf.node(context.state, node)]);
  return { uuid: former.uuid, zone };
}
