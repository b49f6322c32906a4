/** The nodes of the pool as they are told to people, and what is known of their clocks. */
import type { Peer } from "@mortar/api";
import type { NodeDocument } from "@mortar/cluster";
import { type ClockVerdict, judgeClocks, type PeerClock } from "./clock-skew.ts";
import type { PeerView } from "./peer-watch.ts";

type View = (uuid: string) => PeerView;

const inCluster = { state: 3, stateName: "Peer in Cluster" };
/** Stock's words for one whose view of the cluster is another: it was given up by a recovery. */
const rejected = { state: 6, stateName: "Peer Rejected" };

/** What others connect to, and print. */
export function contactOf({ contact, hostname }: NodeDocument): string {
  return contact ?? hostname;
}

/** As stock lists them: in the order of their coming, the one that answers last. */
export function peerList(self: string, others: readonly NodeDocument[], view: View): Peer[] {
  const own: Peer = {
    uuid: self, hostname: "localhost", self: true, connected: true, ...inCluster,
  };
  const listed = others.map((node): Peer => {
    const { connected, skewMs } = view(node.uuid);
    return {
      uuid: node.uuid, hostname: contactOf(node), self: false, connected,
      ...(node.goneSinceMs === undefined ? inCluster : rejected),
      ...(skewMs === undefined ? {} : { clockSkewMs: skewMs }),
    };
  });
  return [...listed, own];
}

export function clockVerdict(others: readonly NodeDocument[], view: View): ClockVerdict {
  return judgeClocks(others.flatMap((node): PeerClock[] => {
    const { connected, skewMs } = view(node.uuid);
    return connected && skewMs !== undefined ? [{ host: contactOf(node), skewMs }] : [];
  }));
}
