/**
 * The suite of `testdata/posix`, asked of a brick through the stock client. Some of what it asks no
 * GlusterFS keeps: so what counts is a case that glusterfsd passes and our brick does not.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./live.fixture.ts";
import type { LiveBrick } from "./live.fixture.ts";

const SUITE = fileURLToPath(new URL("../testdata/posix/suite.py", import.meta.url));
const LIMIT_SECONDS = 600;

/** Nothing is answered from a cache of the client; groups of a caller are looked up each time. */
export const UNCACHED_MOUNT = ["--attribute-timeout=0", "--entry-timeout=0", "--gid-timeout=0"];
export const UNCACHED_VOLUME = Object.fromEntries(
  ["io-cache", "quick-read", "read-ahead", "stat-prefetch", "write-behind"].map((name) =>
    [`performance.${name}`, "off"]),
);

/** "ok", or what was wrong, of every case. */
export type Outcomes = ReadonlyMap<string, string>;

/** `sections`: not all. With two mounts; the brick is running, and not mounted. */
export async function posixOutcomes(
  brick: LiveBrick, name: string, mountOptions: readonly string[], sections: readonly string[] = [],
): Promise<Outcomes> {
  const second = join(brick.directory, "second");
  const options = [...UNCACHED_MOUNT, ...mountOptions];
  await brick.mount(options);
  await brick.mountAt(second, options);
  const directory = join(brick.mountPoint, name);
  await run("mkdir", [directory]);
  const only = sections.length === 0 ? [] : ["--only", sections.join(",")];
  const words = [SUITE, directory, "--second", join(second, name), ...only];
  const text = await run("python3", words, LIMIT_SECONDS);
  await brick.unmount();
  return parse(text);
}

/** Titles that are used again are numbered. */
function parse(text: string): Outcomes {
  const found = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [verdict, title = "", told = ""] = line.split("\t");
    if (verdict !== "ok" && verdict !== "NOT") continue;
    let key = title;
    for (let number = 2; found.has(key); number++) key = `${title} (${number})`;
    found.set(key, verdict === "ok" ? "ok" : told);
  }
  return found;
}

export interface Comparison {
  readonly both: number;
  /** Title, and what was wrong with it: in ours, in the peer, in both. */
  readonly onlyPeer: readonly string[];
  readonly onlyOurs: readonly string[];
  readonly neither: readonly string[];
}

export function compareOutcomes(ours: Outcomes, peer: Outcomes): Comparison {
  let both = 0;
  const onlyPeer: string[] = [];
  const onlyOurs: string[] = [];
  const neither: string[] = [];
  for (const title of new Set([...peer.keys(), ...ours.keys()])) {
    const mine = ours.get(title) ?? "did not come to it";
    const theirs = peer.get(title) ?? "did not come to it";
    if (mine === "ok" && theirs === "ok") both += 1;
    else if (theirs === "ok") onlyPeer.push(`${title}: ${mine}`);
    else if (mine === "ok") onlyOurs.push(`${title}: ${theirs}`);
    else neither.push(`${title}: ${mine === theirs ? mine : `${mine}; glusterfsd ${theirs}`}`);
  }
  return { both, onlyPeer, onlyOurs, neither };
}
