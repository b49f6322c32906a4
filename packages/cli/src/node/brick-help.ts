/** The help of `mortar brick`. */
export const brickUsage =
  "mortar [--root DIR] brick create NODE:PATH --size SIZE [OPTION…] | list | delete NODE:PATH [--dry-run]";

export const brickHelp = `Make, list and remove file systems for bricks, on any node of the cluster, so that volumes on
them can be snapshotted: a thin volume of its own, XFS, a mount that comes back with \`mortar up\`,
and the directory PATH in it. What is there already is used; what fails is undone.

create NODE:PATH
  --size SIZE       of the brick, such as 100G
  --vg VG           its volume group; default: the one with the most room
  --device DEVICE   make the volume group of a disk that holds nothing
  --file FILE       make the volume group of a sparse file, which is made
  --pool POOL       the thin pool; default: the one with the most room, or a new one, \`bricks\`
  --pool-size SIZE  of a new pool; default: all that is free
  --name LV         name of the logical volume; default: from the mount point
  --dry-run         print what would be done, and do nothing
list                what was made, and which volumes and snapshots use it
delete NODE:PATH [--dry-run]
                    refused while a volume or a snapshot uses it. A pool, a group or a file that
                    was made for bricks goes with its last one.

--json behind each: the same as JSON, with more of it

Example:
  mortar brick create n1:/bricks/b1/brick --size 100G --device /dev/sdb
  gluster volume create v1 n1:/bricks/b1/brick`;
