/** The help of `mortar events`. */
export const eventsHelp = `Show what happened, on all nodes: volumes, bricks, snapshots, schedules, nodes that are away, pools
that fill up. The newest is last, with what to type about it. Without mortard: what happened to
this node's pools since the machine started.

-f, --follow  go on with what happens, until interrupted
--limit N     how many; default 50
--json        a line of JSON each

Example:
  mortar events -f --json | jq 'select(.severity == "error")'`;
