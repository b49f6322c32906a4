/** How the active thin pools of this node are, one finding a fact, with what to type about it. */
import { join } from "node:path";
import {
  ailmentOf,
  DEFAULT_POLICY,
  formatSize,
  freeExtentCount,
  poolJudgement,
  SECTOR_BYTES,
  snapshotCapacity,
  type PoolPolicy,
  type VgView,
  VolumeGroups,
  readDeviceFilter,
  readPlainFiles,
} from "@mortar/vg";
import { runDirectoryOf } from "./daemon.ts";
import type { Finding } from "./doctor.ts";
import { poolPolicyOf } from "./pool-policy.ts";

export async function poolHealth(root: string): Promise<Finding[]> {
  const policy = { ...DEFAULT_POLICY, ...poolPolicyOf(root) };
  const settings = join(root, "etc/mortar/mortar.json");
  const groups = await VolumeGroups.open({
    runDirectory: runDirectoryOf(root),
    deviceFilter: readDeviceFilter(settings),
    files: readPlainFiles(settings),
    policy,
  });
  const own = (await groups.listLvs()).filter(
    ({ kind, active, servedHere }) => kind === "thin-pool" && active && servedHere,
  );
  if (own.length === 0) return [];
  const { groups: views } = await groups.view([...new Set(own.map(({ vg }) => vg))]);
  return own.flatMap(({ vg, lv }) => {
    const view = views.find((one) => one.vg.name === vg);
    return view === undefined ? [] : findingsOf(view, lv, policy, groups.extendsPools);
  });
}

function findingsOf(
  view: VgView,
  pool: string,
  policy: PoolPolicy,
  isExtended: boolean,
): Finding[] {
  const engine = view.pools.get(pool)?.pool;
  if (engine === undefined) return [];
  const { vg } = view;
  const name = `${vg.name}/${pool}`;
  const what = `pool ${name}`;
  const finding = (state: Finding["state"], detail: string, nextStep: string): Finding[] => [
    { what, state, detail, nextStep },
  ];
  if (engine.needsCheck || engine.mode === "read-only" || engine.mode === "failed") {
    const [detail = "", nextStep = ""] = ailmentOf(name, engine).split(" Next: ");
    return finding("missing", detail, nextStep);
  }
  const judged = poolJudgement(engine, policy.thresholdPercent);
  const free = freeExtentCount(vg);
  const room = `${formatSize(free * vg.extentSectors, { long: true })} is free in ${vg.name}`;
  const isGrowing = isExtended && free > 0;
  const growth = isGrowing ? (free / 2) * vg.extentSectors * SECTOR_BYTES : 0;
  const { sideBySide, scattered } = snapshotCapacity(engine, growth);
  const range = scattered === sideBySide ? String(scattered) : `${scattered} to ${sideBySide}`;
  const snapshots =
    `metadata for ${range} snapshots with 1% changed between them`;
  const fill = `data ${judged.dataPercent.toFixed(2)}%, metadata ${judged.metadataPercent.toFixed(2)}%`;
  const grow =
    judged.isMetadataHigh && !judged.isDataHigh
      ? `lvextend --poolmetadatasize +SIZE ${name}`
      : `lvextend -L +SIZE ${name}`;
  const step = free > 0 ? grow : `vgextend ${vg.name} DEVICE; ${grow}`;
  if (engine.mode === "out-of-data-space") return finding("missing", `full: ${fill}; ${room}`, step);
  if (judged.isDataHigh || judged.isMetadataHigh) {
    return finding("missing", `above its threshold: ${fill}; ${room}`, step);
  }
  if (!isExtended) {
    const nextStep = 'set "thinPools": {"autoextendThreshold": 80} in etc/mortar/mortar.json';
    return finding("note", `${fill}; does not grow by itself; ${snapshots}`, nextStep);
  }
  if (free === 0) {
    const detail = `${fill}; cannot grow, no extent is free; ${snapshots}`;
    return finding("note", detail, `vgextend ${vg.name} DEVICE`);
  }
  const grows = `grows by itself above ${policy.thresholdPercent}%`;
  return [{ what, state: "ok", detail: `${fill}; ${grows}; ${snapshots}` }];
}
