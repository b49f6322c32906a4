/** What stock says of healing, to the letter. */
export const healText = {
  healNotReplicated: (name: string) => `Volume ${name} is not of type replicate/disperse`,
  healNotStarted: (name: string) => `Volume ${name} is not started.`,
  healDisabled: (name: string) =>
    `Self-heal-daemon is disabled. Heal will not be triggered on volume ${name}`,
  healRefused: () =>
    "Glusterd Syncop Mgmt brick op 'Heal' failed. Please check glustershd log file for details.",
  /** Of statistics. */
  healOnlyReplicated: (name: string) =>
    "This command is supported for only volume of replicated type. " +
    `Volume ${name} is not of type replicate`,
  /** Of `heal info`, and of what ends a split-brain. */
  healOnlyVolumes: (name: string, kind: "replicate" | "replicate/disperse") =>
    `This command is supported for only volumes of ${kind} type. ` +
    `Volume ${name} is not of type ${kind}`,
  healNoBricks: (name: string) =>
    `Volume ${name} is not started (Or) All the bricks are not running.`,
  granularNeedsHeal: () =>
    "One or more entries need heal. Please execute the command again after there are no entries " +
    "to be healed",
  granularNeedsBricks: () =>
    "One or more bricks could be down. Please execute the command again after bringing all " +
    "bricks online and finishing any pending heals",
  /** With the blank at its start. */
  granularBySet: () =>
    " 'gluster volume set <VOLNAME> cluster.granular-entry-heal {enable, disable}' is not " +
    "supported. Use 'gluster volume heal <VOLNAME> granular-entry-heal {enable, disable}' instead.",
  splitBrainFile: () =>
    "<FILE> must be absolute path w.r.t. the volume, starting with '/'",
  /** Mortar's own. */
  healToolMissing: () => "The program glfsheal, which ends a split-brain, is not installed.",
} as const;
