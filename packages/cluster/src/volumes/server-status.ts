/** Whether servers run: each node is asked once, about all of its own. */
import type { BrickProcessStatus, BrickRef } from "../bricks/brick-effects.ts";
import type { Step } from "../command.ts";
import type { NodeEffect } from "../effect.ts";
import { detailOf } from "../failure.ts";
import { attemptAll, type CommandContext, errorsOf } from "../steps.ts";

/** A brick, or a daemon of a volume by its name. */
export interface Server {
  /** Uuid. */
  readonly node: string;
  readonly brick: BrickRef;
}

/** In the order of `servers`. What a node runs that does not answer is taken as not running. */
export function* serverStatuses(
  context: CommandContext,
  servers: readonly Server[],
  detail: boolean,
): Step<BrickProcessStatus[]> {
  const nodes = [...new Set(servers.map(({ node }) => node))];
  const ownOf = (node: string): readonly Server[] => servers.filter((it) => it.node === node);
  const outcomes = yield* attemptAll(
    nodes.map((node): NodeEffect<"brickStatuses"> => ({
      kind: "brickStatuses", node, bricks: ownOf(node).map(({ brick }) => brick), detail,
    })),
  );
  const found = new Map<Server, BrickProcessStatus>();
  for (const [index, node] of nodes.entries()) {
    const outcome = outcomes[index]!;
    if (!outcome.ok && outcome.error.code === "failed") {
      for (const [server, status] of yield* askedOneByOne(context, ownOf(node), detail)) {
        found.set(server, status);
      }
      continue;
    }
    if (!outcome.ok) {
      context.details.push(detailOf(outcome.error));
      continue;
    }
    const statuses = outcome.value as readonly BrickProcessStatus[];
    for (const [at, server] of ownOf(node).entries()) found.set(server, statuses[at]!);
  }
  return servers.map((server) => found.get(server) ?? { running: false });
}

/** Of a node that cannot tell of all at once: an older version, or one brick's file system fails. */
function* askedOneByOne(
  context: CommandContext, servers: readonly Server[], detail: boolean,
): Step<Map<Server, BrickProcessStatus>> {
  const outcomes = yield* attemptAll(
    servers.map(({ node, brick }): NodeEffect<"brickStatus"> => ({
      kind: "brickStatus", node, brick, detail,
    })),
  );
  context.details.push(...errorsOf(outcomes).map(detailOf));
  return new Map(servers.flatMap((server, index) => {
    const outcome = outcomes[index]!;
    return outcome.ok ? [[server, outcome.value as BrickProcessStatus]] : [];
  }));
}
