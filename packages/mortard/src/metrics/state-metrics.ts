/** Figures from the cluster's state as this node holds it: nobody is asked. */
import type { ClusterState, SnapshotDocument } from "@mortar/cluster";
import type { MetricSet } from "./metric-set.ts";

export function stateMetrics(set: MetricSet, state: ClusterState): void {
  const newest = newestByVolume(state);
  for (const { document: volume } of state.volumes.values()) {
    const labels = { volume: volume.name };
    const isStarted = volume.status === "Started" ? 1 : 0;
    set.gauge("mortar_volume_started", "1: the volume is started", isStarted, labels);
    set.gauge("mortar_volume_bricks", "Bricks that the volume has", volume.bricks.length, labels);
    const found = newest.get(volume.id);
    set.gauge(
      "mortar_volume_snapshots", "Snapshots of the volume, safety snapshots left out",
      found?.count ?? 0, labels,
    );
    set.gauge(
      "mortar_volume_newest_snapshot_timestamp_seconds", "When its newest snapshot was taken",
      seconds(found?.newest.createdAtMs), labels,
    );
    set.gauge(
      "mortar_volume_last_snapshot_pause_seconds",
      "How long writes were held while its newest snapshot was taken",
      seconds(found?.newest.pauseMs), labels,
    );
  }
  const deleting = [...state.snapshots.values()]
    .filter(({ document }) => document.deletingSinceMs !== undefined).length;
  set.gauge("mortar_snapshots_deleting", "Snapshots whose deletion is not finished", deleting);
  set.gauge("mortar_intents", "Commands that are under way, or were interrupted", state.intents.size);
  scheduleMetrics(set, state);
}

interface Newest {
  count: number;
  newest: SnapshotDocument;
}

function newestByVolume(state: ClusterState): Map<string, Newest> {
  const found = new Map<string, Newest>();
  for (const { document } of state.snapshots.values()) {
    if (document.kind !== "user" || document.deletingSinceMs !== undefined) continue;
    for (const { originId } of document.volumes) {
      const known = found.get(originId);
      if (known === undefined) found.set(originId, { count: 1, newest: document });
      else {
        known.count += 1;
        if (document.createdAtMs > known.newest.createdAtMs) known.newest = document;
      }
    }
  }
  return found;
}

function scheduleMetrics(set: MetricSet, state: ClusterState): void {
  const successes = new Map<string, number>();
  for (const { document } of state.snapshots.values()) {
    const { scheduled, createdAtMs } = document;
    if (scheduled === undefined) continue;
    const known = successes.get(scheduled.schedule) ?? 0;
    successes.set(scheduled.schedule, Math.max(known, createdAtMs));
  }
  for (const { document } of state.schedules.values()) {
    const { name, enabled, lastRun } = document;
    const labels = { schedule: name };
    set.gauge("mortar_schedule_enabled", "1: it takes snapshots", enabled ? 1 : 0, labels);
    const failed = lastRun === undefined ? undefined : lastRun.error === undefined ? 0 : 1;
    set.gauge("mortar_schedule_last_run_failed", "1: its last run took no snapshot", failed, labels);
    const ran = lastRun?.snapshot === undefined ? undefined : lastRun.dueMs;
    set.gauge(
      "mortar_schedule_last_success_timestamp_seconds", "When it took its newest snapshot",
      seconds(successes.get(name) ?? ran), labels,
    );
  }
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
