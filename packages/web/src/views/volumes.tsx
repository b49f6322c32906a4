/** All volumes, with what they hold and whether they are well. */
import type { VolumeInfo, VolumeStatus } from "@mortar/api";
import { useState } from "preact/hooks";
import { countText } from "../format.ts";
import { Card, Empty, Loaded, PageHead } from "../parts/frame.tsx";
import { Gauge } from "../parts/gauge.tsx";
import { type Level, Status } from "../parts/status.tsx";
import { useResource } from "../resource.ts";
import { hashOf } from "../router.ts";
import { lostSets } from "../health.ts";
import { typeText } from "./node-picture.tsx";

/** More of them at once take longer to be drawn than a key may. */
const ROWS_STEP = 40;

export function Volumes() {
  const volumes = useResource("volumeInfoAll");
  const statuses = useResource("volumeStatusAll", { query: { detail: true } }).data;
  const [wanted, setWanted] = useState("");
  const [rowsMax, setRowsMax] = useState(ROWS_STEP);
  return (
    <>
      <PageHead title="Volumes">
        {volumes.data === undefined ? null : (
          <span class="muted">{countText(volumes.data.length, "volume")}</span>
        )}
        <span class="space" />
        <label>
          <span class="unseen">Only volumes with this in their name</span>
          <input
            type="search" placeholder="Filter" value={wanted}
            onInput={(event) => setWanted(event.currentTarget.value)}
          />
        </label>
      </PageHead>
      <Loaded of={volumes}>
        {(all) => {
          const found = all.filter(({ name }) => name.includes(wanted.trim()));
          return (
            <Card title="Volumes" isTable>
              <table>
                <thead>
                  <tr>
                    <th scope="col">Name</th><th scope="col">State</th><th scope="col">Kind</th>
                    <th scope="col" class="number">Snapshots</th><th scope="col">Used</th>
                  </tr>
                </thead>
                <tbody>
                  {found.slice(0, rowsMax).map((it) => (
                    <Row key={it.id} volume={it} status={statuses?.find(({ name }) => name === it.name)} />
                  ))}
                </tbody>
              </table>
              {found.length <= rowsMax ? null : (
                <Empty>
                  <button type="button" class="button" onClick={() => setRowsMax(rowsMax + ROWS_STEP)}>
                    Show more of {found.length}
                  </button>
                </Empty>
              )}
              {found.length > 0 ? null : all.length > 0 ? <Empty>No volume has that name.</Empty> : (
                <Empty>There is no volume yet.<code>mortar volume create NAME replica 3 --size 100G</code></Empty>
              )}
            </Card>
          );
        }}
      </Loaded>
    </>
  );
}

interface RowProps {
  readonly volume: VolumeInfo;
  readonly status: VolumeStatus | undefined;
}

function Row({ volume, status }: RowProps) {
  const [level, text] = volumeState(volume, status);
  const size = usageOf(volume, status);
  return (
    <tr>
      <th scope="row">
        <a class="break" href={hashOf(["volumes", volume.name])}>{volume.name}</a>
      </th>
      <td><Status level={level}>{text}</Status></td>
      <td class="nowrap">{typeText(volume)}</td>
      <td class="number">{volume.snapshotCount}</td>
      <td style={{ minWidth: "140px" }}>
        {size === undefined ? <span class="muted">not known</span> : (
          <Gauge label={`Used of ${volume.name}`} isSmall usedBytes={size.used} totalBytes={size.total} />
        )}
      </td>
    </tr>
  );
}

export function volumeState(
  volume: VolumeInfo, status: VolumeStatus | undefined,
): readonly [Level, string] {
  if (volume.status !== "Started") return ["idle", volume.status.toLowerCase()];
  if (status === undefined) return ["idle", "asking…"];
  const down = volume.bricks.filter(({ host, path }) =>
    !status.processes.some((it) =>
      it.kind === "brick" && it.host === host && it.path === path && it.online));
  if (down.length === 0) return ["ok", "started"];
  const text = `${down.length} of ${countText(volume.brickCount, "brick")} offline`;
  return [lostSets(volume, down) > 0 ? "bad" : "warn", text];
}

/** Of one copy of everything: the fullest brick of each set counts, as clients see it. */
export function usageOf(
  volume: VolumeInfo, status: VolumeStatus | undefined,
): { used: number; total: number } | undefined {
  const size = volume.disperseCount > 0 ? volume.disperseCount : Math.max(1, volume.replicaCount);
  const data = volume.disperseCount > 0 ? size - volume.redundancyCount : 1;
  let used = 0;
  let total = 0;
  for (let at = 0; at < volume.bricks.length; at += size) {
    const details = volume.bricks.slice(at, at + size).flatMap(({ host, path, isArbiter }) =>
      isArbiter ? [] : status?.processes.find((it) => it.host === host && it.path === path)?.detail ?? []);
    if (details.length === 0) return undefined;
    used += data * Math.max(...details.map((it) => it.totalBytes - it.freeBytes));
    total += data * Math.min(...details.map((it) => it.totalBytes));
  }
  return { used, total };
}
