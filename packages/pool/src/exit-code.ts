/**
 * How a server process tells its holder why it ended. Anything else, and a signal, is a death:
 * start it again.
 */
export const ExitCode = {
  /** Stopped on request: unmount, clean up, end. */
  stopped: 0,
  /** Asked to make room for a new one (SIGTERM): start it at once. */
  replaced: 75,
  /** The spec or the pool was refused: no use in trying again at once. */
  refused: 78,
} as const;
