/**
 * `mortar down`: stops this node in the order in which nothing is lost.
 *
 *     clients' mounts on this machine → bricks, snapshot mounts, mortard → file systems of the
 *     bricks → logical volumes → pools
 *
 * First everything is looked at: while a program uses one of the mounts, nothing is changed.
 */
import type { NodeStatus } from "@mortar/api";
import type { LeftOver } from "@mortar/vg";
import type { CliIo } from "../io.ts";
import { clientOf, nodeStatusOf, runDirectoryOf, waitForEnd } from "./daemon.ts";
import { mountUsers } from "./mount-users.ts";
import { type Mount, unmount } from "./mounts.ts";
import { endBricks, orphanBricks } from "./orphan-bricks.ts";
import { orphanEtcd } from "./orphan-etcd.ts";
import { readSaved, save } from "./saved-mounts.ts";
import { type LvMount, type Served, servedBy } from "./served.ts";
import { checkOptions, type NodeContext, VerbError } from "./verb.ts";

const END_MS_MAX = 60_000;

export async function down(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  checkOptions(args, "down", ["--force"]);
  const force = args.includes("--force");
  const status = await nodeStatusOf(root);
  const served = await servedBy(root, status);
  const orphans = status === undefined ? orphanBricks(root) : [];
  refuseWhileUsed(status, served, orphans, force);
  for (const client of served.clientMounts) unmountClient(client, force, io);
  // mortard takes the mounts of snapshots away, and brings them back, by itself.
  const snapshotMounts = isBelow(runDirectoryOf(root));
  const own = served.lvMounts.filter(({ mount }) => !snapshotMounts(mount));
  if (status !== undefined) await stopDaemon(root, status, io);
  await endBricks([...orphans, ...orphanEtcd(root)]);
  if (orphans.length > 0) io.stdout.write(`ended ${orphans.length} brick(s) without mortard\n`);
  rememberFor(root, served, own);
  const left = status === undefined ? served.lvMounts : own;
  for (const { mount } of left.toReversed()) {
    const refusal = unmount(mount.point);
    if (refusal !== undefined) throw new VerbError(refusal, "mortar down");
    io.stdout.write(`unmounted ${mount.point}\n`);
  }
  await deactivate(served, io);
  if (status === undefined && served.lvs.length === 0) io.stdout.write("nothing runs\n");
  return 0;
}

/** Snapshot bricks are mounted in the gluster/snaps beside mortard's run directory. */
function isBelow(runDirectory: string): (mount: Mount) => boolean {
  const snaps = runDirectory.replace(/mortar$/, "gluster/snaps/");
  return (mount) => mount.point.startsWith(snaps);
}

function refuseWhileUsed(
  status: NodeStatus | undefined,
  served: Served,
  orphans: readonly number[],
  force: boolean,
): void {
  const except = new Set([process.pid, ...orphans]);
  if (status !== undefined) {
    except.add(status.pid);
    for (const { pid } of status.bricks) if (pid !== undefined) except.add(pid);
  }
  const mounts = served.lvMounts.map(({ mount }) => mount);
  if (!force) mounts.push(...served.clientMounts);
  const used = mountUsers(
    mounts.map((mount) => mount.point),
    except,
  );
  if (used.size === 0) return;
  const lines = [...used].flatMap(([point, users]) =>
    users.map(({ pid, command, path }) => `  ${point}: ${command} (pid ${pid}) holds ${path}`),
  );
  throw new VerbError(
    `programs use what would be taken away; nothing was changed.\n${lines.join("\n")}`,
    "end them, or leave the directories, then: mortar down",
  );
}

function unmountClient(client: Mount, force: boolean, io: CliIo): void {
  const refusal = unmount(client.point);
  if (refusal !== undefined) {
    if (!force) throw new VerbError(refusal, "mortar down");
    const second = unmount(client.point, ["-l"]);
    if (second !== undefined) throw new VerbError(second);
  }
  io.stdout.write(`unmounted ${client.point} (client of ${client.source})\n`);
}

async function stopDaemon(root: string, status: NodeStatus, io: CliIo): Promise<void> {
  const answer = await clientOf(root).nodeShutdown({ stopBricks: true });
  if (!answer.ok) {
    throw new VerbError(`mortard refused: ${answer.problem.detail}`, answer.problem.nextStep);
  }
  const { bricksStopped, unmounted } = answer.result;
  for (const point of unmounted) io.stdout.write(`unmounted ${point}\n`);
  if (!(await waitForEnd(status.pid, END_MS_MAX))) {
    throw new VerbError(
      `mortard (pid ${status.pid}) has not ended after ${END_MS_MAX / 1000} s.`,
      `look at ${status.logDirectory}/mortard.log`,
    );
  }
  io.tell?.({ bricksStopped });
  io.stdout.write(`mortard stopped, and ${bricksStopped} brick(s)\n`);
}

/**
 * Written before the first mount goes, so that an interrupted `down` is known to `up`; what an
 * earlier, interrupted one took away stays in it.
 */
function rememberFor(root: string, served: Served, own: readonly LvMount[]): void {
  if (served.lvs.length === 0) return;
  const earlier = readSaved(root) ?? { lvs: [], mounts: [] };
  const lvs = served.lvs
    .filter(({ kind }) => kind !== "thin-pool")
    .map(({ vg, lv }) => ({ vg, lv }));
  const mounts = own.map(({ mount: { point, type, options }, lv: { vg, lv } }) => ({
    vg,
    lv,
    point,
    type,
    options,
  }));
  const gone = {
    lvs: earlier.lvs.filter((it) => !lvs.some(({ vg, lv }) => vg === it.vg && lv === it.lv)),
    mounts: earlier.mounts.filter((it) => !mounts.some(({ point }) => point === it.point)),
  };
  save(root, { lvs: [...gone.lvs, ...lvs], mounts: [...gone.mounts, ...mounts] });
}

async function deactivate(served: Served, io: CliIo): Promise<void> {
  const kept: LeftOver[] = [];
  for (const group of new Set(served.lvs.map(({ vg }) => vg))) {
    const { leftOver } = await served.groups.deactivateVg(group);
    kept.push(...leftOver);
  }
  if (kept.length > 0) {
    const lines = kept.map(({ name, reason }) => `  ${name}: ${reason}`);
    throw new VerbError(
      `some logical volumes are still active.\n${lines.join("\n")}`,
      "mortar down, once nothing uses them",
    );
  }
  if (served.lvs.length > 0) {
    const names = served.lvs.map(({ vg, lv }) => `${vg}/${lv}`);
    io.tell?.({ deactivated: names });
    io.stdout.write(`deactivated ${names.join(", ")}\n`);
  }
}
