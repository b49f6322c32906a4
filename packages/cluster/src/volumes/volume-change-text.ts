/** What stock says of changes of a volume's bricks, to the letter. */

export const changeText = {
  addBrickVolumeMissing: (name: string) => `Unable to get volinfo for volume name ${name}`,
  replicaBricksIncorrect: (supplied: number, replica: number) =>
    `Incorrect number of bricks (${supplied}) supplied for replica count (${replica}).`,
  replicaIncorrect: (given: number, now: number) =>
    `Incorrect replica count (${given}) supplied. Volume already has (${now})`,
  replicaOfDisperse: (name: string) =>
    `Volume ${name} cannot be converted from dispersed to replicated-dispersed`,
  /** Stock has no better word for bricks that do not make whole sets. */
  changeFailed: () => "Operation failed",
  arbiterOfReplica: () => "Cannot convert replica 3 volume to arbiter volume.",
  arbiterCountsOfChange: () =>
    "For arbiter configuration, replica count must be 3 and arbiter count must be 1. " +
    "The 3rd brick of the replica will be the arbiter",
  arbiterGrows: () => "Increasing replica count for arbiter volumes is not supported.",
  /** With its blanks. */
  replicaStopped: () =>
    " Volume must not be in stopped state when replica-count needs to  be increased.",
  replicaBrickDown: (path: string) =>
    `Brick ${path} is down, changing replica count needs all the bricks to be up ` +
    "to avoid data loss",
  replicaGivenMore: (given: number, name: string, now: number) =>
    `given replica count (${given}) option is more than volume ${name}'s replica count (${now})`,
  replicaOfOther: (given: number, name: string) =>
    `replica count (${given}) option given for non replicate volume ${name}`,
  replicaSame: (count: number, size: number) =>
    `number of bricks provided (${count}) is not valid. need at least ${size} (or ${size}xN)`,
  replicaNeeds: (needed: number, now: number, given: number) =>
    `need ${needed}(xN) bricks for reducing replica count of the volume from ${now} to ${given}`,
  replicaExactly: (count: number) => `Remove exactly ${count} brick(s) from each subvolume.`,
  replicaImplicit: () =>
    "Removing bricks from replicate configuration is not allowed without reducing replica count " +
    "explicitly.",
  replicaNoMigration: () =>
    "Migration of data is not needed when reducing replica count. Use the 'force' option",
  arbiterFirst: () =>
    "Remove arbiter brick(s) only when converting from arbiter to replica 2 subvolume.",
  arbiterToo: () =>
    "Removed bricks must contain arbiter when converting to plain distribute.",
  replaceDistribute: () =>
    "replace-brick is not permitted on distribute only volumes. " +
    "Please use add-brick and remove-brick operations instead.",
  exchangeNotStarted: (name: string) => `volume: ${name} is not started`,
  exchangeBrickMissing: (brick: string, name: string) =>
    `brick: ${brick} does not exist in volume: ${name}`,
  resetRunning: () =>
    "Source brick must be stopped. " +
    "Please use gluster volume reset-brick <volname> <dst-brick> start.",
  resetTaken: () =>
    "Brick not available.It may be containing or be contained by an existing brick." +
    "Use 'force' option to override this.",
  resetNew: () =>
    "When destination brick is new, please use gluster volume replace-brick <volname> " +
    "<src-brick> <dst-brick> commit force",
} as const;
