/** The first words of GlusterFS's grammar, by which `mortar` knows that a line is GlusterFS's. */
export const glusterWords: readonly string[] = [
  "volume",
  "snapshot",
  "peer",
  "pool",
  "global",
  "get-state",
  "nfs-ganesha",
  "system::",
];
