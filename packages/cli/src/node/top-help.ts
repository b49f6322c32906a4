/** The help of `mortar top`. */

export const INTERVAL_SECONDS = 2;

export const topHelp =
  "Show what goes on, on all nodes: how full pools are and how they grow, and of volumes that are\n" +
  "profiled (`mortar volume profile V start`) what each brick does, and how long operations take.\n" +
  "Until it is interrupted; without a terminal once.\n\n" +
  `--interval N  seconds between two readings; default ${INTERVAL_SECONDS}\n` +
  "--once        one interval, and end\n" +
  "--json        with --once: as JSON\n\n" +
  "Example: mortar top --once --json";
