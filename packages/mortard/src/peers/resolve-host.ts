/** Which node of the cluster a host name means. */
import { lookup } from "node:dns/promises";
import { type ClusterState, nodeOfHost, nodesInOrder } from "@mortar/cluster";
import { isThisNode, type OwnNames } from "../effects/host-name.ts";

/** By what is known of the nodes, then by looking the name up. Does not throw. */
export async function resolveHost(
  host: string, state: ClusterState, own: OwnNames,
): Promise<string | undefined> {
  const named = nodeOfHost(state, host);
  if (named !== undefined) return named.uuid;
  if (await isThisNode(host, own)) return state.self;
  const addresses = await addressesOf(host);
  const others = nodesInOrder(state).filter((it) => it.uuid !== state.self);
  for (const { uuid, contact = "", address, names = [] } of others) {
    const known = new Set([contact, address, ...names]);
    if (addresses.some((it) => known.has(it))) return uuid;
  }
  return undefined;
}

async function addressesOf(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map((entry) => entry.address);
  } catch {
    return [];
  }
}
