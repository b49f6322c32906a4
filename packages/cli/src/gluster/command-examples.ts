/** One command line a command, without the program's name, as `mortar … --help` and the manual show it. */
import type { GlusterCommand } from "./command.ts";

const EXAMPLES: Readonly<Record<string, string>> = {
  "peer probe": "peer probe n2.example.org",
  "peer detach": "peer detach n2.example.org",
  "peer status": "peer status",
  "peer help": "peer help",
  "peer token": "peer token",
  "peer accept": "peer accept",
  "peer recover": "peer recover",
  "peer leave": "peer leave",
  "pool list": "pool list --json",
  "volume heal": "volume heal v1 info summary",
  "volume barrier": "volume barrier v1 enable",
  "volume log": "volume log v1 rotate",
  "volume profile": "volume profile v1 info",
  "volume statedump": "volume statedump v1 fd inode",
  "volume clear-locks": "volume clear-locks v1 /dir/file kind blocked inode",
  "volume top": "volume top v1 read list-cnt 10",
  "volume add-brick": "volume add-brick v1 n1:/bricks/b2/brick n2:/bricks/b2/brick",
  "volume rebalance": "volume rebalance v1 start",
  "volume remove-brick": "volume remove-brick v1 n1:/bricks/b2/brick start",
  "volume replace-brick": "volume replace-brick v1 n1:/bricks/b1/brick n4:/bricks/b1/brick commit force",
  "volume reset-brick": "volume reset-brick v1 n1:/bricks/b1/brick start",
  "volume create": "volume create v1 replica 3 n1:/b1/brick n2:/b1/brick n3:/b1/brick",
  "volume delete": "volume delete v1",
  "volume get": "volume get v1 features.uss",
  "volume help": "volume help",
  "volume info": "volume info v1",
  "volume list": "volume list",
  "volume reset": "volume reset v1 performance.cache-size",
  "volume set": "volume set v1 features.uss enable",
  "volume start": "volume start v1",
  "volume status": "volume status v1 detail",
  "volume stop": "volume stop v1",
  "snapshot activate": "snapshot activate monday",
  "snapshot config": "snapshot config v1 snap-max-hard-limit 100",
  "snapshot deactivate": "snapshot deactivate monday",
  "snapshot delete": "snapshot delete monday --dry-run",
  "snapshot help": "snapshot help",
  "snapshot info": "snapshot info monday",
  "snapshot list": "snapshot list v1",
  "snapshot reclaim": "snapshot reclaim monday tuesday",
  "snapshot restore": "snapshot restore monday --dry-run",
  "snapshot status": "snapshot status monday",
  "snapshot receive": "snapshot receive --from s3://backups/v1 v1-copy",
  "system:: getwd": "system:: getwd",
  "system:: uuid get": "system:: uuid get",
  "system:: help": "system:: help",
  "global help": "global help",
  "volume bitrot help": "volume bitrot help",
  "volume quota help": "volume quota help",
};

/** Undefined where the command's own text has one, or it is not supported. */
export function exampleOf({ words, more = "", run }: GlusterCommand): string | undefined {
  if (run === undefined) return undefined;
  const name = words.join(" ");
  const lines = more.split("\n").map((line) => line.replace(/^Examples?:/, "").trim());
  return lines.some((line) => line.startsWith(`mortar ${name}`)) ? undefined : EXAMPLES[name];
}
