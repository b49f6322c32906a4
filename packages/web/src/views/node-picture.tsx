/**
 * Volumes and bricks as a picture of nodes: a column a node, a row a volume. What stands in one row
 * holds one volume's files; what stands in one column is lost with one node.
 */
import type { Peer, VolumeInfo, VolumeStatus } from "@mortar/api";
import { useState } from "preact/hooks";
import { bytesText, percentText } from "../format.ts";
import { Card, Empty } from "../parts/frame.tsx";
import { type Level, Status } from "../parts/status.tsx";
import { fillLevel } from "../parts/gauge.tsx";
import { useResource } from "../resource.ts";
import { hashOf } from "../router.ts";

const ROWS_MAX = 25;

export function NodePicture() {
  const peers = useResource("peerList");
  const volumes = useResource("volumeInfoAll");
  const statuses = useResource("volumeStatusAll", { query: { detail: true } });
  const [isWhole, setWhole] = useState(false);
  if (peers.data === undefined || volumes.data === undefined) return null;
  const nodes = byName(peers.data, volumes.data);
  const rows = isWhole ? volumes.data : volumes.data.slice(0, ROWS_MAX);
  return (
    <Card title="Where everything is" isTable class="picture">
      <table>
        <caption class="unseen">Bricks of each volume, by node</caption>
        <thead>
          <tr>
            <th scope="col">Volume</th>
            {nodes.map((it) => <NodeHead key={it.uuid} peer={it} name={hostOf(it, volumes.data)} />)}
          </tr>
        </thead>
        <tbody>
          {rows.map((it) => (
            <VolumeRow
              key={it.id} volume={it} nodes={nodes} all={volumes.data!}
              status={statuses.data?.find(({ name }) => name === it.name)}
            />
          ))}
        </tbody>
      </table>
      {volumes.data.length > 0 ? null : (
        <Empty>There is no volume yet.<code>mortar volume create NAME replica 3 --size 100G</code></Empty>
      )}
      {rows.length === volumes.data.length ? null : (
        <Empty>
          <button type="button" class="button" onClick={() => setWhole(true)}>
            Show all {volumes.data.length} volumes
          </button>
        </Empty>
      )}
    </Card>
  );
}

/** The node that answers is told as `localhost`: its name is in its bricks, if it has any. */
export function hostOf(peer: Peer, volumes: readonly VolumeInfo[] | undefined): string {
  if (peer.hostname !== "localhost") return peer.hostname;
  const brick = volumes?.flatMap(({ bricks }) => bricks).find((it) => it.hostUuid === peer.uuid);
  return brick?.host ?? "this node";
}

/** `n2` before `n10`. */
export function byName(peers: readonly Peer[], volumes: readonly VolumeInfo[] | undefined): Peer[] {
  return [...peers].sort((a, b) =>
    hostOf(a, volumes).localeCompare(hostOf(b, volumes), "en", { numeric: true }));
}

function NodeHead({ peer, name }: { readonly peer: Peer; readonly name: string }) {
  return (
    <th scope="col">
      <div class="node-head">
        <span class="break">{name}</span>
        {peer.connected
          ? <Status level="ok">answers</Status>
          : <Status level="bad">no answer</Status>}
      </div>
    </th>
  );
}

interface RowProps {
  readonly volume: VolumeInfo;
  readonly nodes: readonly Peer[];
  readonly all: readonly VolumeInfo[];
  readonly status: VolumeStatus | undefined;
}

function VolumeRow({ volume, nodes, all, status }: RowProps) {
  return (
    <tr>
      <th scope="row">
        <a href={hashOf(["volumes", volume.name])} class="break">{volume.name}</a>
        <div class="muted small">{typeText(volume)}</div>
        {volume.status === "Started" ? null : <Status level="idle">{volume.status.toLowerCase()}</Status>}
      </th>
      {nodes.map((node) => {
        const bricks = volume.bricks.filter(({ hostUuid }) => hostUuid === node.uuid);
        return (
          <td key={node.uuid} class={bricks.length === 0 ? "none" : ""} data-node={hostOf(node, all)}>
            {bricks.map((it) => (
              <Brick
                key={it.path} volume={volume} path={it.path} isArbiter={it.isArbiter}
                process={status?.processes.find((process) =>
                  process.kind === "brick" && process.peerId === node.uuid &&
                  process.path === it.path)}
                isReached={node.connected} isKnown={status !== undefined}
              />
            ))}
          </td>
        );
      })}
    </tr>
  );
}

export function typeText(volume: VolumeInfo): string {
  const sets = volume.distCount > 1 ? `${volume.distCount} × ` : "";
  if (volume.disperseCount > 0) {
    return `${sets}disperse ${volume.disperseCount - volume.redundancyCount}+${volume.redundancyCount}`;
  }
  if (volume.replicaCount > 1) {
    const arbiter = volume.arbiterCount > 0 ? " with arbiter" : "";
    return `${sets}${volume.replicaCount} copies${arbiter}`;
  }
  return volume.brickCount === 1 ? "one brick" : `over ${volume.brickCount} bricks`;
}

interface BrickProps {
  readonly volume: VolumeInfo;
  readonly path: string;
  readonly isArbiter: boolean;
  readonly process: VolumeStatus["processes"][number] | undefined;
  readonly isReached: boolean;
  readonly isKnown: boolean;
}

function Brick({ volume, path, isArbiter, process, isReached, isKnown }: BrickProps) {
  const [level, word] = brickState(volume, process, isReached, isKnown);
  const detail = process?.detail;
  const used = detail === undefined ? 0 : detail.totalBytes - detail.freeBytes;
  return (
    <div class={`brick ${level}`}>
      <Status level={level}>{word}{isArbiter ? ", arbiter" : ""}</Status>
      <span class="path mono" title={path}><bdi>{path}</bdi></span>
      {detail === undefined ? null : (
        <>
          <span class={`bar ${fillLevel((100 * used) / detail.totalBytes)}`} aria-hidden="true">
            <span style={{ width: `${(100 * used) / detail.totalBytes}%` }} />
          </span>
          <span class="muted">
            {percentText(used, detail.totalBytes)} of {bytesText(detail.totalBytes)}
          </span>
        </>
      )}
    </div>
  );
}

function brickState(
  volume: VolumeInfo, process: BrickProps["process"], isReached: boolean, isKnown: boolean,
): readonly [Level, string] {
  if (volume.status !== "Started") return ["idle", "not served"];
  if (!isReached) return ["bad", "out of reach"];
  if (!isKnown) return ["idle", "asking…"];
  return process?.online === true ? ["ok", "online"] : ["bad", "offline"];
}
