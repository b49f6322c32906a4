/** One volume: its snapshots in time, its bricks, its options. */
import type { VolumeInfo } from "@mortar/api";
import { ask } from "../parts/action-dialog.tsx";
import { CreateSnapshot } from "../actions/create-snapshot.tsx";
import { StartVolume, StopVolume } from "../actions/volume-actions.tsx";
import { bytesText } from "../format.ts";
import { Card, Empty, Loaded, PageHead } from "../parts/frame.tsx";
import { Icon } from "../parts/icon.tsx";
import { Status } from "../parts/status.tsx";
import { useResource } from "../resource.ts";
import { hashOf, place } from "../router.ts";
import { typeText } from "./node-picture.tsx";
import { SnapshotsOfVolume } from "./volume-snapshots.tsx";
import { usageOf, volumeState } from "./volumes.tsx";

const tabs = [
  { key: "snapshots", text: "Snapshots" },
  { key: "bricks", text: "Bricks" },
  { key: "options", text: "Options" },
] as const;

export function Volume({ name }: { readonly name: string }) {
  const all = useResource("volumeInfoAll");
  const volume = all.data?.find((it) => it.name === name);
  const tab = place.value.query["tab"] ?? "snapshots";
  const crumbs = [{ text: "Volumes", href: "#/volumes" }];
  if (volume === undefined) {
    return (
      <>
        <PageHead title={name} crumbs={crumbs} />
        <Loaded of={all}>
          {() => <Card title="Volume"><Empty>There is no volume {name}.</Empty></Card>}
        </Loaded>
      </>
    );
  }
  return (
    <>
      <Head volume={volume} />
      <div class="stack">
        <nav class="tabs" aria-label={`Of ${name}`}>
          {tabs.map(({ key, text }) => (
            <a
              key={key} href={hashOf(["volumes", name], key === "snapshots" ? {} : { tab: key })}
              aria-current={tab === key ? "page" : undefined}
            >
              {text}
            </a>
          ))}
        </nav>
        {tab === "bricks" ? <Bricks volume={volume} />
          : tab === "options" ? <Options volume={volume} />
            : <SnapshotsOfVolume volume={volume} />}
      </div>
    </>
  );
}

function Head({ volume }: { readonly volume: VolumeInfo }) {
  const { name } = volume;
  const statuses = useResource("volumeStatusAll", { query: { detail: true } }).data;
  const status = statuses?.find((it) => it.name === name);
  const [level, text] = volumeState(volume, status);
  const usage = usageOf(volume, status);
  const isStarted = volume.status === "Started";
  return (
    <PageHead title={name} crumbs={[{ text: "Volumes", href: "#/volumes" }]}>
      <Status level={level}>{text}</Status>
      <span class="muted">
        {typeText(volume)}
        {usage === undefined ? "" : `, ${bytesText(usage.used)} of ${bytesText(usage.total)}`}
      </span>
      <span class="space" />
      <div class="actions">
        {isStarted
          ? <button type="button" class="button" onClick={() => ask(<StopVolume name={name} />)}>Stop…</button>
          : <button type="button" class="button" onClick={() => ask(<StartVolume name={name} />)}>Start…</button>}
        <button
          type="button" class="button main" disabled={!isStarted}
          onClick={() => ask(<CreateSnapshot volume={name} />)}
        >
          <Icon name="plus" />Take a snapshot…
        </button>
      </div>
    </PageHead>
  );
}

function Bricks({ volume }: { readonly volume: VolumeInfo }) {
  const statuses = useResource("volumeStatusAll", { query: { detail: true } });
  const readiness = useResource("brickReadiness", { query: { volume: volume.name } }, { everyMs: 60_000 });
  const processes = statuses.data?.find(({ name }) => name === volume.name)?.processes ?? [];
  return (
    <Card title="Bricks" isTable>
      <table>
        <thead>
          <tr>
            <th scope="col">Brick</th><th scope="col">State</th><th scope="col">Process</th>
            <th scope="col">Free</th><th scope="col">Snapshots</th>
          </tr>
        </thead>
        <tbody>
          {volume.bricks.map(({ host, path, isArbiter }) => {
            const process = processes.find((it) => it.host === host && it.path === path);
            const ready = readiness.data?.find(({ brick }) => brick === `${host}:${path}`);
            const level = process?.online === true ? "ok" : volume.status === "Started" ? "bad" : "idle";
            return (
              <tr key={`${host}:${path}`}>
                <th scope="row" class="break mono">{host}:{path}{isArbiter ? " (arbiter)" : ""}</th>
                <td><Status level={level}>{process?.online === true ? "online" : "offline"}</Status></td>
                <td class="nowrap muted">
                  {process?.pid === undefined ? "–" : `pid ${process.pid}, port ${process.port ?? "–"}`}
                </td>
                <td class="nowrap">
                  {process?.detail === undefined ? "–" : bytesText(process.detail.freeBytes)}
                </td>
                <td>
                  {ready === undefined ? "–"
                    : ready.obstacles.length === 0 ? <Status level="ok">possible</Status>
                      : ready.obstacles.map(({ detail, nextStep }) => (
                        <p class="small break"><Status level="warn">{detail}</Status> {nextStep}</p>
                      ))}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Card>
  );
}

function Options({ volume }: { readonly volume: VolumeInfo }) {
  return (
    <Card title="Options that were set" isTable>
      {volume.options.length === 0 ? <Empty>All options have their defaults.</Empty> : (
        <table>
          <thead><tr><th scope="col">Option</th><th scope="col">Value</th></tr></thead>
          <tbody>
            {volume.options.map(({ name, value }) => (
              <tr key={name}><th scope="row" class="mono">{name}</th><td class="mono break">{value}</td></tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}
