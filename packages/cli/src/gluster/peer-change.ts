/** `peer probe` and `peer detach`. */
import { operationOutput, present } from "./answer.ts";
import { type Session, UsageError } from "./command.ts";

const TOKEN = "--token=";
/** As stock: the daemon's -1 becomes the exit code. */
const EXIT_DETACH_REFUSED = 255;
/** Stock's question; it is asked although Mortar's clients find another node by themselves. */
const DETACH_QUESTION =
  "All clients mounted through the peer which is getting detached need to be remounted using one " +
  "of the other active peers in the trusted storage pool to ensure client gets notification on " +
  "any changes done on the gluster configuration and if the same has been done do you want to " +
  "proceed?";

export async function peerProbe(session: Session, args: readonly string[]): Promise<number> {
  const [host, ...more] = args.filter((word) => !word.startsWith(TOKEN));
  if (host === undefined || more.length > 0) throw new UsageError();
  const given = args.find((word) => word.startsWith(TOKEN))?.slice(TOKEN.length);
  const token = given ?? process.env["MORTAR_PEER_TOKEN"];
  const client = await session.client();
  const answer = await client.peerProbe({ host, ...(token === undefined ? {} : { token }) });
  const reason = (outcome: string, port: number): string => {
    if (outcome === "localhost") return "Probe on localhost not needed";
    return outcome === "known" ? `Host ${host} port ${port} already in peer list` : "";
  };
  return present(session, answer, {
    text: ({ outcome, port }) => {
      const said = reason(outcome, port);
      return `peer probe: success${said === "" ? "" : `. ${said}`}\n`;
    },
    xml: ({ outcome, port }) => operationOutput("peerProbe", reason(outcome, port)).slice(1),
    failed: "peer probe: failed: ",
  });
}

export async function peerDetach(session: Session, args: readonly string[]): Promise<number> {
  const { host, force } = detachOf(args);
  if ((await session.confirm(DETACH_QUESTION)) !== "yes") return 0;
  const client = await session.client();
  const answer = await client.peerDetach(host, force ? { force: true } : {});
  return present(session, answer, {
    text: () => "peer detach: success\n",
    xml: () => operationOutput("peerDetach", "success").slice(1),
    failed: "peer detach: failed: ",
    failedExitCode: EXIT_DETACH_REFUSED,
  });
}

/** `HOST [force]`, also of a dry run. */
export function detachOf(args: readonly string[]): {
  readonly host: string;
  readonly force: boolean;
} {
  const [host, word, ...more] = args;
  if (host === undefined || more.length > 0) throw new UsageError();
  if (word !== undefined && word !== "force") throw new UsageError();
  return { host, force: word === "force" };
}
