/** What snapshots cost: `snapshot list -v`, `info -v`, `snapshot reclaim`. */
import type {
  Answer, MortarClient, PoolGain, SnapshotInfo, SnapshotInfoList, SnapshotReclaim, SnapshotRef,
  SnapshotSpace,
} from "@mortar/api";
import { table } from "../table.ts";
import { element } from "../xml.ts";
import { present } from "./answer.ts";
import { type ClientMethod, type Session, UsageError } from "./command.ts";
import { keptText } from "./keep-commands.ts";
import { deletingText, failedLast, snapshotInfoText } from "./snapshot-print.ts";
import { takenText } from "./snapshot-taken.ts";
import { snapshotInfoXml, snapshotListXml } from "./snapshot-xml.ts";
import { sizeText } from "./volume-status-print.ts";

type Client = Pick<MortarClient, ClientMethod>;
type WithSpace<T> = T & Pick<SnapshotSpace, "space">;
type InfoWithSpace = Omit<SnapshotInfoList, "snapshots"> & {
  snapshots: WithSpace<SnapshotInfo>[];
};

export async function listWithSpace(
  session: Session,
  client: Client,
  query: { readonly volume?: string; readonly safety?: boolean },
): Promise<number> {
  const listed = await client.snapshotList(query);
  const answer = withSpace(listed, await client.snapshotSpace(query));
  return present<WithSpace<SnapshotRef>[]>(session, answer, {
    text: (snapshots) => {
      if (snapshots.length === 0) return "No snapshots present\n";
      const rows = snapshots.map(({ name, deleting, space }) =>
        [`${name}${deletingText(deleting)}`, ...columns(space)]);
      const kept = session.strict ? "" : keptText(snapshots);
      return table([["NAME", "REFERENCED", "EXCLUSIVE", "SHARED"], ...rows]) + kept;
    },
    xml: snapshotListXml,
    failed: "Snapshot list : failed: ",
    failedLast,
  });
}

export async function infoWithSpace(
  session: Session,
  client: Client,
  query: { readonly snapshot?: string; readonly volume?: string },
): Promise<number> {
  const asked = await client.snapshotInfo(query);
  const spaces = await client.snapshotSpace(query);
  const snapshots = withSpace(asked.ok ? { ...asked, result: asked.result.snapshots } : asked, spaces);
  const answer: Answer<InfoWithSpace> = snapshots.ok && asked.ok
    ? { ...snapshots, result: { ...asked.result, snapshots: snapshots.result } }
    : (snapshots as Answer<never>);
  return present<InfoWithSpace>(session, answer, {
    text: (list) =>
      snapshotInfoText(list) +
      list.snapshots.map((snapshot) => {
        const [referenced, exclusive, shared] = columns(snapshot.space);
        return `${snapshot.name}: referenced ${referenced}, exclusive ${exclusive}, ` +
          `shared ${shared}\n${takenText(snapshot)}`;
      }).join("") +
      (session.strict ? "" : keptText(list.snapshots)),
    xml: snapshotInfoXml,
    failed: "Snapshot info : failed: ",
    failedLast,
  });
}

export async function snapshotReclaim(session: Session, args: readonly string[]): Promise<number> {
  if (args.length === 0) throw new UsageError();
  const client = await session.client();
  return present(session, await client.snapshotReclaim({ snapshots: [...args] }), {
    text: reclaimText,
    xml: ({ freedBytes, pools }) => [
      element("snapReclaim", [
        element("freedBytes", freedBytes),
        ...pools.map((it) =>
          element("pool", [
            element("host", it.host),
            element("name", `${it.vg}/${it.pool}`),
            element("freedBytes", it.freedBytes),
          ]),
        ),
      ]),
    ],
    failed: "snapshot reclaim: failed: ",
    failedLast,
  });
}

function reclaimText({ snapshots, pools, freedBytes }: SnapshotReclaim): string {
  const what = snapshots.length === 1 ? "this snapshot" : `these ${snapshots.length} snapshots`;
  return `${pools.map(gainText).join("")}Deleting ${what} frees ${bytesText(freedBytes)}.\n`;
}

export function gainText({ host, vg, pool, lvs, freedBytes }: PoolGain): string {
  const lines = lvs.map(
    ({ lv, mappedBytes, exclusiveBytes }) =>
      `    ${lv}: ${sizeText(exclusiveBytes)} of ${sizeText(mappedBytes)} are in no other volume\n`,
  );
  return `  ${vg}/${pool} on ${host}: ${bytesText(freedBytes)}\n${lines.join("")}`;
}

export function bytesText(bytes: number): string {
  return `${sizeText(bytes)} (${bytes} bytes)`;
}

/** Figures by the snapshot's id; what could not be found out is said in the details. */
function withSpace<T extends { readonly uuid: string }>(
  asked: Answer<T[]>,
  spaces: Answer<SnapshotSpace[]>,
): Answer<WithSpace<T>[]> {
  if (!asked.ok) return asked;
  if (!spaces.ok) return spaces;
  const spaceOf = new Map(spaces.result.map(({ uuid, space }) => [uuid, space]));
  return {
    ...asked,
    details: [...asked.details, ...spaces.details],
    result: asked.result.map((it) => {
      const space = spaceOf.get(it.uuid);
      return space === undefined ? it : { ...it, space };
    }),
  };
}

function columns(space: SnapshotSpace["space"]): [string, string, string] {
  if (space === undefined) return ["unknown", "unknown", "unknown"];
  const { referencedBytes, exclusiveBytes, sharedBytes } = space;
  return [sizeText(referencedBytes), sizeText(exclusiveBytes), sizeText(sharedBytes)];
}
