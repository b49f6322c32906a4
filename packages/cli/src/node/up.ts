/** `mortar up`: brings this node back to work. Every step may be repeated. */
import type { CliIo } from "../io.ts";
import { nodeStatusOf, runDirectoryOf, startDaemon } from "./daemon.ts";
import { mount, readMounts } from "./mounts.ts";
import { forgetSaved, readSaved } from "./saved-mounts.ts";
import { checkOptions, type NodeContext, VerbError } from "./verbs.ts";

export async function up(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  checkOptions(args, "up", []);
  const running = await nodeStatusOf(root);
  await bringBack(root, io);
  const status = running ?? (await startDaemon(root));
  const state = running === undefined ? "started" : "runs already";
  io.stdout.write(
    `mortard ${state}: pid ${status.pid}, ${status.host}, port ${status.glusterPort} ` +
      `on ${status.address}\n`,
  );
  return 0;
}

/** The logical volumes and mounts that `down` took away. */
async function bringBack(root: string, io: CliIo): Promise<void> {
  const saved = readSaved(root);
  if (saved === undefined) return;
  const { VolumeGroups } = await import("@mortar/vg");
  const groups = await VolumeGroups.open({ runDirectory: runDirectoryOf(root) });
  for (const { vg, lv } of saved.lvs) {
    try {
      await groups.activateLv({ vg, lv });
    } catch (error) {
      throw new VerbError(
        `${vg}/${lv} could not be activated: ${(error as Error).message}`,
        `give its disk back (losetup for a file), then: mortar up`,
      );
    }
  }
  for (const it of saved.mounts) {
    if (readMounts().some((mounted) => mounted.point === it.point)) continue;
    const device = `/dev/${it.vg}/${it.lv}`;
    const refusal = mount(device, it);
    if (refusal !== undefined) throw new VerbError(`${it.point}: ${refusal}`);
    io.stdout.write(`mounted ${device} on ${it.point}\n`);
  }
  forgetSaved(root);
}
