/** The commands of `peer` and `pool`. */
import { present } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";
import { familyHelp } from "./help.ts";
import { peerDetach, peerProbe } from "./peer-change.ts";
import { peerJoinCommands } from "./peer-join.ts";
import { peerStatusText, peerStatusXml, poolListText, poolListXml } from "./peer-print.ts";

export const peerCommands: readonly GlusterCommand[] = [
  {
    words: ["peer", "probe"],
    usage: "peer probe { <HOSTNAME> | <IP-address> }",
    help: "probe peer specified by <HOSTNAME>",
    run: peerProbe,
  },
  {
    words: ["peer", "detach"],
    usage: "peer detach { <HOSTNAME> | <IP-address> } [force]",
    help: "detach peer specified by <HOSTNAME>",
    run: peerDetach,
  },
  {
    words: ["peer", "status"],
    usage: "peer status",
    help: "list status of peers",
    run: peerStatus,
  },
  {
    words: ["peer", "help"],
    usage: "peer help",
    help: "display help for peer commands",
    async run({ io }) {
      io.stdout.write(familyHelp("peer", peerCommands));
      return 0;
    },
  },
  {
    words: ["pool", "list"],
    usage: "pool list",
    help: "list all the nodes in the pool (including localhost)",
    family: "peer",
    run: poolList,
  },
  ...peerJoinCommands,
];

async function peerStatus(session: Session, args: readonly string[]): Promise<number> {
  if (args.length > 0) throw new UsageError();
  const client = await session.client();
  return present(session, await client.peerList(), {
    text: peerStatusText,
    xml: peerStatusXml,
    failed: "peer status: failed: ",
  });
}

async function poolList(session: Session, args: readonly string[]): Promise<number> {
  if (args.length > 0) throw new UsageError();
  const client = await session.client();
  return present(session, await client.peerList(), {
    text: poolListText,
    xml: poolListXml,
    failed: "pool list: failed: ",
  });
}
