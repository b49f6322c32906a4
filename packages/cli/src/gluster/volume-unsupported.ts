/**
 * Patterns of GlusterFS 10.3 that this version knows by name only: they take part in the matching
 * of shortened words and in help, and say that they are not supported when they are called.
 */
import type { GlusterCommand } from "./command.ts";

const geoReplication = [
  "volume geo-replication [<PRIMARY-VOLNAME>] [<SECONDARY-IP>]::[<SECONDARY-VOLNAME>] {\\",
  " create [[ssh-port n] [[no-verify] \\",
  " | [push-pem]]] [force] \\",
  " | start [force] \\",
  " | stop [force] \\",
  " | pause [force] \\",
  " | resume [force] \\",
  " | config [[[\\!]<option>] [<value>]] \\",
  " | status [detail] \\",
  " | delete [reset-sync-time]} ",
].join("\n");

const patterns: readonly (readonly [usage: string, help: string])[] = [
  [geoReplication, "Geo-sync operations"],
  ["volume sync <HOSTNAME> [all|<VOLNAME>]", "sync the volume information from a peer"],
];

export const unsupportedVolumeCommands: readonly GlusterCommand[] = patterns.map(
  ([usage, help]) => ({ words: usage.split(" ").slice(0, 2), usage, help }),
);

const bitrotAndQuota: readonly (readonly [usage: string, help: string])[] = [
  [
    "volume bitrot <VOLNAME> scrub {pause|resume|status|ondemand}",
    "Pause/resume the scrubber for <VOLNAME>. Status displays the status of the scrubber. " +
      "ondemand starts the scrubber immediately.",
  ],
  [
    "volume bitrot <VOLNAME> scrub-frequency {hourly|daily|weekly|biweekly|monthly}",
    "Set the frequency of the scrubber for volume <VOLNAME>",
  ],
  [
    "volume bitrot <VOLNAME> scrub-throttle {lazy|normal|aggressive}",
    "Set the speed of the scrubber for volume <VOLNAME>",
  ],
  [
    "volume bitrot <VOLNAME> signer-threads <count>",
    "Number of signing process threads. Usually set to number of available cores",
  ],
  [
    "volume bitrot <VOLNAME> signing-time <time-in-secs>",
    "Waiting time for an object after last fd is closed to start signing process",
  ],
  ["volume bitrot <VOLNAME> {enable|disable}", "Enable/disable bitrot for volume <VOLNAME>"],
  ["volume inode-quota <VOLNAME> enable", "Enable/disable inode-quota for <VOLNAME>"],
  [
    "volume quota <VOLNAME> {alert-time|soft-timeout|hard-timeout} {<time>}",
    "Set quota timeout for <VOLNAME>",
  ],
  [
    "volume quota <VOLNAME> {enable|disable|list [<path> ...]| list-objects [<path> ...] | " +
      "remove <path>| remove-objects <path> | default-soft-limit <percent>}",
    "Enable/disable and configure quota for <VOLNAME>",
  ],
  [
    "volume quota <VOLNAME> {limit-objects <path> <number> [<percent>]}",
    "Set the maximum number of entries allowed in <path> for <VOLNAME>",
  ],
  [
    "volume quota <VOLNAME> {limit-usage <path> <size> [<percent>]}",
    "Set maximum size for <path> for <VOLNAME>",
  ],
];

/** Not listed by `volume help`: they have families of their own. */
export const unsupportedOtherCommands: readonly GlusterCommand[] = [
  ...bitrotAndQuota.map(([usage, help]) => {
    const words = usage.split(" ").slice(0, 2);
    return { words, usage, help, family: words[1] === "bitrot" ? "bitrot" : "quota" };
  }),
  {
    words: ["get-state"],
    usage:
      "get-state [<daemon>] [[odir </path/to/output/dir/>] [file <filename>]] " +
      "[detail|volumeoptions]",
    help: "Get local state representation of mentioned daemon",
    family: "global",
  },
  {
    words: ["nfs-ganesha"],
    usage: "nfs-ganesha {enable| disable} ",
    help: "Enable/disable NFS-Ganesha support",
    family: "global",
  },
];
