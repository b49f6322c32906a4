/** `lvdisplay`, and the LVs of `vgdisplay -v`. */
import {
  asThinPool,
  asThinVolume,
  formatPercent,
  formatSize,
  isReadOnly,
  isVisible,
  lvExtentCount,
  lvSectors,
  mergingSnapshotOf,
  thinVolumesOf,
  type LogicalVolume,
  type LvState,
  type Segment,
  type VgView,
} from "@mortar/vg";
import { localTime } from "./fields-lv.ts";
import type { Session } from "./session.ts";

interface Shown {
  readonly view: VgView;
  readonly lv: LogicalVolume;
  readonly state: LvState | undefined;
}

export function displayLv(session: Session, view: VgView, lv: LogicalVolume, maps: boolean): void {
  const shown: Shown = { view, lv, state: view.states.get(lv.name) };
  session.say("--- Logical volume ---");
  for (const [name, value] of factsOf(shown)) session.say(`${name.padEnd(22)} ${value}`);
  session.say(" ");
  if (maps) displaySegments(session, shown);
}

type Fact = readonly [name: string, value: string];

function factsOf(shown: Shown): Fact[] {
  const { view, lv } = shown;
  const { vg } = view;
  const facts: Fact[] = [];
  const isPool = asThinPool(lv) !== undefined;
  if (isVisible(lv) && !isPool) facts.push(["LV Path", `/dev/${vg.name}/${lv.name}`]);
  facts.push(
    [isVisible(lv) ? "LV Name" : "Internal LV Name", lv.name],
    ["VG Name", vg.name],
    ["LV UUID", lv.id],
    ["LV Write Access", isReadOnly(lv) ? "read only" : "read/write"],
    ["LV Creation host, time", `${lv.creationHost}, ${localTime(lv.creationTime)}`],
    ...kindFacts(shown),
    ...stateFacts(shown),
    ["LV Size", formatSize(lvSectors(vg, lv), { long: true })],
    ...usageFacts(shown),
    ["Current LE", String(lvExtentCount(lv))],
    ["Segments", String(lv.segments.length)],
    ["Allocation", lv.allocationPolicy],
    ["Read ahead sectors", "auto"],
  );
  const device = shown.state?.loop?.deviceNumber;
  if (device !== undefined) facts.push(["Block device", device]);
  return facts;
}

function kindFacts({ view, lv }: Shown): Fact[] {
  const pool = asThinPool(lv)?.segment;
  if (pool !== undefined) {
    return [
      ["LV Pool metadata", pool.metadataLv],
      ["LV Pool data", pool.dataLv],
    ];
  }
  const thin = asThinVolume(lv)?.segment;
  if (thin === undefined) return [];
  const facts: Fact[] = [["LV Pool name", thin.pool]];
  if (thin.origin !== undefined) facts.push(["LV Thin origin name", thin.origin]);
  if (thin.mergeInto !== undefined) facts.push(["LV merging to", thin.mergeInto]);
  const merging = mergingSnapshotOf(view.vg, lv.name);
  if (merging !== undefined) facts.push(["LV merged with", merging.lv.name]);
  return facts;
}

function stateFacts({ state }: Shown): Fact[] {
  if (state?.active !== true) return [["LV Status", "NOT available"]];
  return [
    ["LV Status", "available"],
    ["# open", state.open ? "1" : "0"],
  ];
}

function usageFacts({ view, lv, state }: Shown): Fact[] {
  const engine = state?.engine;
  if (engine === undefined) return [];
  if (asThinPool(lv) !== undefined) {
    const { dataUsedBlocks, dataTotalBlocks, metadataUsedBlocks, metadataTotalBlocks } = engine;
    return [
      ["Allocated pool data", `${formatPercent(dataUsedBlocks, dataTotalBlocks)}%`],
      ["Allocated metadata", `${formatPercent(metadataUsedBlocks, metadataTotalBlocks)}%`],
    ];
  }
  const mapped = state?.volume?.mappedBlocks;
  if (mapped === undefined || asThinVolume(lv) === undefined) return [];
  const whole = Math.ceil(lvSectors(view.vg, lv) / engine.chunkSectors);
  return [["Mapped size", `${formatPercent(mapped, whole)}%`]];
}

function displaySegments(session: Session, { view, lv }: Shown): void {
  session.say("--- Segments ---");
  for (const segment of lv.segments) {
    const isThin = segment.type === "thin";
    const last = segment.startExtent + segment.extentCount - 1;
    session.say(
      `${isThin ? "Virtual" : "Logical"} extents ${segment.startExtent} to ${last}:`,
    );
    for (const line of segmentLines(view, lv, segment)) session.say(`  ${line}`);
    session.say(" ");
  }
  session.say(" ");
}

function segmentLines(view: VgView, lv: LogicalVolume, segment: Segment): string[] {
  switch (segment.type) {
    case "thin":
      return ["Type\t\tthin", `Device ID\t\t${segment.deviceId}`];
    case "thin-pool":
      return [
        "Type\t\tthin-pool",
        "Monitoring\t\t",
        `Chunk size\t\t${formatSize(segment.chunkSectors, { long: true })}`,
        `Discards\t\t${segment.discards}`,
        `Thin count\t\t${thinVolumesOf(view.vg, lv.name).length}`,
        `Transaction ID\t${segment.transactionId}`,
        `Zero new blocks\t${segment.zeroNewBlocks ? "yes" : "no"}`,
      ];
    case "opaque":
      return [`Type\t\t${segment.textType}`];
    default:
      return stripeLines(view, segment);
  }
}

function stripeLines(view: VgView, segment: Segment & { readonly type: "striped" }): string[] {
  const { stripes, extentCount, stripeSectors } = segment;
  const length = extentCount / stripes.length;
  const places = stripes.map(({ target, startExtent }) => {
    const isPv = view.vg.physicalVolumes.some((pv) => pv.key === target);
    const name = isPv ? (view.found.get(target)?.path ?? "[unknown]") : target;
    const [volume, extents] = isPv
      ? ["Physical volume", "Physical extents"]
      : ["Logical volume", "Logical extents"];
    return [
      `${volume}\t${name}`,
      `${extents}\t${startExtent} to ${startExtent + length - 1}`,
    ];
  });
  if (stripes.length === 1) return ["Type\t\tlinear", ...(places[0] ?? [])];
  return [
    "Type\t\tstriped",
    `Stripes\t\t${stripes.length}`,
    `Stripe size\t\t${formatSize(stripeSectors, { long: true })}`,
    ...places.flatMap((lines, index) => [
      `Stripe ${index}:`,
      ...lines.map((line) => `  ${line}`),
    ]),
  ];
}

const ALLOCATION = ["inherit", "contiguous", "cling", "cling_by_tags", "normal", "anywhere"];

/** One line of `lvdisplay -c`. */
export function lvColons({ vg, states }: VgView, lv: LogicalVolume): string {
  const state = states.get(lv.name);
  const [major = "-1", minor = "-1"] = state?.loop?.deviceNumber.split(":") ?? [];
  return [
    `/dev/${vg.name}/${lv.name}`,
    vg.name,
    isReadOnly(lv) ? 1 : 3,
    state?.active === true ? 1 : 0,
    -1,
    state?.open === true ? 1 : 0,
    lvSectors(vg, lv),
    lvExtentCount(lv),
    -1,
    Math.max(0, ALLOCATION.indexOf(lv.allocationPolicy)),
    -1,
    major,
    minor,
  ].join(":");
}
