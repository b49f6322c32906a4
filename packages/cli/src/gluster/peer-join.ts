/**
 * `peer token` and `peer accept`: how a new node says whom it lets take it in; `peer recover` and
 * `peer leave`: when the majority is lost for good. Mortar's own.
 */
import { present } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";

/** Not in the help of `gluster`, which is stock's. */
const family = "mortar";

export const peerJoinCommands: readonly GlusterCommand[] = [
  {
    words: ["peer", "token"],
    usage: "peer token",
    help: "print a token, valid for an hour, with which a cluster may take this node in",
    family,
    run: peerToken,
  },
  {
    words: ["peer", "accept"],
    usage: "peer accept [<CODE>]",
    help: "list the clusters that want to take this node in, or say yes to one",
    family,
    run: peerAccept,
  },
  {
    words: ["peer", "recover"],
    usage: "peer recover [--yes]",
    help: "go on with this node alone, when the majority of the nodes will never come back",
    family,
    run: peerRecover,
  },
  {
    words: ["peer", "leave"],
    usage: "peer leave [--yes]",
    help: "forget the cluster, which has gone on without this node",
    family,
    run: peerLeave,
  },
];

/** Without `--yes` nothing is done: the daemon says what would be. */
function confirmation(args: readonly string[]): { readonly yes: boolean } {
  if (args.some((word) => word !== "--yes")) throw new UsageError();
  return { yes: args.length > 0 };
}

async function peerRecover(session: Session, args: readonly string[]): Promise<number> {
  const body = confirmation(args);
  const client = await session.client();
  return present(session, await client.peerRecover(body), {
    text: ({ gone }) =>
      `peer recover: success. This node goes on alone; gone: ${gone.join(", ")}\n` +
      "Next: for each of them, replace its bricks or let it in again (peer probe), or take it out " +
      "(peer detach HOST force)\n",
    xml: () => [],
    failed: "peer recover: failed: ",
  });
}

async function peerLeave(session: Session, args: readonly string[]): Promise<number> {
  const body = confirmation(args);
  const client = await session.client();
  return present(session, await client.peerLeave(body), {
    text: () => "peer leave: success. This node is in no cluster any more.\n",
    xml: () => [],
    failed: "peer leave: failed: ",
  });
}

async function peerToken(session: Session, args: readonly string[]): Promise<number> {
  if (args.length > 0) throw new UsageError();
  const client = await session.client();
  return present(session, await client.peerToken(), {
    text: ({ token }) => `${token}\n`,
    xml: () => [],
    failed: "peer token: failed: ",
  });
}

async function peerAccept(session: Session, args: readonly string[]): Promise<number> {
  const [code, ...more] = args;
  if (more.length > 0) throw new UsageError();
  const client = await session.client();
  const failed = "peer accept: failed: ";
  if (code !== undefined) {
    return present(session, await client.peerAccept({ code }), {
      text: () => "peer accept: success. Probe this node again within ten minutes.\n",
      xml: () => [],
      failed,
    });
  }
  return present(session, await client.peerRequests(), {
    text: (requests) => {
      if (requests.length === 0) return "No cluster wants to take this node in.\n";
      const rows = requests.map(({ code: own, host, address, accepted }) =>
        `${own}  ${host} (${address})${accepted ? "  accepted" : ""}\n`);
      return rows.join("");
    },
    xml: () => [],
    failed,
  });
}
