/** One snapshot: what it is, what it costs, what keeps it, and all that can be done with it. */
import type { SnapshotRef, VolumeInfo } from "@mortar/api";
import { HoldSnapshot, ReleaseSnapshot } from "../actions/hold-actions.tsx";
import {
  ActivateSnapshot, CloneSnapshot, DeactivateSnapshot, DeleteSnapshot, RestoreSnapshot,
} from "../actions/snapshot-actions.tsx";
import { agoText, bytesText, timeText } from "../format.ts";
import { ask } from "../parts/action-dialog.tsx";
import { Card } from "../parts/frame.tsx";
import { Status } from "../parts/status.tsx";
import { useResource } from "../resource.ts";
import { hashOf } from "../router.ts";
import type { SpaceOf } from "./volume-snapshots.tsx";

const consistencies = {
  crash: "as after a power cut",
  "file-system-frozen": "file systems were frozen",
  application: "applications were asked to be quiet",
} as const;

export interface SnapshotPanelProps {
  readonly snapshot: SnapshotRef;
  readonly volume: VolumeInfo;
  readonly space: SpaceOf | undefined;
  readonly isSpaceLoading: boolean;
}

export function SnapshotPanel({ snapshot, volume, space, isSpaceLoading }: SnapshotPanelProps) {
  const { name, createdAt } = snapshot;
  const infos = useResource("snapshotInfo", { query: { snapshot: name } }, { skip: snapshot.safety });
  const info = infos.data?.snapshots[0];
  const isActivated = info?.snapVolumes.some(({ status }) => status === "Started") === true;
  const unknown = isSpaceLoading ? "asking…" : "not known";
  return (
    <Card
      title={name}
      aside={isActivated ? <Status level="ok">activated</Status> : <Status level="idle">not activated</Status>}
    >
      <div class="stack">
        <Actions snapshot={snapshot} volume={volume} isActivated={isActivated} />
        <dl class="facts">
          <dt>Taken</dt><dd>{timeText(createdAt * 1000)} <span class="muted">({agoText(createdAt * 1000, Date.now())})</span></dd>
          <dt>Only here</dt>
          <dd><strong>{space === undefined ? unknown : bytesText(space.exclusiveBytes)}</strong>{" "}
            <span class="muted">what deleting it alone frees</span></dd>
          <dt>Holds</dt><dd>{space === undefined ? unknown : bytesText(space.referencedBytes)}</dd>
          {info?.description === undefined ? null : <><dt>Description</dt><dd>{info.description}</dd></>}
          {info?.consistency === undefined ? null : (
            <><dt>Consistency</dt><dd>{consistencies[info.consistency]}</dd></>
          )}
          {info?.pauseMs === undefined ? null : (
            <><dt>Writes waited</dt><dd>{Math.round(info.pauseMs)} ms</dd></>
          )}
          {snapshot.volumes === undefined ? null : <><dt>Of</dt><dd>{snapshot.volumes.join(", ")}</dd></>}
          {snapshot.schedule === undefined ? null : (
            <>
              <dt>Made by</dt>
              <dd><a href={hashOf(["schedules", snapshot.schedule])}>schedule {snapshot.schedule}</a></dd>
            </>
          )}
        </dl>
        <Kept snapshot={snapshot} />
      </div>
    </Card>
  );
}

interface ActionsProps {
  readonly snapshot: SnapshotRef;
  readonly volume: VolumeInfo;
  readonly isActivated: boolean;
}

function Actions({ snapshot, volume, isActivated }: ActionsProps) {
  const { name, createdAt, safety, volumes = [] } = snapshot;
  const others = volumes.filter((it) => it !== volume.name);
  const isStarted = volume.status === "Started";
  const restore = (
    <RestoreSnapshot
      name={name} volume={volume.name} others={others} createdAtMs={createdAt * 1000} isStarted={isStarted}
    />
  );
  const clone = (
    <CloneSnapshot
      name={name} volume={volume.name} others={others} isActivated={isActivated} brickCount={volume.brickCount}
    />
  );
  return (
    <div class="actions">
      {safety ? null : (
        <>
          <a class="button main" href={hashOf(["snapshots", name, "files"], { volume: volume.name })}>
            Browse files
          </a>
          <a class="button" href={hashOf(["compare"], { volume: volume.name, from: name, to: "live" })}>
            Compare
          </a>
          <button type="button" class="button" onClick={() => ask(clone)}>Clone…</button>
          <button type="button" class="button" onClick={() => ask(<HoldSnapshot name={name} />)}>Hold…</button>
          {isActivated
            ? <button type="button" class="button" onClick={() => ask(<DeactivateSnapshot name={name} />)}>Deactivate…</button>
            : <button type="button" class="button" onClick={() => ask(<ActivateSnapshot name={name} />)}>Activate…</button>}
        </>
      )}
      <button type="button" class="button danger" onClick={() => ask(restore)}>Restore volume…</button>
      <button type="button" class="button danger" onClick={() => ask(<DeleteSnapshot name={name} />)}>Delete…</button>
    </div>
  );
}

function Kept({ snapshot }: { readonly snapshot: SnapshotRef }) {
  const { name, holds = [], lock } = snapshot;
  if (holds.length === 0 && lock === undefined) return null;
  const now = Date.now();
  return (
    <div class="stack tight">
      <h3>What keeps it</h3>
      {lock === undefined ? null : (
        <p>
          Locked until {timeText(lock.untilMs)}
          {lock.removal === undefined ? "" : `; ${lock.removal.operator} asked that this be ended`}
        </p>
      )}
      {holds.map(({ owner, reason, untilMs }) => (
        <div class="row" key={owner}>
          <span class="break">
            <strong>{owner}</strong>: {reason}{" "}
            <span class="muted">
              {untilMs === undefined ? "until it is released"
                : untilMs < now ? "(over)" : `until ${timeText(untilMs)}`}
            </span>
          </span>
          <button
            type="button" class="button" onClick={() => ask(<ReleaseSnapshot name={name} owner={owner} />)}
          >
            Release…
          </button>
        </div>
      ))}
    </div>
  );
}
