/** The snapshots of a volume: in time, as a list, and the one that is looked at. */
import type { SnapshotRef, VolumeInfo } from "@mortar/api";
import { useState } from "preact/hooks";
import { DeleteSnapshots } from "../actions/delete-snapshots.tsx";
import { agoText, bytesText, countText, timeText } from "../format.ts";
import { ask } from "../parts/action-dialog.tsx";
import { Card, Empty, Loaded } from "../parts/frame.tsx";
import { Icon } from "../parts/icon.tsx";
import { Timeline } from "../parts/timeline.tsx";
import { useResource } from "../resource.ts";
import { choose, hashOf, place } from "../router.ts";
import { SnapshotPanel } from "./snapshot-panel.tsx";

/** More of them at once take longer to be drawn than a click may. */
const ROWS_STEP = 50;

export interface SpaceOf {
  readonly referencedBytes: number;
  readonly exclusiveBytes: number;
}

export function SnapshotsOfVolume({ volume }: { readonly volume: VolumeInfo }) {
  const { name } = volume;
  const snapshots = useResource("snapshotList", { query: { volume: name } });
  const safety = useResource("snapshotList", { query: { volume: name, safety: true } });
  const spaces = useResource("snapshotSpace", { query: { volume: name } }, { everyMs: 30_000 });
  const spaceOf = new Map((spaces.data ?? []).map((it) => [it.uuid, it.space]));
  return (
    <Loaded of={snapshots}>
      {(list) => {
        const all = [...list, ...(safety.data ?? [])].sort((a, b) => b.createdAt - a.createdAt);
        const wanted = place.value.query["snapshot"];
        const chosen = all.find((it) => it.name === wanted) ?? all[0];
        if (chosen === undefined) {
          return <Card title="Time line"><Empty>{name} has no snapshot yet.</Empty></Card>;
        }
        return (
          <>
            <TimeLineCard all={all} chosen={chosen} spaceOf={spaceOf} />
            <div class="split">
              <SnapshotTable all={all} chosen={chosen} spaceOf={spaceOf} volume={name} />
              <aside aria-label="The snapshot that is looked at">
                <SnapshotPanel
                  snapshot={chosen} volume={volume} space={spaceOf.get(chosen.uuid)}
                  isSpaceLoading={spaces.isLoading}
                />
              </aside>
            </div>
          </>
        );
      }}
    </Loaded>
  );
}

type SpaceMap = ReadonlyMap<string, SpaceOf | undefined>;

interface TimeLineCardProps {
  readonly all: readonly SnapshotRef[];
  readonly chosen: SnapshotRef;
  readonly spaceOf: SpaceMap;
}

function TimeLineCard({ all, chosen, spaceOf }: TimeLineCardProps) {
  const entries = all.map((it) => {
    const exclusiveBytes = spaceOf.get(it.uuid)?.exclusiveBytes;
    return {
      name: it.name, atMs: it.createdAt * 1000, isKept: isKept(it), isSafety: it.safety,
      ...(exclusiveBytes === undefined ? {} : { exclusiveBytes }),
    };
  });
  const sum = entries.reduce((total, it) => total + (it.exclusiveBytes ?? 0), 0);
  return (
    <Card
      title="Time line"
      aside={
        <span class="muted small">
          {countText(all.length, "snapshot")}, {bytesText(sum)} exclusive to one each
        </span>
      }
    >
      <Timeline entries={entries} chosen={chosen.name} onChoose={(it) => choose({ snapshot: it })} />
    </Card>
  );
}

export function isKept({ holds, lock }: SnapshotRef): boolean {
  const now = Date.now();
  return (lock !== undefined && lock.untilMs > now) ||
    (holds ?? []).some(({ untilMs }) => untilMs === undefined || untilMs > now);
}

interface SnapshotTableProps extends TimeLineCardProps {
  readonly volume: string;
}

function SnapshotTable({ all, chosen, spaceOf, volume }: SnapshotTableProps) {
  const [rowsMax, setRowsMax] = useState(ROWS_STEP);
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const present = all.filter(({ name }) => marked.has(name)).map(({ name }) => name);
  const mark = (name: string, isMarked: boolean): void => {
    const next = new Set(marked);
    if (isMarked) next.add(name);
    else next.delete(name);
    setMarked(next);
  };
  return (
    <Card
      title="Snapshots" isTable
      aside={
        <div class="actions">
          {present.length !== 2 ? null : (
            <a class="button" href={hashOf(["compare"], compareOf(all, present, volume))}>Compare the two</a>
          )}
          {present.length === 0 ? null : (
            <button
              type="button" class="button danger"
              onClick={() => ask(<DeleteSnapshots names={present} />)}
            >
              Delete {present.length}…
            </button>
          )}
        </div>
      }
    >
      <table>
        <thead>
          <tr>
            <th scope="col"><span class="unseen">Marked</span></th><th scope="col">Name</th>
            <th scope="col">Taken</th><th scope="col" class="number">Exclusive</th>
            <th scope="col" class="number wide-only">Referenced</th>
          </tr>
        </thead>
        <tbody>
          {all.slice(0, rowsMax).map((it) => (
            <SnapshotRow
              key={it.uuid} snapshot={it} space={spaceOf.get(it.uuid)} volume={volume}
              isChosen={it.uuid === chosen.uuid} isMarked={marked.has(it.name)}
              onMark={(isMarked) => mark(it.name, isMarked)}
            />
          ))}
        </tbody>
      </table>
      {all.length <= rowsMax ? null : (
        <Empty>
          <button type="button" class="button" onClick={() => setRowsMax(rowsMax + ROWS_STEP)}>
            Show more of {all.length}
          </button>
        </Empty>
      )}
    </Card>
  );
}

/** The older one first. */
function compareOf(
  all: readonly SnapshotRef[], names: readonly string[], volume: string,
): Record<string, string> {
  const [to, from] = all.filter(({ name }) => names.includes(name)).map(({ name }) => name);
  return { volume, from: from ?? "", to: to ?? "" };
}

interface SnapshotRowProps {
  readonly snapshot: SnapshotRef;
  readonly space: SpaceOf | undefined;
  readonly volume: string;
  readonly isChosen: boolean;
  readonly isMarked: boolean;
  readonly onMark: (isMarked: boolean) => void;
}

function SnapshotRow({ snapshot, space, volume, isChosen, isMarked, onMark }: SnapshotRowProps) {
  const { name, createdAt, safety, schedule, deleting } = snapshot;
  return (
    <tr class={isChosen ? "chosen" : ""}>
      <td>
        <input
          type="checkbox" checked={isMarked} aria-label={`Mark ${name}`}
          onChange={(event) => onMark(event.currentTarget.checked)}
        />
      </td>
      <th scope="row">
        <a
          class="break" href={hashOf(["volumes", volume], { snapshot: name })}
          aria-current={isChosen ? "true" : undefined}
        >
          {name}
        </a>
        <div class="row">
          {isKept(snapshot) ? <span class="tag ok"><Icon name="lock" />kept</span> : null}
          {safety ? <span class="tag warn">safety snapshot</span> : null}
          {deleting === undefined ? null : <span class="tag bad">being deleted</span>}
          {schedule === undefined ? null : <span class="tag">{schedule}</span>}
        </div>
      </th>
      <td class="nowrap" title={timeText(createdAt * 1000)}>
        {agoText(createdAt * 1000, Date.now())}
      </td>
      <td class="number">{space === undefined ? "–" : bytesText(space.exclusiveBytes)}</td>
      <td class="number muted wide-only">
        {space === undefined ? "–" : bytesText(space.referencedBytes)}
      </td>
    </tr>
  );
}
