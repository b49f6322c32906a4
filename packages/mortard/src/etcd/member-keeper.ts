/**
 * Which nodes run members of etcd: all up to three, three of four, five of five and more; those
 * that do already come first. A new one begins as a learner and gets its vote when it has
 * all that was written; one whose node is gone is removed. One step at a time, each of which may be
 * repeated: whoever dies in between is gone on for by the next.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { NodeDocument } from "@mortar/cluster";
import { type EtcdMember, EtcdMembers, isNotReady } from "./etcd-members.ts";
import type { EtcdAddress } from "@mortar/store";
import { type EtcdSpec, urlOf } from "./etcd-process.ts";

export interface MemberKeeperOptions {
  readonly address: EtcdAddress;
  /** In the order of their coming. */
  readonly nodes: readonly NodeDocument[];
  readonly self: string;
  readonly cluster: string;
  readonly placeOf: (node: NodeDocument) => MemberHome;
  /** Has the node run a member; `fresh`: whatever it has of another one goes. */
  readonly start: (node: NodeDocument, spec: EtcdSpec, fresh: boolean) => Promise<void>;
  /** Has the node's member end. */
  readonly end: (node: NodeDocument) => Promise<void>;
}

export interface MemberHome {
  readonly host: string;
  readonly listen: string;
  readonly clientPort: number;
  readonly peerPort: number;
}

const READY_MS_MAX = 30_000;
const RETRY_MS = 250;

export function memberCount(nodes: number): number {
  if (nodes < 4) return nodes;
  return nodes < 5 ? 3 : 5;
}

/** Gives the URLs for clients, of those that have a vote. */
export async function keepMembers(options: MemberKeeperOptions): Promise<string[]> {
  const members = new EtcdMembers(options.address);
  try {
    await removeGone(members, options);
    const wanted = await choose(members, options);
    for (const node of wanted) await keepOne(members, node, options);
    const list = await members.list();
    const voting = list.filter((it) => !it.isLearner && it.name !== "");
    return options.nodes.flatMap((node) => {
      const { host, clientPort } = options.placeOf(node);
      return memberOf(voting, node, options) === undefined ? [] : [urlOf(host, clientPort)];
    });
  } finally {
    members.close();
  }
}

async function removeGone(members: EtcdMembers, options: MemberKeeperOptions): Promise<void> {
  for (const member of await members.list()) {
    const isKnown = options.nodes.some((node) => memberOf([member], node, options) !== undefined);
    if (!isKnown) await whenReady(() => members.remove(member.id));
  }
}

async function choose(
  members: EtcdMembers, options: MemberKeeperOptions,
): Promise<readonly NodeDocument[]> {
  const list = await members.list();
  const isMember = (node: NodeDocument): boolean => memberOf(list, node, options) !== undefined;
  const ordered = [...options.nodes.filter(isMember), ...options.nodes.filter((it) => !isMember(it))];
  const count = memberCount(options.nodes.length);
  for (const node of ordered.slice(count).filter(isMember)) {
    if (node.uuid === options.self) continue;
    await whenReady(() => members.remove(memberOf(list, node, options)!.id));
    await options.end(node);
  }
  return ordered.slice(0, count);
}

async function keepOne(
  members: EtcdMembers, node: NodeDocument, options: MemberKeeperOptions,
): Promise<void> {
  const home = options.placeOf(node);
  let list = await members.list();
  if (memberOf(list, node, options) === undefined) {
    await whenReady(() => members.addLearner(urlOf(home.host, home.peerPort)));
    list = await members.list();
  }
  const member = memberOf(list, node, options);
  if (member === undefined) throw new Error(`etcd does not list the member on ${home.host}`);
  if (member.name !== "" && !member.isLearner) return;
  const spec: EtcdSpec = {
    ...home,
    name: node.uuid,
    initialCluster: initialClusterOf(list, options),
    initialState: "existing",
    token: options.cluster,
  };
  await options.start(node, spec, member.name === "");
  if (member.isLearner) await whenReady(() => members.promote(member.id));
}

function initialClusterOf(list: readonly EtcdMember[], options: MemberKeeperOptions): string {
  return list.flatMap((member) => {
    const node = options.nodes.find((it) => memberOf([member], it, options) !== undefined);
    return node === undefined ? [] : member.peerUrls.map((url) => `${node.uuid}=${url}`);
  }).join(",");
}

/** One that was not started yet has no name: its URL says whose it is. */
function memberOf(
  list: readonly EtcdMember[], node: NodeDocument, { placeOf }: MemberKeeperOptions,
): EtcdMember | undefined {
  const { host, peerPort } = placeOf(node);
  return list.find(({ name, peerUrls }) =>
    name === node.uuid || (name === "" && peerUrls.includes(urlOf(host, peerPort))));
}

/** A change of the members needs the ones before to be heard by all. */
async function whenReady(change: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + READY_MS_MAX;
  for (;;) {
    try {
      return await change();
    } catch (error) {
      if (!isNotReady(error) || performance.now() > deadline) throw error;
      await sleep(RETRY_MS);
    }
  }
}
