/** With which options of Node.js mortard runs. */

/**
 * What it keeps is tens of MiB; without a bound Node would let garbage grow to several times that
 * before it collects any.
 */
export const DAEMON_NODE_OPTIONS = [
  "--enable-source-maps", "--max-semi-space-size=2", "--max-old-space-size=384",
] as const;
