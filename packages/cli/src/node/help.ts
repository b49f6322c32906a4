/** `mortar help`: all verbs on one screen, or the help of one. */
import type { CliIo } from "../io.ts";
import { mortarVersion } from "../version.ts";
import { VerbError } from "./verb.ts";
import { verbHelp, verbs } from "./verbs.ts";

export function mortarHelp(): string {
  return `Mortar ${mortarVersion}: a scale-out file system with instant, crash-consistent snapshots

Usage: mortar [--root DIR] VERB …

This node
  up                     start it            down      stop it
  status                 what runs           doctor    what is missing
  events [-f]            what happened, on all nodes
  top                    what goes on: pools, bricks, operations
  token                  let somebody ask over the network
  webhook                tell programs elsewhere what happens
  audit                  who changed what
  install                start it with the machine
  uninstall              take that back
  upgrade                have this version take over, under load
  aliases DIR            commands under the stock names gluster, glusterd, lvs, …
  dev --nodes 3          a cluster on this machine, to try it
  completion bash        what the shell completes: names of volumes and snapshots too
  manual DIR             write the manual pages

Bricks made for you (volume create V replica 3 --size 100G makes them all)
  brick create|list|delete               node label NODE zone=ZONE

Volumes and snapshots, in the words of GlusterFS (--xml too)
  volume create|start|stop|delete|info|status|list|set|get|reset|help
  volume add-brick|remove-brick|replace-brick|reset-brick|rebalance
  volume heal|profile|statedump|barrier|log
  snapshot create|list|info|status|activate|deactivate|restore|clone|delete|config|help
  snapshot schedule|prune|hold|release|lock|unlock|diff|reclaim     Mortar's own
  snapshot ls|cat|restore-file                 files of a snapshot, without a mount
  snapshot send|receive|bookmark               to another cluster, a directory, a store
  peer probe|detach|status|token|accept|recover|leave        pool list

Disks, in the words of LVM
  pvs pvscan pvdisplay   pvcreate pvremove pvchange
  vgs vgscan vgdisplay   vgcreate vgextend vgreduce vgremove vgrename vgchange
                         vgexport vgimport vgck vgcfgbackup vgcfgrestore
  lvs lvscan lvdisplay   lvcreate lvextend lvreduce lvresize lvchange lvrename
                         lvremove lvconvert

Thin pools (VG/POOL, or a file of metadata, or VG/POOL --pv DISK offline)
  pool check|dump|delta|ls|rmap          also while the pool is active
  pool restore|repair                    while it is not
  pool reclaim                           give back what deleted files hold

Thin volumes for NBD clients (QEMU, libnbd)
  nbd export|unexport|list

Options
  --root DIR             keep everything of this node below DIR (also: MORTAR_ROOT)
  --engine ENGINE        behind a command of LVM: kernel, userspace or auto (also: MORTAR_ENGINE)
  --json                 behind any verb but completion and help: what it shows or did as JSON,
                         { "problem": { "type", "detail", … } } and an exit code when it could not
  --version              --help, also behind any verb
`;
}

export async function help(args: readonly string[], io: CliIo): Promise<number> {
  const [verb] = args;
  if (verb === undefined) {
    io.stdout.write(mortarHelp());
    return 0;
  }
  const entry = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  if (entry !== undefined) {
    io.stdout.write(verbHelp(entry));
    return 0;
  }
  const { lvmTools, runLvm } = await import("../lvm/index.ts");
  if (lvmTools.includes(verb)) return await runLvm(verb, ["--help"], io, { root: undefined });
  const { glusterCommands } = await import("../gluster/commands.ts");
  const listed = glusterCommands.filter((command) => command.words[0] === verb);
  if (listed.length === 0) throw new VerbError(`${verb} is not a verb.`, "mortar help");
  const { familyHelp } = await import("../gluster/help.ts");
  io.stdout.write(familyHelp(verb === "pool" ? "peer" : verb, glusterCommands));
  return 0;
}
