/** Peers as stock prints them: the node that answers comes last, and only `pool list` shows it. */
import type { Peer } from "@mortar/api";
import { type XmlElement, element } from "../xml.ts";

export function peerStatusText(peers: readonly Peer[]): string {
  const others = peers.filter((peer) => !peer.self);
  const blocks = others.map((peer) => {
    const connection = peer.connected ? "Connected" : "Disconnected";
    return (
      `\nHostname: ${peer.hostname}\nUuid: ${peer.uuid}\n` +
      `State: ${peer.stateName} (${connection})\n`
    );
  });
  return `Number of Peers: ${others.length}\n${blocks.join("")}`;
}

export function peerStatusXml(peers: readonly Peer[]): readonly XmlElement[] {
  return [element("peerStatus", peers.filter((peer) => !peer.self).map(peerXml))];
}

export function poolListText(peers: readonly Peer[]): string {
  const ordered = selfLast(peers);
  const width = Math.max("Hostname ".length, ...ordered.map((peer) => peer.hostname.length));
  const rows = ordered.map((peer) => {
    const state = peer.connected ? "Connected" : "Disconnected";
    return `${peer.uuid}\t${peer.hostname.padEnd(width)}\t${state} \n`;
  });
  return `UUID\t\t\t\t\t${"Hostname".padEnd(width)}\tState\n${rows.join("")}`;
}

export function poolListXml(peers: readonly Peer[]): readonly XmlElement[] {
  return [element("peerStatus", selfLast(peers).map(peerXml))];
}

function selfLast(peers: readonly Peer[]): readonly Peer[] {
  return [...peers.filter((peer) => !peer.self), ...peers.filter((peer) => peer.self)];
}

function peerXml(peer: Peer): XmlElement {
  const connected = element("connected", peer.connected ? 1 : 0);
  if (peer.self) {
    return element("peer", [
      element("uuid", peer.uuid),
      element("hostname", peer.hostname),
      connected,
    ]);
  }
  return element("peer", [
    element("uuid", peer.uuid),
    element("hostname", peer.hostname),
    element("hostnames", [element("hostname", peer.hostname)]),
    connected,
    element("state", peer.state),
    element("stateStr", peer.stateName),
  ]);
}
